package session

import (
	"net/http"
	"time"

	"halley/pushnode/wire"
)

// retryStream is how long an EventSource is told to wait before it connects again, in ms.
const retryStream = 1000

// Events serves GET /v1/sse: section 5.1 of web/docs/protocol.md. The handler's goroutine is the writer.
func (s *Server) Events(w http.ResponseWriter, r *http.Request) {
	defer s.aborts("sse")
	allowOrigin(w, r)
	if err := s.enter(); err != nil {
		writeError(w, err)
		return
	}
	defer s.leave()
	read, open, err := s.readStream(r)
	if err != nil {
		writeError(w, s.shown("sse", err))
		return
	}
	release, err := s.backend.Admit(open.grant.AppID)
	if err != nil {
		writeError(w, s.shown("sse", err))
		return
	}
	defer release()
	stream := &stream{writer: w, control: http.NewResponseController(w), timeout: s.config.WriteTimeout}
	stream.trail.only = open.only()
	stream.trail.begin(open.cursor)
	conn := s.newConnection(read.app, open.grant, stream, s.metrics.of("sse"), r.Header.Get("Origin") != "")
	if err := s.attach(r.Context(), conn, open); err != nil {
		writeError(w, s.shown("sse", err))
		return
	}
	s.opened(conn)
	var reason *wire.Error
	defer func() {
		s.detach(conn)
		s.gone(conn, reason)
	}()
	stream.begin()
	reason = conn.run(r.Context())
}

// stream is a stream of server-sent events, on its writing side.
type stream struct {
	writer  http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
	trail   trail
	buffer  []byte
}

// begin says what the answer is, and how it must not be treated on its way: proxies hold back what they take for a document.
func (s *stream) begin() {
	header := s.writer.Header()
	header.Set("Content-Type", "text/event-stream; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")
	header.Set("X-Content-Type-Options", "nosniff")
	s.writer.WriteHeader(http.StatusOK)
	s.buffer = wire.AppendRetry(s.buffer, retryStream)
}

func (s *stream) write(items []item) (written int, err error) {
	for i := range items {
		one := &items[i]
		id := ""
		if s.trail.follow(one) {
			id = s.trail.cursor()
		}
		switch {
		case one.dropped > 0:
			s.buffer = wire.AppendEvent(s.buffer, droppedOf(one), id)
		case one.shared != nil:
			s.buffer = one.shared.AppendEvent(s.buffer, id)
		}
	}
	return len(items), s.send()
}

// send writes what is in the buffer. The deadline is renewed for each write: a stream outlives the server's WriteTimeout.
func (s *stream) send() error {
	if err := s.control.SetWriteDeadline(time.Now().Add(s.timeout)); err != nil {
		return err
	}
	_, err := s.writer.Write(s.buffer)
	s.buffer = s.buffer[:0]
	if cap(s.buffer) > spareBuffer {
		s.buffer = nil
	}
	if err != nil {
		return err
	}
	return s.control.Flush()
}

// ping is an event that scripts can see. Nobody answers it.
func (s *stream) ping() (answered bool, err error) {
	s.buffer = wire.AppendEvent(s.buffer, wire.Ping{}, "")
	return false, s.send()
}

func (s *stream) end(reason *wire.Error) {
	if push := lastPush(reason); push != nil && reason.Code != wire.CodeSlowConsumer {
		s.buffer = wire.AppendEvent(s.buffer, push, "")
		_ = s.send() // the client may be gone
	}
}
