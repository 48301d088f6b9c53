//go:build !linux

package bench

import "syscall"

// bindLate does nothing where there is no such choice.
func bindLate(_, _ string, _ syscall.RawConn) error { return nil }
