package session

import (
	"context"
	"time"

	"halley/pushnode/wire"
)

// transport moves bytes to one client. Only the connection's writer calls it.
type transport interface {
	// write writes items, within the write timeout, and returns how many: less than all only where there is an error, or where the
	// transport's answer is full.
	write(items []item) (written int, err error)
	// ping says that the server lives. answered reports whether the client is bound to answer.
	ping() (answered bool, err error)
	// end tells the client why the connection ends, as far as it can be told.
	end(reason *wire.Error)
}

// writeBytes is how much is joined into one write, and how much of a backlog is read into memory for it, at least.
const writeBytes = 64 << 10

// expiryWarning is how long before its end a client is told that its token ends: section 4.3 of web/docs/protocol.md.
const expiryWarning = time.Minute

// closeNormal ends a connection that the client asked to close. It is a code of RFC 6455, not of the table.
const closeNormal wire.Code = 1000

// firstCode is the first of the table: those below are codes of RFC 6455.
const firstCode wire.Code = 4000

// run writes until the connection ends, and returns why: nil where the client is gone. It is the writer of a connection that has no
// socket of its own.
func (c *connection) run(ctx context.Context) *wire.Error {
	defer c.retire()
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	var due time.Time // when the alarm goes off; zero: it has
	for {
		next, reason, ended := c.work(ctx)
		if ended {
			return reason
		}
		if due.IsZero() || next.Before(due) { // one that goes off too early costs less than setting it after every write
			due = next
			alarm.Reset(time.Until(due))
		}
		select {
		case <-c.alarm:
		case <-alarm.C:
			due = time.Time{}
		case <-ctx.Done():
			return nil
		}
	}
}

// retire ends all writing: what is in the outbox from now on was not sent.
func (c *connection) retire() {
	c.turn.Lock()
	defer c.turn.Unlock()
	c.over = true
	c.outbox.retire()
}

// unretire lets somebody write.
func (c *connection) unretire() {
	c.turn.Lock()
	defer c.turn.Unlock()
	c.over = false
}

// work does all that can be done now, and says when there will be more.
func (c *connection) work(ctx context.Context) (next time.Time, reason *wire.Error, ended bool) {
	c.turn.Lock()
	defer c.turn.Unlock()
	for {
		busy, again, reason, ended := c.step(ctx)
		if ended {
			return next, reason, true
		}
		next, reason = c.keepAlive(time.Now())
		if reason != nil {
			c.transport.end(reason)
			return next, reason, true
		}
		if !busy {
			if !again.IsZero() {
				next = earlier(next, again)
			}
			return next, nil, false
		}
	}
}

// step writes what waits, then feeds one subscription that is behind. busy says that there may be more to do at once; if not,
// again says when, zero for never.
func (c *connection) step(ctx context.Context) (busy bool, again time.Time, reason *wire.Error, ended bool) {
	if c.failed != nil || c.partly {
		if reason, ended := c.finishDirect(); ended {
			return false, again, reason, true
		}
	}
	ending := c.outbox.ending() // before take: what was put in before the close is written before the end
	if items := c.outbox.take(writeBytes); len(items) > 0 {
		err := c.write(items)
		clear(items)
		letGo(items)
		c.outbox.wrote()
		if err != nil {
			reason = c.lost(err)
			return false, again, reason, true
		}
		if sub, _ := c.outbox.nextBehind(time.Now()); sub != nil {
			if err := c.feed(ctx, sub); err != nil {
				return false, again, c.lost(err), true
			}
		}
		return true, again, nil, false
	}
	if ending != nil {
		c.transport.end(ending)
		return false, again, ending, true
	}
	sub, again := c.outbox.nextBehind(time.Now())
	if sub == nil {
		return false, again, nil, false
	}
	if err := c.feed(ctx, sub); err != nil {
		return false, again, c.lost(err), true
	}
	return true, again, nil, false
}

// write writes items and counts them.
func (c *connection) write(items []item) error {
	written, err := c.transport.write(items)
	if err != nil {
		return err
	}
	c.count(items[:written])
	c.outbox.putBack(items[written:])
	return nil
}

// count counts what was written.
func (c *connection) count(items []item) {
	c.wrote = momentOf(time.Now())
	var t tally
	t.add(c, items)
	t.flush()
}

// lost says why a write failed: the client takes nothing, or it is gone.
func (c *connection) lost(err error) *wire.Error {
	if !isTimeout(err) {
		return nil
	}
	reason := wire.NewError(wire.CodeSlowConsumer).Because(err)
	c.transport.end(reason)
	return reason
}

// lookAtClock is keepAlive for somebody who does not have the turn.
func (c *connection) lookAtClock() (next time.Time, reason *wire.Error) {
	c.turn.Lock()
	defer c.turn.Unlock()
	return c.keepAlive(time.Now())
}

// keepAlive does what is due by the clock, and says when the next thing is. A reason ends the connection.
func (c *connection) keepAlive(now time.Time) (next time.Time, reason *wire.Error) {
	interval, timeout := c.pingTimes()
	if c.pinged == 0 && now.Sub(c.quietSince().time()) >= interval {
		answered, err := c.transport.ping()
		if err != nil {
			return next, c.lostAlive(err)
		}
		c.wrote = momentOf(now)
		if answered {
			c.pinged = c.wrote
		}
	}
	next = c.quietSince().time().Add(interval)
	if c.pinged != 0 {
		if moment(c.heard.Load()) >= c.pinged {
			c.pinged = 0
		} else if next = c.pinged.time().Add(timeout); !now.Before(next) {
			return next, wire.NewError(wire.CodePingTimeout)
		}
	}
	return c.watchExpiry(now, next)
}

// pingTimes is after how much silence there is a ping, and how long the client has to answer. Clients of Pusher's ask by themselves.
func (c *connection) pingTimes() (interval, timeout time.Duration) {
	config := &c.server.config
	if c.pusher != nil {
		return config.ActivityTimeout, config.ActivityTimeout
	}
	return config.PingInterval, config.PongTimeout
}

// askedFirst is how much longer than its own interval a client of Pusher's is waited for: one that hears nothing asks by itself, and need not be
// asked at the same moment.
const askedFirst = 5 * time.Second

// quietSince is when the silence began that a ping ends: ours, or that of a client of Pusher's, which has to say something every so often.
func (c *connection) quietSince() moment {
	if c.pusher != nil {
		return moment(c.heard.Load()) + moment(askedFirst)
	}
	return c.wrote
}

// lostAlive is lost where a reason must be given: a write that fails because the client is gone ends the connection as well.
func (c *connection) lostAlive(err error) *wire.Error {
	if reason := c.lost(err); reason != nil {
		return reason
	}
	return wire.NewError(wire.CodePingTimeout).Because(err)
}

// watchExpiry warns of the end of the credential, and ends the connection with it.
func (c *connection) watchExpiry(now, next time.Time) (time.Time, *wire.Error) {
	at := c.expires.Load()
	if at == 0 {
		return next, nil
	}
	end := time.UnixMilli(at)
	if !now.Before(end) {
		return next, wire.NewError(wire.CodeTokenExpired)
	}
	if warning := end.Add(-expiryWarning); now.Before(warning) {
		return earlier(next, warning), nil
	}
	if c.warned != at {
		c.warned = at
		c.pushExpiring(at, now)
		return now, nil // there is something to write
	}
	return earlier(next, end), nil
}

// pushExpiring warns the client of the end of its token.
func (c *connection) pushExpiring(at int64, now time.Time) {
	c.push(&wire.Expiring{Expires: at, In: time.UnixMilli(at).Sub(now).Milliseconds()})
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
