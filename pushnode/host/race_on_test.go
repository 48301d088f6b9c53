//go:build race

package host_test

// raced says whether the tests run under the race detector.
const raced = true
