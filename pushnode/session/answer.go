package session

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"halley/pushnode/wire"
)

// Preflight answers the question of a browser whether a page may call the transports: OPTIONS. Whether its origin is on the
// app's list is checked by the call itself, which has the credential. Credentials of the browser's own are never wanted.
func (s *Server) Preflight(w http.ResponseWriter, r *http.Request) {
	allowOrigin(w, r)
	header := w.Header()
	header.Set("Access-Control-Allow-Methods", "GET, POST")
	header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID, Cache-Control")
	header.Set("Access-Control-Max-Age", "7200")
	w.WriteHeader(http.StatusNoContent)
}

// allowOrigin lets the page that asks see the answer.
func allowOrigin(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Add("Vary", "Origin")
	if origin := r.Header.Get("Origin"); origin != "" {
		header.Set("Access-Control-Allow-Origin", origin)
		header.Set("Access-Control-Expose-Headers", "Retry-After")
	}
}

// writeError answers a request that is refused.
func writeError(w http.ResponseWriter, err error) {
	fault := wire.AsError(err)
	writeErrorStatus(w, fault.Code.Status(), fault)
}

func writeErrorStatus(w http.ResponseWriter, status int, fault *wire.Error) {
	header := w.Header()
	if fault.Code == wire.CodeOriginDenied {
		header.Del("Access-Control-Allow-Origin")
	}
	if wait := fault.RetryAfterHeader(); wait != "" {
		header.Set("Retry-After", wait)
	}
	if status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", "Bearer")
	}
	writeBody(w, status, wire.AppendErrorBody(nil, fault))
}

func writeBody(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}

// shown is an error as a client may see it. What is nobody's business but the operator's goes to the log.
func (s *Server) shown(operation string, err error) *wire.Error {
	fault := wire.AsError(err)
	if errors.Is(err, context.DeadlineExceeded) && fault.Code == wire.CodeInternal {
		return wire.NewError(wire.CodeUnavailable).Because(err)
	}
	s.logInternal(operation, fault)
	return fault
}

func (s *Server) logInternal(operation string, fault *wire.Error) {
	if fault != nil && fault.Code == wire.CodeInternal {
		s.logger.Error("a client was told of an internal fault", "operation", operation, "err", fault)
	}
}
