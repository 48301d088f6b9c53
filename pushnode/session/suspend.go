package session

import (
	"context"
	"math/rand/v2"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/wire"
)

// retrySuspended is how long a subscription waits whose history could not be read, half of it at least.
const retrySuspended = 2 * time.Second

func suspendedWait() time.Duration { return retrySuspended/2 + rand.N(retrySuspended/2) }

// Suspend tells those who follow a channel of which nothing is heard any more that their continuity cannot be decided now. Each goes on
// by itself, and is told where, as soon as history can be read again. It never blocks on a client.
func (s *Server) Suspend(which func(channel.ID) bool) {
	for e := range s.hub.all() {
		if which(e.id) {
			e.suspend()
		}
	}
}

// suspend leaves every live subscription to its connection's writer, in a while.
func (e *entry) suspend() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, sub := range e.subs {
		if sub.mode != live {
			continue // one that is behind is told by its connection's writer, which asks history
		}
		wait := suspendedWait()
		sub.suspended, sub.announce = true, true
		e.metrics.suspensions.Inc()
		sub.outbox.push(item{shared: wire.Share(&wire.Suspended{Channel: e.id.Name, RetryAfter: wait.Milliseconds()}), sub: sub})
		e.setModeLocked(sub, behind)
		sub.outbox.hungry(sub, time.Now().Add(wait))
	}
}

// doubts notes that a subscription's continuity cannot be decided, and reports whether its client has not been told. When history can be
// read again, the client is told where it goes on.
func (e *entry) doubts(sub *subscription) (news bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	news = !sub.suspended
	sub.suspended, sub.announce = true, sub.announce || sub.mode == behind
	return news
}

// reassured notes that presence could be read again. Who is behind has that of messages still before it.
func (e *entry) reassured(sub *subscription) {
	e.mu.Lock()
	defer e.mu.Unlock()
	sub.suspended = sub.suspended && sub.mode == behind
}

// suspend tells the client, once, that its continuity cannot be decided now, and tries again later.
func (c *connection) suspend(ctx context.Context, sub *subscription, cause error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	wait := suspendedWait()
	c.outbox.hungry(sub, time.Now().Add(wait))
	if !sub.entry.doubts(sub) {
		return nil
	}
	c.server.metrics.suspensions.Inc()
	c.server.config.Logger.Warn("backlog not read, trying again", "app", sub.entry.id.App, "channel", sub.entry.id.Name, "err", cause)
	told := &wire.Suspended{Channel: sub.entry.id.Name, RetryAfter: wait.Milliseconds()}
	return c.write([]item{{shared: wire.Share(told), sub: sub}})
}

// Shed tells every client to come back, so spread that they do not come all at once, and closes their connections. New ones are let in. It
// waits for nobody: those of Pusher's, who cannot be told when to come, are closed one after the other behind it.
func (s *Server) Shed(reason *wire.Error) {
	told, untold := divide(s.connected())
	for i, conn := range told {
		conn.close(reason.After(s.comeBack(i, len(told))))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusing == nil { // else they are being drained
		s.workers.Go(func() { s.closeSpread(s.base, untold, reason) })
	}
}
