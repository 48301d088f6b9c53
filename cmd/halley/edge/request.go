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

// rules are what holds for every request, whoever reads it: it has an id, browsers hear of HTTPS, it is counted and logged, and a handler
// that panics is answered for.
type rules struct {
	logger  *slog.Logger
	metrics *metrics
	https   bool
}

// head is where the fields of an answer's head are set, by their canonical names.
type head interface{ Set(name, value string) }

// begin puts into an answer's head what all have.
func (r rules) begin(head head, id string) {
	head.Set(RequestID, id)
	if r.https {
		head.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// served is a request as the log has it.
type served struct {
	method, path, client, id string
	start                    time.Time
}

// log writes the access log, at level debug.
func (r rules) log(done func() served, status int) {
	if !r.logger.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	s := done()
	r.logger.Debug("request", "method", s.method, "path", s.path, "status", status, "client", s.client,
		"seconds", time.Since(s.start).Seconds(), "request", s.id)
}

// panicked makes of a panic a line in the log and a count.
func (r rules) panicked(reason any, method, path, id string) {
	r.metrics.panics.Inc()
	r.logger.Error("handler panicked", "method", method, "path", path, "request", id, "err", fmt.Sprint(reason), "stack", string(debug.Stack()))
}

// requests holds the rules for requests that net/http reads.
type requests struct {
	next http.Handler
	rules
}

// ServeHTTP serves one request.
func (h *requests) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	id := requestID(r.Header.Get(RequestID))
	r.Header.Set(RequestID, id)
	h.begin(w.Header(), id)
	if r.ContentLength == 0 {
		// There is nothing left to read. The read timeout would only end the request's context in the middle of a stream.
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	}
	answer := &answer{ResponseWriter: w}
	h.metrics.requests.Inc()
	defer func() {
		h.recovered(answer, r, recover())
		h.log(func() served { return served{r.Method, r.URL.Path, r.RemoteAddr, id, start} }, answer.status)
	}()
	h.next.ServeHTTP(answer, r)
}

// recovered makes of a panic a 500; or, where the answer has begun, the end of the connection.
func (h *requests) recovered(answer *answer, r *http.Request, reason any) {
	if reason == nil {
		return
	}
	if reason == http.ErrAbortHandler {
		panic(reason)
	}
	h.panicked(reason, r.Method, r.URL.Path, r.Header.Get(RequestID))
	if answer.status != 0 {
		panic(http.ErrAbortHandler)
	}
	refuse(answer, wire.NewError(wire.CodeInternal))
}

// maxRequestID bounds an id that a client or its proxy chose.
const maxRequestID = 64

// requestID is the id that the request came with, if that is a plain short word, else a new one.
func requestID(given string) string {
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
