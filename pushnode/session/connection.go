package session

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"halley/auth"
	"halley/pushnode/wire"
)

// connection is one life of a transport. Its writer is the handler's goroutine, in run, or where the connection has a socket of its own
// whoever drives (driver). Where the socket can be written to without waiting, the fan-out does so in the writer's stead: turn is held
// by who writes.
type connection struct {
	// immutable
	server    *Server
	outbox    *outbox // its memory is queue
	transport transport
	socket    *socket // the transport, where that is a socket; nil: another
	driver    driver  // where there is a socket
	alarm     alarm   // wakes the writer, where there is none
	metrics   *transportMetrics
	meter     Meter
	pusher    *pusherClient // of a socket of Pusher's; nil: another protocol
	channels  int32         // that it may follow: a limit of its app, as it was when the connection opened
	message   int32         // bytes that it may publish in one message, likewise
	browser   bool          // the request carried an Origin

	continues bool        // set with session: the next long poll of a client whose last one was of this session
	answered  atomic.Bool // a poll: the client has its answer. Set by the poll, read by who takes the session over

	queue   outbox
	place   int      // among the server's connections; guarded by its mu
	session *Session // set once by Server.attach, before run

	expires atomic.Int64 // of the credential, Unix ms; 0: never. Set where it is renewed, read by the writer
	heard   atomic.Int64 // when the client last said something, a moment; set by the reader, read by the writer

	turn sync.Mutex // taken before the mu of the outbox and of the socket
	// guarded by turn
	failed error  // of a direct write: the writer ends the connection
	wrote  moment // when something was last written
	pinged moment // when a ping was sent that is not answered; 0: none
	warned int64  // the expiry that the client was warned of
	partly bool   // of what was taken from the outbox, the transport still keeps a part
	over   bool   // the writer has ended, or not begun: nothing is taken from the outbox
}

// newConnection makes a connection that is not attached yet, and whose writer will be the handler's goroutine.
func (s *Server) newConnection(app App, grant *auth.Grant, transport transport, metrics *transportMetrics, browser bool) *connection {
	c := &connection{
		server: s, transport: transport, metrics: metrics, browser: browser, alarm: make(alarm, 1),
	}
	c.outbox = c.queue.init(app.QueueBytes, s.config.QueueMessages, c.alarm)
	c.begin(app, grant)
	return c
}

// newSocketConnection makes a connection that is not attached yet, and has a socket of its own. Its driver is to be launched once it is.
func (s *Server) newSocketConnection(app App, grant *auth.Grant, socket *socket, metrics *transportMetrics, browser bool) *connection {
	c := &connection{
		server: s, transport: socket, socket: socket, metrics: metrics, browser: browser,
	}
	c.driver.conn = c
	c.over = true // until the driver is launched
	c.outbox = c.queue.init(app.QueueBytes, s.config.QueueMessages, &c.driver)
	c.begin(app, grant)
	return c
}

// begin sets what rests on the app, the time and the credential.
func (c *connection) begin(app App, grant *auth.Grant) {
	c.meter, c.channels, c.message = app.Meter, int32(app.ChannelsPerConnection), int32(app.MessageBytes)
	c.wrote = momentOf(time.Now())
	c.heard.Store(int64(c.wrote))
	c.expires.Store(expires(grant))
}

// alarm wakes a goroutine that waits for it: it holds one token.
type alarm chan struct{}

func (a alarm) wake() {
	select {
	case a <- struct{}{}:
	default: // it has been told already
	}
}

// close asks the connection to end, with what waits written first. The first reason stays.
func (c *connection) close(reason *wire.Error) { c.outbox.close(reason) }

// prefetch: nothing is written directly.
func (a alarm) prefetch() {}

// writeDirect: the goroutine that waits writes.
func (a alarm) writeDirect(*tally) bool { return false }

// cut ends the connection without a word, where it has a socket of its own.
func (c *connection) cut() {
	if c.socket != nil {
		_ = c.socket.conn.Close()
	}
}

// push queues a push that must not be lost.
func (c *connection) push(push wire.Push) { c.outbox.push(item{shared: wire.Share(push)}) }

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
