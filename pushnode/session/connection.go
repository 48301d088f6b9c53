package session

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"halley/auth"
	"halley/pushnode/wire"
)

// connection is one life of a transport. Its writer is the goroutine in run; a WebSocket has its reader besides. Where the
// transport can write without waiting, the fan-out does so in the writer's stead: turn is held by who writes.
type connection struct {
	// immutable
	server    *Server
	app       App // as it was when the connection opened
	outbox    *outbox
	transport transport
	direct    *socket // the transport, where the fan-out may write to it; nil: only the writer writes
	metrics   transportMetrics
	browser   bool // the request carried an Origin

	session   *Session // set once by Server.attach, before run
	continues bool     // set with session: the next long poll of a client whose last one was of this session

	answered atomic.Bool // a poll: the client has its answer. Set by the poll, read by who takes the session over

	expires atomic.Int64 // of the credential, Unix ms; 0: never. Set where it is renewed, read by the writer
	heard   atomic.Int64 // when the client last said something, Unix ns; set by the reader, read by the writer

	turn sync.Mutex // taken before the mu of the outbox and of the socket
	// guarded by turn
	batch  []item
	partly bool      // of what was taken from the outbox, the transport still keeps a part
	failed error     // of a direct write: the writer ends the connection
	over   bool      // the writer has ended: nothing is taken from the outbox any more
	wrote  time.Time // when something was last written
	pinged time.Time // when a ping was sent that is not answered; zero: none
	warned int64     // the expiry that the client was warned of
}

// transportMetrics is the part of metrics that belongs to one transport, looked up once.
type transportMetrics struct {
	connections prometheus.Gauge
	deliveries  prometheus.Counter
	sent        prometheus.Counter
}

func (m *metrics) of(transport string) transportMetrics {
	return transportMetrics{
		connections: m.connections.WithLabelValues(transport),
		deliveries:  m.deliveries.WithLabelValues(transport),
		sent:        m.sent.WithLabelValues(transport),
	}
}

// newConnection makes a connection that is not attached yet.
func (s *Server) newConnection(app App, grant *auth.Grant, transport transport, metrics transportMetrics, browser bool) *connection {
	c := &connection{
		server: s, app: app, transport: transport, metrics: metrics, browser: browser,
		outbox: newOutbox(app.QueueBytes, s.config.QueueMessages), wrote: time.Now(),
	}
	if socket, ok := transport.(*socket); ok && socket.atOnce.possible() {
		c.direct, c.outbox.direct = socket, c.writeDirect
	}
	c.expires.Store(expires(grant))
	return c
}

// close asks the connection to end, with what waits written first. The first reason stays.
func (c *connection) close(reason *wire.Error) { c.outbox.close(reason) }

// push queues a push that must not be lost.
func (c *connection) push(push wire.Push) { c.outbox.push(item{shared: wire.Share(push)}) }

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
