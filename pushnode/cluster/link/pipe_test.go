package link_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"halley/pushnode/cluster/link"
)

// pipes is a network of net.Pipe for bubbles of synctest. The address of a node is its instance.
type pipes struct {
	mu        sync.Mutex
	listeners map[string]*pipeListener
	dialled   []time.Time
}

func newPipes() *pipes { return &pipes{listeners: map[string]*pipeListener{}} }

// node says to a config that the node is on this network.
func (p *pipes) node(c *link.Config) {
	listener := &pipeListener{
		network: p, address: pipeAddress(c.Instance), conns: make(chan net.Conn), closed: make(chan struct{}), thawed: make(chan struct{}),
	}
	close(listener.thawed)
	p.mu.Lock()
	p.listeners[listener.address] = listener
	p.mu.Unlock()
	c.Listener = listener
	c.Dial = p.dial
}

func pipeAddress(instance uint64) string { return fmt.Sprint("node ", instance) }

func (p *pipes) dial(ctx context.Context, address string) (net.Conn, error) {
	p.mu.Lock()
	p.dialled = append(p.dialled, time.Now())
	listener := p.listeners[address]
	p.mu.Unlock()
	if listener == nil {
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}
	near, far := net.Pipe()
	conn := &frozenConn{Conn: far, listener: listener}
	select {
	case listener.conns <- conn:
		listener.mu.Lock()
		defer listener.mu.Unlock()
		listener.accepted = append(listener.accepted, conn)
		return near, nil
	case <-listener.closed:
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// dials returns when connections were dialled, and forgets it.
func (p *pipes) dials() []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	dialled := p.dialled
	p.dialled = nil
	return dialled
}

// freeze stops all reading of what a node accepted, as a stopped process does, until the function that it returns is called or the test ends.
func (p *pipes) freeze(tb testing.TB, instance uint64) (thaw func()) {
	listener := p.at(instance)
	listener.mu.Lock()
	defer listener.mu.Unlock()
	thawed := make(chan struct{})
	listener.thawed = thawed
	thaw = sync.OnceFunc(func() { close(thawed) })
	tb.Cleanup(thaw)
	return thaw
}

// kill ends all that a node accepted and its listening, as the death of its process does.
func (p *pipes) kill(instance uint64) {
	listener := p.at(instance)
	listener.Close()
	listener.mu.Lock()
	defer listener.mu.Unlock()
	for _, conn := range listener.accepted {
		conn.Conn.Close()
	}
}

// stall lets nothing through the last connection of a class that a node accepted, as a firewall that has forgotten it, until the test
// ends.
func (p *pipes) stall(tb testing.TB, instance uint64, class link.Class) {
	listener := p.at(instance)
	listener.mu.Lock()
	defer listener.mu.Unlock()
	stalled := make(chan struct{})
	listener.accepted[len(listener.accepted)-3+int(class)].stalled.Store(&stalled)
	tb.Cleanup(func() { close(stalled) })
}

func (p *pipes) at(instance uint64) *pipeListener {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.listeners[pipeAddress(instance)]
}

type pipeListener struct {
	network *pipes
	address string
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once

	mu       sync.Mutex
	thawed   chan struct{}
	accepted []*frozenConn
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() {
		l.network.mu.Lock()
		delete(l.network.listeners, l.address)
		l.network.mu.Unlock()
		close(l.closed)
	})
	return nil
}

func (l *pipeListener) Addr() net.Addr  { return l }
func (l *pipeListener) Network() string { return "pipe" }
func (l *pipeListener) String() string  { return l.address }

func (l *pipeListener) wait() {
	l.mu.Lock()
	thawed := l.thawed
	l.mu.Unlock()
	<-thawed
}

// frozenConn reads, writes and closes only while its node is not frozen.
type frozenConn struct {
	net.Conn
	listener *pipeListener
	stalled  atomic.Pointer[chan struct{}] // nil: it is not
}

func (c *frozenConn) wait() {
	c.listener.wait()
	if stalled := c.stalled.Load(); stalled != nil {
		<-*stalled
	}
}

func (c *frozenConn) Read(b []byte) (int, error) {
	c.wait()
	n, err := c.Conn.Read(b)
	c.wait()
	return n, err
}

func (c *frozenConn) Write(b []byte) (int, error) {
	c.wait()
	return c.Conn.Write(b)
}

func (c *frozenConn) Close() error {
	c.wait()
	return c.Conn.Close()
}
