package http1

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"halley/pushnode/crew"
)

// Server stands between a listener and net/http: to that it is the listener, on which the connections come in that are not, or not any
// more, for the loop.
type Server struct {
	// immutable after Listen
	config Config
	inner  net.Listener
	passed chan passed   // to net/http
	closed chan struct{} // by Close
	close  func() error
	ctx    context.Context // of the requests
	cut    context.CancelFunc

	closing atomic.Bool // set once by Close; read by every connection
	loops   sync.WaitGroup
	crew    crew.Crew // which runs them, but for accept
	dates   dates
	pool    sync.Pool // of *connection

	mu          sync.Mutex
	connections map[*connection]struct{} // guarded by mu
}

// passed is what Accept returns.
type passed struct {
	conn net.Conn
	err  error
}

// Listen begins to accept from a listener, which it owns from now on. Close and Wait must follow, also where this fails.
func Listen(inner net.Listener, config Config) (*Server, error) {
	if err := config.Validate(); err != nil {
		return nil, errors.Join(err, inner.Close())
	}
	s := &Server{
		config: config, inner: inner, passed: make(chan passed), closed: make(chan struct{}),
		connections: make(map[*connection]struct{}), pool: sync.Pool{New: func() any { return new(connection) }},
	}
	s.ctx, s.cut = context.WithCancel(context.Background())
	s.close = sync.OnceValue(s.closeNow)
	s.loops.Go(s.accept)
	return s, nil
}

// Accept implements net.Listener.
func (s *Server) Accept() (net.Conn, error) {
	select {
	case next := <-s.passed:
		return next.conn, next.err
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener.
func (s *Server) Addr() net.Addr { return s.inner.Addr() }

// Close ends what waits for a request, and lets requests that have begun be answered. It implements net.Listener and does not wait.
func (s *Server) Close() error { return s.close() }

func (s *Server) closeNow() error {
	s.closing.Store(true)
	close(s.closed)
	err := s.inner.Close()
	s.each(func(c *connection) {
		if c.phase.CompareAndSwap(waiting, ended) {
			_ = c.raw.SetReadDeadline(time.Unix(1, 0))
		}
	})
	return err
}

// ErrCut means that some requests took longer to be answered than Wait waits.
var ErrCut = errors.New("http1: requests were cut")

// Wait waits, after Close, until every request that had begun is answered, and cuts after a while what is left.
func (s *Server) Wait(within time.Duration) error {
	done := make(chan struct{})
	var waiting sync.WaitGroup
	defer s.crew.Close()
	defer s.cut()
	defer waiting.Wait()
	waiting.Go(func() {
		s.loops.Wait()
		close(done)
	})
	patience := time.NewTimer(within)
	defer patience.Stop()
	select {
	case <-done:
		return nil
	case <-patience.C:
	}
	s.cut()
	s.each(func(c *connection) { _ = c.raw.Close() })
	return ErrCut
}

// each does something with every connection that the loop has.
func (s *Server) each(do func(*connection)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.connections {
		do(c)
	}
}

// accept takes connections in until Close. Errors are net/http's to judge: while it pauses after one, so does this.
func (s *Server) accept() {
	for {
		conn, err := s.inner.Accept()
		switch {
		case err != nil || s.config.Skips != nil && s.config.Skips(conn):
			if !s.pass(passed{conn: conn, err: err}) {
				return
			}
		default:
			s.loops.Add(1)
			s.crew.Go(func() {
				defer s.loops.Done()
				s.run(conn)
			})
		}
	}
}

// pass gives net/http something to accept. false: it does not any more.
func (s *Server) pass(next passed) bool {
	select {
	case s.passed <- next:
		return true
	case <-s.closed:
		if next.conn != nil {
			_ = next.conn.Close()
		}
		return false
	}
}

// run serves a connection until it ends, or goes over to net/http or to a handler.
func (s *Server) run(raw net.Conn) {
	c := s.begin(raw)
	after := passOn
	if c.handshake() {
		after = c.serve(s.ctx)
	}
	conn := c.conn
	var unread []byte
	if after == passOn {
		unread = append(unread, c.buffer[:c.filled]...)
	}
	s.end(c)
	switch after {
	case over:
		_ = conn.Close()
	case passOn:
		_ = conn.SetDeadline(time.Time{}) // net/http sets its own
		s.pass(passed{conn: rewound(conn, unread)})
	}
}

func (s *Server) begin(raw net.Conn) *connection {
	c := s.pool.Get().(*connection)
	c.server, c.raw, c.conn, c.now = s, raw, raw, time.Now()
	c.buffer = c.own[:]
	c.phase.Store(working)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connections[c] = struct{}{}
	return c
}

// end lets the memory of a connection go to another one, without anything that it was sent.
func (s *Server) end(c *connection) {
	s.mu.Lock()
	delete(s.connections, c)
	s.mu.Unlock()
	clear(c.own[:])
	clear(c.shown[:cap(c.shown)])
	c.server, c.raw, c.conn, c.buffer, c.filled, c.answered, c.upgrades = nil, nil, nil, nil, 0, false, false
	c.readBy, c.writeBy, c.credential, c.shown, c.kept = time.Time{}, time.Time{}, "", c.shown[:0], nil
	c.head, c.request = head{}, Request{}
	c.answer.reset()
	s.pool.Put(c)
}

// handshake does that of TLS, if there is one to do. false: the client wants HTTP/2, or it failed, of which net/http hears and tells.
func (c *connection) handshake() bool {
	if c.server.config.TLS == nil {
		return true
	}
	secure := tls.Server(c.raw, c.server.config.TLS)
	c.conn = secure
	if c.raw.SetDeadline(c.now.Add(c.server.config.Header)) != nil || !c.await() {
		return false
	}
	err := secure.HandshakeContext(c.server.ctx)
	if !c.phase.CompareAndSwap(waiting, working) || err != nil || c.raw.SetDeadline(time.Time{}) != nil {
		return false
	}
	protocol := secure.ConnectionState().NegotiatedProtocol
	return protocol == "" || protocol == "http/1.1"
}
