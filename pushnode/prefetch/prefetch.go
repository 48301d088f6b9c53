// Package prefetch has the processor fetch memory into its cache before it is needed. Who walks over ten thousand connections waits for
// memory at each of them, one after the other: every lock keeps the processor from looking ahead. Asked for beforehand, the memory of
// several comes at the same time.
//
// It changes nothing but time, and reads nothing: memory that others write may be asked for.
package prefetch

import "unsafe"

// Ahead is for how many things to ask at a time: enough to wait once for all, and few enough that the first is still in the cache when the
// last one's turn has come, with a system call between each two.
const Ahead = 16

// Of has what p points to fetched. nil is allowed.
func Of[T any](p *T) {
	lines(unsafe.Pointer(p), unsafe.Sizeof(*p))
}
