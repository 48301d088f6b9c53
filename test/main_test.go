package test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"halley/test/leak"
)

func TestMain(m *testing.M) {
	code := leak.Run(m)
	if err := removeBinary(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// buildBinary builds cmd/halley under the race detector, once per test process and only for tests that ask. It returns the path.
var buildBinary = sync.OnceValues(func() (string, error) {
	if err := os.MkdirAll(binaryFolder(), 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(binaryFolder(), "halley")
	if output, err := exec.Command("go", "build", "-race", "-o", path, "halley/cmd/halley").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build cmd/halley: %w\n%s", err, output)
	}
	return path, nil
})

// buildPlainBinary builds cmd/halley as it is shipped, for tests of several processes under load: under the race detector each of them
// would take the others' time.
var buildPlainBinary = sync.OnceValues(func() (string, error) { return buildPlain("halley-plain") })

// buildPlain builds cmd/halley under a name, as it is shipped but for flags of go build.
func buildPlain(name string, flags ...string) (string, error) {
	if err := os.MkdirAll(binaryFolder(), 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(binaryFolder(), name)
	build := exec.Command("go", slices.Concat([]string{"build", "-o", path}, flags, []string{"halley/cmd/halley"})...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build cmd/halley: %w\n%s", err, output)
	}
	return path, nil
}

// removeBinary removes what buildBinary left, if anything.
func removeBinary() error {
	if err := os.RemoveAll(binaryFolder()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the binary: %w", err)
	}
	return nil
}

// binaryFolder returns the folder of this process's binary.
func binaryFolder() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("halley-test-%d", os.Getpid()))
}
