package leak

import (
	"strings"
	"testing"
	"time"
)

func TestWaitNamesWhatIsLeft(t *testing.T) {
	release := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		strandedForTheTest(release)
	}()

	// The tests' own main goroutine is there as well while a test runs; only the stranded one is looked for.
	if !strings.Contains(strings.Join(wait(20*time.Millisecond), "\n\n"), "strandedForTheTest") {
		t.Error("a goroutine that is left over was not found")
	}
	close(release)
	<-done
	if left := strings.Join(wait(20*time.Millisecond), "\n\n"); strings.Contains(left, "strandedForTheTest") {
		t.Errorf("an ended goroutine was found:\n%s", left)
	}
}

func TestExpectedKeepsOurs(t *testing.T) {
	if expected("goroutine 9 [select]:\nhalley/pushnode/session.(*Registry).run(0x1)") {
		t.Error("a goroutine of Halley counts as one of the runtime")
	}
	if !expected("goroutine 9 [syscall]:\nos/signal.signal_recv()\n\nos/signal.loop()") {
		t.Error("the signal loop counts as a leak")
	}
}

// strandedForTheTest blocks until it is released, under a name that the test can look for.
func strandedForTheTest(release <-chan struct{}) { <-release }
