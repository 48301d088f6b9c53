package session

import "halley/pushnode/wire"

// directTransport is a transport that can write without waiting.
type directTransport interface {
	transport
	// direct reports whether it can with this client.
	direct() bool
	// seize keeps everybody else from writing until release, or reports that somebody does just now.
	seize() bool
	release()
	// writeNow writes items as far as the client takes them at once; the caller has seized it. all is false where a part is kept:
	// finish writes that.
	writeNow(items []item) (all bool, err error)
	// finish writes what writeNow kept, within the write timeout.
	finish() error
}

// writeDirect writes what waits in the outbox on the goroutine of the fan-out, without waiting. It is false where the writer has to
// go on: it is at work, the client does not take everything, or its connection broke.
func (c *connection) writeDirect(transport directTransport) bool {
	if !c.turn.TryLock() {
		return false
	}
	defer c.turn.Unlock()
	if c.over || c.partly || c.failed != nil || !transport.seize() {
		return false
	}
	defer transport.release()
	c.batch = c.outbox.take(c.batch[:0], writeBytes)
	if len(c.batch) == 0 {
		return true // somebody was faster
	}
	all, err := transport.writeNow(c.batch)
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
		err = c.transport.(directTransport).finish()
	}
	c.partly = false
	c.outbox.wrote()
	if err != nil {
		return c.lost(err), true
	}
	return nil, false
}
