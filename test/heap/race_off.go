//go:build !race

package heap

// raced says whether the tests run under the race detector.
const raced = false
