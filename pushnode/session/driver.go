package session

import (
	"sync/atomic"
	"time"

	"halley/pushnode/wire"
)

// driver runs the writer of a connection that has a socket of its own: a goroutine, while there is something to do, and none while there
// is nothing. The connection ends when its writer has, and nobody reads from it any more.
type driver struct {
	conn    *connection
	release func() // gives back the connection's place among those of its app
	lingers bool   // the client answers a close: it has a moment for that

	atOnce bool // the socket takes writes that do not wait; set before anything is written

	state  atomic.Uint32
	halves atomic.Int32 // of the two, reader and writer, that have not ended
	hungUp atomic.Bool  // nothing more will be read
	parted atomic.Bool  // the client has said its close

	// owned by who drives
	due    moment      // when the alarm goes off, or went off; 0: it was never set
	reason *wire.Error // why the writer ended
	linger *timeout    // of a client that has to answer a close

	place int // of the server's alarms, and guarded by their mu
}

// States of a driver.
const (
	held    uint32 = iota // not launched: there is no session yet, and whoever launches it looks
	idle                  // nobody drives
	driving               // somebody does
	again                 // and must look once more
	ended
)

// wake has somebody drive. It never waits.
func (d *driver) wake() {
	for {
		switch state := d.state.Load(); state {
		case idle:
			if d.state.CompareAndSwap(idle, driving) {
				d.conn.server.crew.Go(d.drive)
				return
			}
		case driving:
			if d.state.CompareAndSwap(driving, again) {
				return
			}
		default: // somebody will look, or nobody must
			return
		}
	}
}

// launch lets the writer begin. The reader must begin next. What waits is written here, if that is all that there is to do.
func (d *driver) launch() {
	d.halves.Store(2)
	d.atOnce = d.conn.socket.conn.AtOnce()
	d.conn.unretire()
	d.state.Store(driving)
	if d.conn.outbox.flushHere() && !d.conn.outbox.isBusy() {
		if next, reason := d.conn.lookAtClock(); reason == nil {
			d.setAlarm(next)
			if d.state.CompareAndSwap(driving, idle) {
				return
			}
			d.state.Store(driving) // it was again
		}
	}
	d.conn.server.crew.Go(d.drive)
}

// forsake undoes what was begun for a connection with a socket of its own that does not come to be, for whatever reason, a panic as well.
func (s *Server) forsake(conn *connection) {
	defer conn.driver.release()
	if conn.session != nil {
		s.detach(conn)
	}
}

// hasEnded reports whether nothing more will be written.
func (d *driver) hasEnded() bool { return d.state.Load() == ended }

// drive writes what there is to write, and sets the alarm for what is due by the clock.
func (d *driver) drive() {
	for {
		next, reason, over := d.workRecovered()
		if over {
			d.end(reason)
			return
		}
		d.setAlarm(next)
		if d.state.CompareAndSwap(driving, idle) {
			return
		}
		d.state.Store(driving) // it was again
	}
}

// workRecovered is the connection's work, where a panic ends the connection and nothing else.
func (d *driver) workRecovered() (next time.Time, reason *wire.Error, over bool) {
	over = true
	defer d.conn.server.recovered("write")
	if d.hungUp.Load() {
		return next, nil, true
	}
	return d.conn.work(d.conn.server.base)
}

// setAlarm wakes the driver at a time. An alarm that goes off too early costs less than one that is set after every write.
func (d *driver) setAlarm(next time.Time) {
	at := momentOf(next)
	if gone := d.due <= momentOf(time.Now()); gone || at < d.due {
		d.conn.server.alarms.put(d, at)
	}
}

// end ends the writer. A client that was told why has a moment to answer.
func (d *driver) end(reason *wire.Error) {
	d.conn.retire()
	d.conn.server.alarms.remove(d)
	hangUp := func() { _ = d.conn.socket.conn.Close() }
	if reason != parted {
		d.reason = reason
	}
	d.state.Store(ended)
	if d.reason != nil && d.lingers && !d.parted.Load() { // a close that comes now finds that this has ended
		d.linger = d.conn.server.after(d.conn.server.config.CloseTimeout, hangUp)
	} else {
		hangUp()
	}
	d.half()
}

// hangUp says that nothing more will be read.
func (d *driver) hangUp() {
	d.hungUp.Store(true)
	d.wake()
	d.half()
}

// half says that the reader or the writer has ended. The second one takes the connection out of its session.
func (d *driver) half() {
	if d.halves.Add(-1) > 0 {
		return
	}
	server := d.conn.server
	if d.linger != nil {
		d.linger.stop()
	}
	defer server.leave()
	defer server.recovered("detach")
	defer d.release()
	defer server.gone(d.conn, d.reason)
	server.detach(d.conn)
}
