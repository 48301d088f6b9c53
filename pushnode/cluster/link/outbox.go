package link

import (
	"hash/crc32"
	"sync"
)

// outbox holds the frames that wait for one connection, encoded one after the other. Any goroutine puts, one takes.
type outbox struct {
	limit int           // immutable; bytes
	ready chan struct{} // capacity 1: there is something to take

	mu      sync.Mutex
	pending []byte
	writing int  // bytes that were taken and are not written yet
	last    bool // a bye is the last in pending, or was taken
}

func newOutbox(limit int) *outbox { return &outbox{limit: limit, ready: make(chan struct{}, 1)} }

// put copies a frame. It reports false where the frame would take the queue above its limit, and after a bye; a frame longer than
// the limit is taken by an empty queue, and those of the link itself, which are few and short, by a full one.
func (o *outbox) put(k kind, payload []byte) bool {
	sum := crc32.Checksum(payload, castagnoli) // outside the lock: it takes longest
	size := headerBytes + len(payload)
	o.mu.Lock()
	waiting := len(o.pending) + o.writing
	if o.last || k == payloadKind && waiting > 0 && waiting+size > o.limit {
		o.mu.Unlock()
		return false
	}
	o.last = k == byeKind
	wake := len(o.pending) == 0
	o.pending = append(appendHeader(o.pending, k, len(payload), sum), payload...)
	o.mu.Unlock()
	if wake {
		select {
		case o.ready <- struct{}{}:
		default:
		}
	}
	return true
}

// take returns all that waits, and whether nothing will follow. It says that what was taken before is written, whose memory is used
// for what comes next.
func (o *outbox) take(written []byte) (batch []byte, last bool) {
	if cap(written) > keepBytes && len(written) < cap(written)/4 { // it was needed once, and is no longer
		written = nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	batch = o.pending
	o.pending = written[:0]
	o.writing = len(batch)
	return batch, o.last
}

// queued returns the bytes that wait or are being written.
func (o *outbox) queued() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.pending) + o.writing
}
