// Package leak fails a package's test run when its tests leave goroutines behind.
//
// It is called from TestMain and judges the whole run, not a single test: parallel tests share the process, so only at the end
// is every goroutine owed. It does not find goroutines that are parked for ever but still owned by a running test. Start at Main.
package leak

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// grace is how long goroutines that are on their way out have to end: closed sockets and stopped servers need a moment.
const grace = 5 * time.Second

// Main runs the tests and ends the process with what Run returns. It is the whole body of most TestMain functions.
func Main(m *testing.M) { os.Exit(Run(m)) }

// Run runs the tests and returns the exit code, for a TestMain with work of its own after the tests. Where they pass but a
// goroutine of theirs is still there after 5 s, it prints the stacks of all that are left and returns 1.
func Run(m *testing.M) int {
	code := m.Run()
	if code != 0 {
		return code
	}
	if left := wait(grace); len(left) > 0 {
		fmt.Fprintf(os.Stderr, "leak: %d goroutines are left after the tests:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
		return 1
	}
	return 0
}

// wait polls until no goroutine is left or the limit has passed, and returns the stacks of those that are left.
func wait(limit time.Duration) []string {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); ; <-tick.C {
		left := leftovers()
		if len(left) == 0 || time.Now().After(end) {
			return left
		}
	}
}

// leftovers returns the stacks of all goroutines but the calling one and those of the runtime and of package testing.
func leftovers() []string {
	buf := make([]byte, 1<<20)
	n := runtime.Stack(buf, true)
	for n == len(buf) { // cut off
		buf = make([]byte, 2*len(buf))
		n = runtime.Stack(buf, true)
	}
	var left []string
	for _, stack := range strings.Split(strings.TrimSpace(string(buf[:n])), "\n\n")[1:] { // the first is the caller
		if !expected(stack) {
			left = append(left, stack)
		}
	}
	return left
}

// expected reports whether the stack belongs to a goroutine that no test can stop: the one that the first signal.Notify starts.
func expected(stack string) bool { return strings.Contains(stack, "os/signal.loop(") }
