// Package npm gives tests the packages of others that are published for Node.js, as a lock file pins them.
//
// It runs no script of such a package, and what it installs is part of nothing that is shipped. Start at Install.
package npm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"halley/test/debian"
)

// patience bounds one installation: some dozen small packages over a slow line.
const patience = 3 * time.Minute

// stamp is the file, beside the packages, that holds the lock file they were installed from.
const stamp = ".halley-lock.json"

// Node returns the path of Node.js: the first on PATH, else that of Debian's package, which is installed where apt-get and root allow.
// Otherwise the test fails with a line that says what to do.
func Node(tb testing.TB) string {
	tb.Helper()
	path, err := find("node", "nodejs")
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// Install installs what package-lock.json in the folder names, into its node_modules, where that has not happened yet. Processes that
// want it at the same time take turns. A test fails where it takes too long.
func Install(tb testing.TB, folder string) {
	tb.Helper()
	if err := install(tb.Context(), folder); err != nil {
		tb.Fatalf("install the packages of %s: %v", folder, err)
	}
}

// one keeps tests of this process apart; the lock on the folder, processes.
var one sync.Mutex

func install(ctx context.Context, folder string) error {
	one.Lock()
	defer one.Unlock()
	unlock, err := lock(folder)
	if err != nil {
		return err
	}
	defer unlock()
	wanted, err := os.ReadFile(filepath.Join(folder, "package-lock.json"))
	if err != nil {
		return err
	}
	stamped := filepath.Join(folder, "node_modules", stamp)
	if installed, err := os.ReadFile(stamped); err == nil && bytes.Equal(installed, wanted) {
		return nil
	}
	if err := clean(ctx, folder); err != nil {
		return err
	}
	return os.WriteFile(stamped, wanted, 0o600)
}

// clean empties node_modules and fills it.
func clean(ctx context.Context, folder string) error {
	path, err := find("npm", "npm")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir, cmd.WaitDelay = folder, time.Second
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w\n%s", errors.Join(err, ctx.Err()), output)
	}
	return nil
}

// find returns the path of a program, which a package of Debian has.
func find(program, debianPackage string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	if err := debian.Install(debianPackage); err != nil {
		return "", fmt.Errorf("%s is missing: install Node.js (Debian: apt-get install nodejs npm): %w", program, err)
	}
	return exec.LookPath(program)
}

// lock takes a lock on the folder, as flock(2) does; the kernel gives it back if the process dies.
func lock(folder string) (unlock func(), err error) {
	file, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() { file.Close() }, nil
}
