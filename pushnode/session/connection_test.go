package session

import (
	"testing"
)

// The fan-out does not wait for the reader, which may be answering the close of a client that takes nothing.
func TestFanOutDoesNotWaitForTheReader(t *testing.T) {
	t.Parallel()
	s := &socket{}
	s.mu.Lock() // as the reader has it while it writes
	c := &connection{transport: s, direct: s, outbox: newOutbox(1<<20, 10)}
	c.outbox.push(item{frame: []byte("x")})
	if c.writeDirect() {
		t.Error("the fan-out says that it has written")
	}
	if count, _ := c.outbox.queued(); count != 1 {
		t.Errorf("%d things wait for the writer, want 1", count)
	}
}
