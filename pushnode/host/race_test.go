package host_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// racedSeeds is how many simulations run under the race detector. One is a single goroutine, so that there is not much to find, and takes
// eight times as long: the others run in a process of their own without it.
const racedSeeds = 4

// built is this package's tests, compiled without the race detector.
var built = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "halley-simulation")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(folder, "simulation.test")
	build := exec.CommandContext(context.Background(), "go", "test", "-c", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if output, err := build.CombinedOutput(); err != nil {
		return folder, fmt.Errorf("%w: %s", err, output)
	}
	return folder, nil
})

func TestMain(m *testing.M) {
	flag := m.Run()
	if raced {
		if folder, err := built(); err == nil {
			_ = os.RemoveAll(folder)
		}
	}
	os.Exit(flag)
}

// withoutRace runs a test in a process without the race detector, if this one has it, and reports whether it did.
func withoutRace(t *testing.T) bool {
	t.Helper()
	if !raced {
		return false
	}
	folder, err := built()
	if err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), filepath.Join(folder, "simulation.test"), "-test.run", "^"+t.Name()+"$", "-test.v",
		"-seed", fmt.Sprint(*firstSeed), "-seeds", fmt.Sprint(*seeds),
		"-loss-seed", fmt.Sprint(*lossSeed), "-loss-seeds", fmt.Sprint(*lossSeeds), "-loss-kind", *lossKind)
	output, err := run.CombinedOutput()
	if err != nil {
		t.Errorf("without the race detector: %v\n%s", err, output)
	} else {
		t.Logf("without the race detector:\n%s", output)
	}
	return true
}
