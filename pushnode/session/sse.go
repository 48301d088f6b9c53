package session

import (
	"bytes"
	"net/http"
	"time"

	"halley/pushnode/wire"
)

// retryStream is how long an EventSource is told to wait before it connects again, in ms.
const retryStream = 1000

// Events serves GET /v1/sse: section 5.1 of web/docs/protocol.md. Over HTTP/1.1 the connection is taken from the HTTP server, and outlives
// the handler; over HTTP/2 it is one of many streams, and the handler's goroutine is its writer.
func (s *Server) Events(w http.ResponseWriter, r *http.Request) {
	defer s.aborts("sse")
	allowOrigin(w, r)
	if err := s.enter(); err != nil {
		writeError(w, err)
		return
	}
	stays := false
	defer func() {
		if !stays {
			s.leave()
		}
	}()
	read, open, err := s.readStream(r)
	if err != nil {
		writeError(w, s.shown("sse", err))
		return
	}
	release, err := s.backend.Admit(open.grant.AppID, open.comesBack())
	if err != nil {
		writeError(w, s.shown("sse", err))
		return
	}
	events := &eventDialect{}
	events.trail.only = open.only()
	events.trail.begin(open.cursor)
	eventHeader(w.Header())
	if r.ProtoMajor == 1 && isHijacker(w) {
		stays = s.streamOnSocket(w, r, read, open, events, release)
		return
	}
	defer release()
	s.streamInHandler(w, r, read, open, events)
}

// isHijacker reports whether the connection behind an answer can be had: middlewares may keep it.
func isHijacker(w http.ResponseWriter) bool {
	for {
		switch wrapped := w.(type) {
		case http.Hijacker:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = wrapped.Unwrap()
		default:
			return false
		}
	}
}

// eventHeader says what the answer is, and how it must not be treated on its way: proxies hold back what they take for a document.
func eventHeader(header http.Header) {
	header.Set("Content-Type", "text/event-stream; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")
	header.Set("X-Content-Type-Options", "nosniff")
}

// streamOnSocket writes the stream to a socket of its own, to the end of which the answer reaches. It reports whether it goes on after the
// handler.
func (s *Server) streamOnSocket(
	w http.ResponseWriter, r *http.Request, read request, open opening, events *eventDialect, release func(),
) bool {
	socket := &socket{dialect: events, timeout: s.config.WriteTimeout}
	conn := s.newSocketConnection(read.app, open.grant, socket, s.metrics.of(transportEvents), r.Header.Get("Origin") != "")
	conn.driver.release = release
	stays := false
	defer func() {
		if !stays {
			s.forsake(conn)
		}
	}()
	if err := s.attach(r.Context(), conn, open); err != nil {
		writeError(w, s.shown("sse", err))
		return false
	}
	hijacked, buffers, err := http.NewResponseController(w).Hijack()
	if err != nil {
		writeError(w, s.shown("sse", err))
		return false
	}
	stays = true
	socket.kept = answerHead(w.Header())
	socket.conn = s.poller.Adopt(hijacked)
	s.opened(conn)
	conn.driver.launch()
	socket.conn.Start(buffered(buffers), silent{conn})
	return true
}

// answerHead is the head of an answer that ends with its connection: RFC 9112, section 6.3.
func answerHead(header http.Header) []byte {
	var head bytes.Buffer
	head.WriteString("HTTP/1.1 200 OK\r\nConnection: close\r\nDate: " + time.Now().UTC().Format(http.TimeFormat) + "\r\n")
	_ = header.Write(&head) // a buffer takes everything
	head.WriteString("\r\n")
	return wire.AppendRetry(head.Bytes(), retryStream)
}

// silent is a client that has nothing to say, but that it goes.
type silent struct{ conn *connection }

// Received implements netpoll.Reader.
func (silent) Received([]byte) error { return nil }

// Ended implements netpoll.Reader.
func (s silent) Ended(error) { s.conn.driver.hangUp() }
