// Package debian installs a Debian package that a test needs and the machine lacks.
//
// It serves the discovery of Postgres and Chromium; it finds nothing itself and never removes a package. Start at Install.
package debian

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// ErrCannotInstall says that this machine has no apt-get or that the process is not root.
var ErrCannotInstall = errors.New("apt-get is not to be had here, or not as this user")

// Install installs the package, with what it depends on and nothing it recommends. Processes that want one at the same time take
// turns. A package that is installed already is no error. It may take minutes.
func Install(name string) error {
	aptGet, err := exec.LookPath("apt-get")
	if err != nil || os.Geteuid() != 0 {
		return ErrCannotInstall
	}
	unlock, err := lock(filepath.Join(os.TempDir(), "halley-apt-get.lock"), syscall.LOCK_EX)
	if err != nil {
		return fmt.Errorf("install %s: %w", name, err)
	}
	defer unlock()

	fmt.Fprintf(os.Stderr, "test: installing Debian's package %s\n", name)
	install := []string{"install", "--yes", "--no-install-recommends", name}
	if run(aptGet, install...) == nil {
		return nil
	}
	// The lists of packages are missing, as in a fresh image, or older than the archive.
	if err := run(aptGet, "update"); err != nil {
		return fmt.Errorf("update the package lists: %w", err)
	}
	if err := run(aptGet, install...); err != nil {
		return fmt.Errorf("install %s: %w", name, err)
	}
	return nil
}

// lock takes a lock on the file at path, as flock(2) does; the kernel gives it back if the process dies.
func lock(path string, how int) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), how); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() { file.Close() }, nil
}

// run runs apt-get unattended. Its output goes into the error.
func run(aptGet string, args ...string) error {
	cmd := exec.Command(aptGet, append([]string{"--quiet", "-o", "DPkg::Lock::Timeout=300"}, args...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}
