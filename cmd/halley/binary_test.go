package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// buildBinary builds the program under the race detector, once, for the tests that need a process of it.
var buildBinary = sync.OnceValues(func() (string, error) {
	name := filepath.Join(binaryFolder(), "halley")
	if output, err := exec.Command("go", "build", "-race", "-o", name, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, output)
	}
	return name, nil
})

func binaryFolder() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("halley-cmd-%d", os.Getpid()))
}

func removeBinary() { _ = os.RemoveAll(binaryFolder()) }
