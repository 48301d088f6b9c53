package session

import (
	"errors"

	"halley/pushnode/prefetch"
	"halley/pushnode/wire"
)

// errPanicked is why a connection ends of which a direct write has panicked: the fan-out goes on for all others.
var errPanicked = errors.New("a write panicked")

// prefetch implements writer. What it reads by itself is immutable.
func (d *driver) prefetch() {
	prefetch.Of(d.conn)
	prefetch.Of(d.conn.socket)
	d.conn.socket.conn.Prefetch()
}

// writeDirect writes what waits in the outbox on the goroutine of the fan-out, without waiting. It is false where the writer has to
// go on: it is at work, the client does not take everything, or its connection broke.
func (d *driver) writeDirect(count *tally) (done bool) {
	c := d.conn
	if !c.turn.TryLock() {
		return false
	}
	defer c.turn.Unlock()
	defer func() {
		if fault := recover(); fault != nil { // what was taken is lost: the writer ends the connection, and its client asks for the rest
			c.server.panicked("fan-out", fault)
			c.failed, done = errPanicked, false
		}
	}()
	if c.over || !d.atOnce || c.partly || c.failed != nil { // atOnce is set before over is taken back
		return false
	}
	items := c.outbox.take(writeBytes)
	if len(items) == 0 {
		return true // somebody was faster
	}
	all, err := c.socket.writeNow(items)
	if err == nil {
		c.wrote = momentOf(count.now)
		count.add(c, items)
	}
	clear(items)
	letGo(items)
	if c.failed, c.partly = err, !all; err != nil || !all {
		return false
	}
	return c.outbox.wrote()
}

// finishDirect ends what a direct write has begun.
func (c *connection) finishDirect() (reason *wire.Error, ended bool) {
	err := c.failed
	if err == nil {
		err = c.socket.finish()
	}
	c.partly = false
	c.outbox.wrote()
	if err != nil {
		return c.lost(err), true
	}
	return nil, false
}
