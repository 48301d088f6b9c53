package edge

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"halley/auth"
	"halley/pushnode/wire"
)

// RequestID is the header that names a request, in the answer and, for the handlers, in the request.
const RequestID = "X-Request-Id"

// requests gives each request its id, answers for a handler that panics, counts, and writes the access log.
type requests struct {
	next    http.Handler
	logger  *slog.Logger
	metrics *metrics
	https   bool
}

// ServeHTTP serves one request.
func (h *requests) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	id := requestID(r)
	r.Header.Set(RequestID, id)
	w.Header().Set(RequestID, id)
	if h.https {
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
	}
	if r.ContentLength == 0 {
		// There is nothing left to read. The read timeout would only end the request's context in the middle of a stream.
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	}
	answer := &answer{ResponseWriter: w}
	h.metrics.requests.Inc()
	defer func() {
		h.recovered(answer, r, recover())
		if h.logger.Enabled(context.Background(), slog.LevelDebug) {
			h.logger.Debug("request", "method", r.Method, "path", r.URL.Path, "status", answer.status, "client", r.RemoteAddr,
				"seconds", time.Since(start).Seconds(), "request", id)
		}
	}()
	h.next.ServeHTTP(answer, r)
}

// recovered makes of a panic a line in the log, a count, and a 500; or, where the answer has begun, the end of the connection.
func (h *requests) recovered(answer *answer, r *http.Request, reason any) {
	if reason == nil {
		return
	}
	if reason == http.ErrAbortHandler {
		panic(reason)
	}
	h.metrics.panics.Inc()
	h.logger.Error("handler panicked", "method", r.Method, "path", r.URL.Path, "request", r.Header.Get(RequestID),
		"err", fmt.Sprint(reason), "stack", string(debug.Stack()))
	if answer.status != 0 {
		panic(http.ErrAbortHandler)
	}
	refuse(answer, wire.NewError(wire.CodeInternal))
}

// maxRequestID bounds an id that a client or its proxy chose.
const maxRequestID = 64

// requestID is the id that the request came with, if that is a plain short word, else a new one.
func requestID(r *http.Request) string {
	given := r.Header.Get(RequestID)
	if given == "" || len(given) > maxRequestID || strings.ContainsFunc(given, notPlain) {
		return auth.NewID("req_")
	}
	return given
}

func notPlain(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// answer remembers whether and how an answer began. http.ResponseController reaches through it.
type answer struct {
	http.ResponseWriter
	status int // 0: not begun
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader notes the status.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && (status >= http.StatusOK || status == http.StatusSwitchingProtocols) {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write notes that the answer has begun.
func (a *answer) Write(data []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(data)
}
