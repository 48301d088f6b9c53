//go:build amd64 || arm64

package prefetch

import "unsafe"

// lines asks for the cache lines of the size bytes from p on. An address that is none does no harm.
//
//go:noescape
func lines(p unsafe.Pointer, size uintptr)
