package session

import (
	"net/http"
	"time"

	"halley/pushnode/wire"
)

// streamInHandler writes a stream of events as the answer of a handler.
func (s *Server) streamInHandler(w http.ResponseWriter, r *http.Request, read request, open opening, events *eventDialect) {
	stream := &stream{writer: w, control: http.NewResponseController(w), timeout: s.config.WriteTimeout, events: events}
	conn := s.newConnection(read.app, open.grant, stream, s.metrics.of(transportEvents), r.Header.Get("Origin") != "")
	if err := s.attach(r.Context(), conn, open); err != nil {
		writeError(w, s.shown("sse", err))
		return
	}
	s.opened(conn)
	var reason *wire.Error
	defer func() {
		defer s.gone(conn, reason)
		s.detach(conn)
	}()
	w.WriteHeader(http.StatusOK)
	stream.buffer = wire.AppendRetry(stream.buffer, retryStream)
	reason = conn.run(r.Context())
}

// stream is a stream of events within a connection that carries others too.
type stream struct {
	writer  http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
	events  *eventDialect
	buffer  []byte
}

func (s *stream) write(items []item) (written int, err error) {
	for i := range items {
		s.buffer = s.events.encode(s.buffer, &items[i])
	}
	return len(items), s.send()
}

// spareStream is how much memory an idle stream may keep for its next write.
const spareStream = 4 << 10

// send writes what is in the buffer. The deadline is renewed for each write: a stream outlives the server's WriteTimeout.
func (s *stream) send() error {
	if err := s.control.SetWriteDeadline(time.Now().Add(s.timeout)); err != nil {
		return err
	}
	_, err := s.writer.Write(s.buffer)
	s.buffer = s.buffer[:0]
	if cap(s.buffer) > spareStream {
		s.buffer = nil
	}
	if err != nil {
		return err
	}
	return s.control.Flush()
}

func (s *stream) ping() (answered bool, err error) {
	text, answered := s.events.ping()
	s.buffer = append(s.buffer, text...)
	return answered, s.send()
}

func (s *stream) end(reason *wire.Error) {
	if text := s.events.farewell(reason); text != nil {
		s.buffer = append(s.buffer, text...)
		_ = s.send() // the client may be gone
	}
}
