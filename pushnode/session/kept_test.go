package session

import (
	"bytes"
	"testing"
	"time"

	"halley/pushnode/netpoll"
)

// taker is a connection that takes a few bytes at once, and the rest by and by.
type taker struct {
	netpoll.Conn
	atOnce int
	took   bytes.Buffer
}

func (c *taker) TryWrite(p []byte) (int, error) { return c.took.Write(p[:min(len(p), c.atOnce)]) }

func (c *taker) Write(p []byte, _ time.Duration) (int, error) { return c.took.Write(p) }

// What a socket has kept goes before what the fan-out writes: the head of a stream of events, as long as nobody has written anything.
func TestKeptGoesFirst(t *testing.T) {
	t.Parallel()
	for _, atOnce := range []int{0, 3, 7, 100} {
		conn := &taker{atOnce: atOnce}
		s := &socket{conn: conn, dialect: frameDialect{}, kept: []byte("head ")}
		all, err := s.writeNow([]item{frameItem([]byte("one "))})
		if err != nil || all != (atOnce == 100) {
			t.Errorf("%d bytes at once: all is %v, %v", atOnce, all, err)
		}
		if err := s.finish(); err != nil {
			t.Error(err)
		}
		if all, err := s.writeNow([]item{frameItem([]byte("two"))}); err != nil || all != (atOnce != 0) {
			t.Errorf("%d bytes at once, then: all is %v, %v", atOnce, all, err)
		}
		if err := s.finish(); err != nil {
			t.Error(err)
		}
		if got := conn.took.String(); got != "head one two" {
			t.Errorf("%d bytes at once: wrote %q", atOnce, got)
		}
	}
}
