package session

import "halley/pushnode/wire"

// writeDirect writes what waits in the outbox on the goroutine of the fan-out, without waiting. It is false where the writer has to
// go on: it is at work, the client does not take everything, or its connection broke.
func (c *connection) writeDirect() (done bool) {
	if !c.turn.TryLock() {
		return false
	}
	defer c.turn.Unlock()
	if c.over || c.partly || c.failed != nil || !c.direct.seize() {
		return false
	}
	defer c.direct.release()
	c.batch = c.outbox.take(c.batch[:0], writeBytes)
	if len(c.batch) == 0 {
		return true // somebody was faster
	}
	all, err := c.direct.writeNow(c.batch)
	if err == nil {
		c.count(c.batch)
	}
	clear(c.batch)
	if c.failed, c.partly = err, !all; err != nil || !all {
		return false
	}
	return c.outbox.wrote()
}

// finishDirect ends what a direct write has begun.
func (c *connection) finishDirect() (reason *wire.Error, ended bool) {
	err := c.failed
	if err == nil {
		err = c.direct.finish()
	}
	c.partly = false
	c.outbox.wrote()
	if err != nil {
		return c.lost(err), true
	}
	return nil, false
}
