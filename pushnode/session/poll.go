package session

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"halley/pushnode/wire"
)

// Bounds of a long poll: section 5.2 of web/docs/protocol.md.
const (
	defaultWait  = 25 * time.Second
	maxWait      = 55 * time.Second
	pollMessages = 1000
	pollBytes    = 1 << 20
)

// Poll serves GET /v1/poll: section 5.2 of web/docs/protocol.md. The handler's goroutine is the writer.
func (s *Server) Poll(w http.ResponseWriter, r *http.Request) {
	defer s.aborts("poll")
	allowOrigin(w, r)
	if err := s.enter(); err != nil {
		writeError(w, err)
		return
	}
	defer s.leave()
	read, open, err := s.readStream(r, "wait")
	if err != nil {
		writeError(w, s.shown("poll", err))
		return
	}
	wait, err := waitOf(read.values)
	if err != nil {
		writeError(w, err)
		return
	}
	release, err := s.backend.Admit(open.grant.AppID, open.comesBack())
	if err != nil {
		writeError(w, s.shown("poll", err))
		return
	}
	defer release()
	s.poll(w, r, read, open, wait)
}

func (s *Server) poll(w http.ResponseWriter, r *http.Request, read request, open opening, wait time.Duration) {
	answer := &pollAnswer{lasting: open.lasting}
	open.polls, open.anew = true, wait == 0
	answer.trail.only = open.only()
	answer.trail.begin(open.cursor)
	conn := s.newConnection(read.app, open.grant, answer, s.metrics.of(transportPoll), r.Header.Get("Origin") != "")
	if err := s.attach(r.Context(), conn, open); err != nil {
		writeError(w, s.shown("poll", err))
		return
	}
	answer.opens = open.lasting && (!conn.continues || wait == 0)
	answer.atOnce = answer.opens || !open.lasting && len(open.cursor) == 0
	s.opened(conn)
	var reason *wire.Error
	defer func() {
		defer s.gone(conn, reason)
		s.detach(conn)
	}()
	reason = conn.gather(r.Context(), answer, wait)
	// The server's WriteTimeout began with the request: the wait is not part of the write.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.config.WriteTimeout))
	if reason != nil && reason.Code != wire.CodeDraining && reason.Code != closeNormal && !answer.worth {
		writeError(w, reason)
	} else {
		conn.answered.Store(true) // before it is: the client's next poll may be here at once
		writeBody(w, http.StatusOK, answer.gathered.Append(nil, answer.trail.cursor()))
	}
	if r.Context().Err() != nil {
		conn.answered.Store(false)
	}
}

// waitOf reads how long an answer may take: a duration, or a whole number of seconds.
func waitOf(values url.Values) (time.Duration, error) {
	text := values.Get("wait")
	if text == "" {
		return defaultWait, nil
	}
	if strings.Trim(text, "0123456789") == "" {
		text += "s"
	}
	wait, err := time.ParseDuration(text)
	if err != nil || wait < 0 || wait > maxWait {
		return 0, wire.Errorf(wire.CodeInvalidField, "wait is %.40q: 0s to %s is wanted", values.Get("wait"), maxWait)
	}
	return wait, nil
}

// gather collects an answer: everything that is there, and if that is nothing, what comes first within the wait. A reason ends
// the poll before.
func (c *connection) gather(ctx context.Context, answer *pollAnswer, wait time.Duration) *wire.Error {
	end := time.NewTimer(wait)
	defer end.Stop()
	deadline := time.Now().Add(wait)
	if at := c.expires.Load(); at != 0 {
		deadline = earlier(deadline, time.UnixMilli(at))
	}
	for {
		warning := c.warnOnce(time.Now())
		busy, again, reason, ended := c.step(ctx)
		if ended {
			return reason
		}
		if busy && !answer.full() {
			continue
		}
		now := time.Now()
		if answer.full() || answer.worth || answer.atOnce && !c.outbox.starving() || !now.Before(deadline) {
			return nil
		}
		next := earlier(deadline, warning)
		if !again.IsZero() {
			next = earlier(next, again)
		}
		end.Reset(time.Until(next))
		select {
		case <-c.alarm:
		case <-end.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// warnOnce is watchExpiry for polls, of which a session makes many: it warns once of each token. It says when it will be time for
// that, or a time far away.
func (c *connection) warnOnce(now time.Time) (next time.Time) {
	at := c.expires.Load()
	if at == 0 || !c.session.lasting {
		return now.Add(maxWait)
	}
	if warning := time.UnixMilli(at).Add(-expiryWarning); now.Before(warning) {
		return warning
	}
	if c.session.firstWarning(at) {
		c.pushExpiring(at, now)
	}
	return now.Add(maxWait)
}

// pollAnswer gathers what a long poll answers. What is beyond its bounds is left to the next poll: the cursor does not pass it.
type pollAnswer struct {
	lasting  bool // immutable
	opens    bool // set before the first write: the first poll of a client that has a session; it is told about that
	atOnce   bool // set before the first write: the client wants to know where it is
	trail    trail
	gathered wire.Poll
	worth    bool // there is something to come back for
}

func (a *pollAnswer) full() bool {
	return a.gathered.Messages() >= pollMessages || a.gathered.Size() >= pollBytes
}

func (a *pollAnswer) write(items []item) (written int, err error) {
	for written < len(items) && !a.full() {
		items[written].each(a.take)
		written++
	}
	return written, nil
}

// take adds one thing to the answer. Where each stream begins is told by the cursor, from the second poll on by nothing else, unless the
// client was told that its continuity cannot be decided: it has to know when to take that back.
func (a *pollAnswer) take(one *item) {
	moved := a.trail.follow(one)
	if one.dropped > 0 {
		a.gathered.Add(droppedOf(one))
		a.worth = true
		return
	}
	if one.shared == nil {
		return
	}
	switch push := one.shared.Push().(type) {
	case *wire.Connected:
		if !a.opens {
			return
		}
	case *wire.Subscribed:
		goesOn := one.sub.page != nil && one.sub.page.goesOn
		if !a.opens && !goesOn {
			return
		}
		a.worth = a.worth || goesOn
	case *wire.Presence:
		// A poll without a session is told the whole set each time: that is no news.
		a.worth = a.worth || a.lasting || push.Action != wire.ActionSync
	case *wire.Unsubscribed, *wire.Expiring:
		a.worth = true
	default:
		a.worth = a.worth || moved
	}
	a.gathered.AddShared(one.shared)
}

func (a *pollAnswer) ping() (answered bool, err error) { return false, nil }

// end tells the reason beside what was gathered. Where that is nothing worth coming back for, the answer is an error instead.
func (a *pollAnswer) end(reason *wire.Error) {
	if push := lastPush(reason); push != nil {
		a.gathered.Add(push)
	}
}
