package session

import (
	"bufio"
	"net"
	"net/http"
	"sync"
	"time"

	"halley/pushnode/wire"
)

// socket is the WebSocket of one connection, on its writing side: whole frames, encoded beforehand, straight into the connection.
// The library that reads frames answers a close by itself; its frames come through Write, so that none falls into another.
type socket struct {
	net.Conn
	prefix  []byte        // what HTTP had read beyond the request; owned by the reader
	timeout time.Duration // immutable: of one write
	linger  time.Duration // immutable: how long the client has to answer a close
	atOnce  nonblocking   // opened by Hijack; its writes are guarded by mu

	mu sync.Mutex
	// guarded by mu
	finished bool      // a close frame was sent, or the connection broke: nothing may follow
	deadline time.Time // of writes, as it was last set
	buffer   []byte
	kept     []byte // what writeNow could not write: it goes before anything else
}

// slowWrites is how many write timeouts a write that makes some progress may take. It bounds how slowly a client may read:
// 64 KB in 30 s.
const slowWrites = 3

// Read reads what HTTP had read already, then the connection.
func (s *socket) Read(p []byte) (int, error) {
	if len(s.prefix) > 0 {
		n := copy(p, s.prefix)
		s.prefix = s.prefix[n:]
		return n, nil
	}
	return s.Conn.Read(p)
}

// Write is for the library: each call is one whole control frame. After a close, which may be the library's own answer to the
// client's, it does nothing: a browser complains of a second one (RFC 6455, section 5.5.1).
func (s *socket) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.finished {
		return len(p), nil
	}
	err := s.sendLocked(p)
	if len(p) > 0 && wire.Opcode(p[0]&0x0f) == wire.OpcodeClose {
		s.finished = true
	}
	return len(p), err
}

func (s *socket) write(items []item) (written int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.sendLocked(s.joinLocked(items))
	s.spareLocked()
	return len(items), err
}

// joinLocked returns the frames of items as one text, which is valid until the next call.
func (s *socket) joinLocked(items []item) []byte {
	if len(items) == 1 && items[0].dropped == 0 {
		return frameOf(&items[0])
	}
	s.buffer = s.buffer[:0]
	for i := range items {
		if items[i].dropped > 0 {
			s.buffer = append(s.buffer, wire.Share(droppedOf(&items[i])).Frame()...)
			continue
		}
		s.buffer = append(s.buffer, frameOf(&items[i])...)
	}
	return s.buffer
}

func (s *socket) spareLocked() {
	if cap(s.buffer) > spareBuffer {
		s.buffer = nil
	}
}

// spareBuffer is how much memory an idle connection may keep for its next write.
const spareBuffer = 4 << 10

func frameOf(one *item) []byte {
	if one.shared != nil {
		return one.shared.Frame()
	}
	return one.frame
}

func droppedOf(one *item) *wire.Dropped {
	return &wire.Dropped{Channel: one.sub.entry.id.Name, Count: one.dropped}
}

// sendLocked writes what was kept, and p. A client that takes something gets more time, but not for ever.
func (s *socket) sendLocked(p []byte) error {
	if s.finished {
		return net.ErrClosed
	}
	if len(s.kept) > 0 {
		p = append(s.kept, p...)
		s.kept = nil
	}
	if len(p) == 0 {
		return nil
	}
	for attempt := 1; ; attempt++ {
		if err := s.extendLocked(time.Now()); err != nil {
			s.finished = true
			return err
		}
		n, err := s.Conn.Write(p)
		if err == nil {
			return nil
		}
		if p = p[n:]; !isTimeout(err) || n == 0 || attempt == slowWrites {
			s.finished = true // part of a frame may have gone
			return err
		}
	}
}

// seize keeps everybody else from writing until release. It fails while the reader answers a close or a ping, which may have to wait
// for the client.
func (s *socket) seize() bool { return s.mu.TryLock() }

func (s *socket) release() { s.mu.Unlock() }

// writeNow writes frames as far as the kernel takes them at once, and keeps the rest: all is false, and finish writes it. The caller
// has seized the socket.
func (s *socket) writeNow(items []item) (all bool, err error) {
	if s.finished {
		return false, net.ErrClosed
	}
	frames := s.joinLocked(items)
	defer s.spareLocked()
	if err := s.extendLocked(time.Now()); err != nil {
		s.finished = true
		return false, err
	}
	written, err := s.atOnce.write(frames)
	if err != nil {
		s.finished = true
		return false, err
	}
	s.kept = append(s.kept, frames[written:]...)
	return len(s.kept) == 0, nil
}

// finish writes what writeNow kept, within the write timeout.
func (s *socket) finish() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sendLocked(nil)
}

// extendLocked gives the next write its timeout, give or take an eighth: setting a deadline costs a tenth of a write, and most
// writes follow one that has just set it.
func (s *socket) extendLocked(now time.Time) error {
	if s.deadline.Sub(now) > s.timeout-s.timeout/8 {
		return nil
	}
	s.deadline = now.Add(s.timeout)
	return s.SetWriteDeadline(s.deadline)
}

// ping is a ping of RFC 6455, which every client answers, and a push, which scripts in a page can see.
func (s *socket) ping() (answered bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	frame := wire.AppendFrameHeader(nil, wire.OpcodePing, 0)
	return true, s.sendLocked(append(frame, wire.Share(wire.Ping{}).Frame()...))
}

// end says why, sends the close frame, and gives the client a moment to answer it: the reader ends by then.
func (s *socket) end(reason *wire.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.finished {
		payload := wire.AppendClosePayload(nil, reason.Code, reason.Message)
		var frames []byte
		if push := lastPush(reason); push != nil {
			frames = append(frames, wire.Share(push).Frame()...)
		}
		frames = append(wire.AppendFrameHeader(frames, wire.OpcodeClose, len(payload)), payload...)
		_ = s.sendLocked(frames) // the client may be gone
		s.finished = true
	}
	_ = s.SetReadDeadline(time.Now().Add(s.linger))
}

// lastPush is what a client is told before its connection ends; nil where the end was its own wish.
func lastPush(reason *wire.Error) wire.Push {
	switch reason.Code {
	case closeNormal:
		return nil
	case wire.CodeDraining:
		return &wire.Drain{ReconnectIn: reason.RetryAfter.Milliseconds()}
	default:
		return &wire.Fault{Err: reason}
	}
}

// hijacker hands the WebSocket library a socket where it expects the connection, with buffers no larger than they must be.
type hijacker struct {
	http.ResponseWriter
	timeout time.Duration
	linger  time.Duration
	socket  *socket // set by Hijack
}

// Sizes of the library's buffers: one control frame to write, and what reads well of small commands.
const (
	readBuffer  = 1 << 10
	frameBuffer = 256
)

// Hijack takes the connection from the HTTP server.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	early, _ := buffers.Reader.Peek(buffers.Reader.Buffered())
	h.socket = &socket{Conn: conn, prefix: append([]byte(nil), early...), timeout: h.timeout, linger: h.linger}
	h.socket.atOnce.open(conn)
	return h.socket, bufio.NewReadWriter(bufio.NewReaderSize(h.socket, readBuffer), bufio.NewWriterSize(h.socket, frameBuffer)), nil
}
