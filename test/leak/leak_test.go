package leak

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// leaky names the environment variable that makes TestStrandsAGoroutine leak, in a process of its own.
const leaky = "HALLEY_TEST_LEAKY"

func TestMain(m *testing.M) { Main(m) }

func TestMainFailsTheRun(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestStrandsAGoroutine$")
	cmd.Env = append(os.Environ(), leaky+"=1")
	output, err := cmd.CombinedOutput()
	failed, ok := errors.AsType[*exec.ExitError](err)
	if !ok || failed.ExitCode() != 1 || !strings.Contains(string(output), "leak.strandedForTheTest(") {
		t.Errorf("a run that leaks ended with %v and said:\n%s", err, output)
	}
}

// TestStrandsAGoroutine passes, and leaves a goroutine behind where it is asked to.
func TestStrandsAGoroutine(t *testing.T) {
	if os.Getenv(leaky) != "" {
		go strandedForTheTest(make(chan struct{}))
	}
}

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
