package session

import (
	"net"
	"sync"
	"time"

	"halley/pushnode/netpoll"
	"halley/pushnode/wire"
)

// socket is the transport of a connection that has a socket of its own: a WebSocket, or a stream of events over HTTP/1.1. It writes
// whole pushes as its dialect says them. Who writes has the connection's turn; before there is a connection, one goroutine has it all.
type socket struct {
	conn    netpoll.Conn
	dialect dialect
	timeout time.Duration // immutable: of one write

	finished bool   // the last bytes were sent, or the connection broke: nothing may follow
	kept     []byte // goes before anything else: the answer to the request, what writeNow could not write
}

// dialect says what bytes mean to the client of a socket.
type dialect interface {
	// whole is an item's bytes where they are the same for all receivers, to be written as they are; nil: encode has them.
	whole(one *item) []byte
	// encode appends an item's bytes. Each item is encoded once, in the order in which they are written.
	encode(dst []byte, one *item) []byte
	// ping is what says that the server lives; answered reports whether the client is bound to answer.
	ping() (text []byte, answered bool)
	// farewell is the last that the client is told; nil: nothing.
	farewell(reason *wire.Error) []byte
}

// slowWrites is how many write timeouts a write that makes some progress may take. It bounds how slowly a client may read:
// 64 KB in 30 s.
const slowWrites = 3

func (s *socket) write(items []item) (written int, err error) {
	text, buffer := s.join(items)
	err = s.send(text)
	letGoBuffer(buffer)
	return len(items), err
}

// join returns the bytes of items, and the buffer that they are in, if they are in one: the caller lets go of it.
func (s *socket) join(items []item) (text []byte, buffer *[]byte) {
	if len(items) == 1 {
		if text := s.dialect.whole(&items[0]); text != nil {
			return text, nil
		}
	}
	buffer = buffers.Get().(*[]byte)
	text = (*buffer)[:0]
	for i := range items {
		text = s.dialect.encode(text, &items[i])
	}
	*buffer = text
	return text, buffer
}

// buffers are for who writes just now.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// spareBuffer is how large a buffer may be for others to use it.
const spareBuffer = 64 << 10

func letGoBuffer(buffer *[]byte) {
	if buffer != nil && cap(*buffer) <= spareBuffer {
		buffers.Put(buffer)
	}
}

// send writes what was kept, and p. A client that takes something gets more time, but not for ever.
func (s *socket) send(p []byte) error {
	if s.finished {
		return net.ErrClosed
	}
	if len(s.kept) > 0 {
		p = append(s.kept, p...)
		s.kept = nil
	}
	for attempt := 1; len(p) > 0; attempt++ {
		n, err := s.conn.Write(p, s.timeout)
		if err == nil {
			return nil
		}
		if p = p[n:]; !isTimeout(err) || n == 0 || attempt == slowWrites {
			s.finished = true // part of a push may have gone
			return err
		}
	}
	return nil
}

// writeNow writes items as far as the kernel takes them at once, and keeps the rest: all is false, and finish writes it.
func (s *socket) writeNow(items []item) (all bool, err error) {
	if s.finished {
		return false, net.ErrClosed
	}
	text, buffer := s.join(items)
	defer letGoBuffer(buffer)
	if len(s.kept) > 0 {
		text = append(s.kept, text...)
		s.kept = nil
	}
	if len(text) == 0 {
		return true, nil
	}
	written, err := s.conn.TryWrite(text)
	if err != nil {
		s.finished = true
		return false, err
	}
	s.kept = append(s.kept, text[written:]...)
	return len(s.kept) == 0, nil
}

// finish writes what writeNow kept, within the write timeout.
func (s *socket) finish() error { return s.send(nil) }

func (s *socket) ping() (answered bool, err error) {
	text, answered := s.dialect.ping()
	return answered, s.send(text)
}

// end tells the client why its connection ends.
func (s *socket) end(reason *wire.Error) {
	if s.finished {
		return
	}
	if text := s.dialect.farewell(reason); text != nil {
		_ = s.send(text) // the client may be gone
	}
	s.finished = true
}

// lastPush is what a client is told before its connection ends; nil where the end was its own wish, or it does not speak the protocol.
func lastPush(reason *wire.Error) wire.Push {
	switch {
	case reason.Code < firstCode:
		return nil
	case reason.Code == wire.CodeDraining:
		return &wire.Drain{ReconnectIn: reason.RetryAfter.Milliseconds()}
	default:
		return &wire.Fault{Err: reason}
	}
}

func droppedOf(one *item) *wire.Dropped {
	return &wire.Dropped{Channel: one.sub.entry.id.Name, Count: one.dropped}
}
