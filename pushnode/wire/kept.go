package wire

import "sync/atomic"

// Kept is bytes that are made when somebody first needs them, and kept for all others. Its zero value holds nothing yet. It is safe for
// concurrent use: at worst they are made twice, and equal.
type Kept struct{ bytes atomic.Pointer[[]byte] }

// Get returns the bytes, which must not be changed.
func (k *Kept) Get(make func() []byte) []byte {
	if known := k.bytes.Load(); known != nil {
		return *known
	}
	made := make()
	k.bytes.Store(&made)
	return made
}

// KeptEvents is server-sent events for streams of one channel, whose cursor is a bare position or has the channel's name.
type KeptEvents struct{ bare, named Kept }

// Get returns the events of one of the two kinds.
func (k *KeptEvents) Get(bare bool, make func() []byte) []byte {
	if bare {
		return k.bare.Get(make)
	}
	return k.named.Get(make)
}
