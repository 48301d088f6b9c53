package edge

import (
	"bytes"
	"context"
	"net/http"

	"halley/pushnode/http1"
	"halley/pushnode/wire"
)

// quick holds the rules for requests that the loop in front of net/http reads, as requests does for all others.
type quick struct {
	next http1.Handler // nil: it wants nothing
	rules
}

// Wants implements http1.Handler.
func (q *quick) Wants(target []byte) bool { return q.next != nil && q.next.Wants(target) }

// Answer implements http1.Handler.
func (q *quick) Answer(ctx context.Context, r *http1.Request, a *http1.Answer) (answered bool) {
	id := requestID(string(r.RequestID))
	q.begin(a, id)
	defer func() {
		if reason := recover(); reason != nil {
			q.panicked(reason, http.MethodPost, pathOf(r.Target), id)
			a.Say(refusal(a, wire.NewError(wire.CodeInternal)))
			answered = true
		}
		if answered { // else it is still to be counted
			q.metrics.requests.Inc()
			q.log(func() served { return served{http.MethodPost, pathOf(r.Target), r.Remote.String(), id, r.Now} }, a.Status())
		}
	}()
	return q.next.Answer(ctx, r, a)
}

// pathOf is the part of a target that a log may show: a query may hold a signature.
func pathOf(target []byte) string {
	path, _, _ := bytes.Cut(target, []byte("?"))
	return string(path)
}
