package debian

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

func TestInstallSaysWhereItCannot(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if err := Install("postgresql"); !errors.Is(err, ErrCannotInstall) {
		t.Errorf("without apt-get: %v", err)
	}
}

func TestLockIsExclusive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(path, syscall.LOCK_EX)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock(path, syscall.LOCK_EX|syscall.LOCK_NB); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Errorf("a second lock: %v, want %v", err, syscall.EWOULDBLOCK)
	}
	unlock()
	unlock, err = lock(path, syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		t.Fatalf("after the unlock: %v", err)
	}
	unlock()
}
