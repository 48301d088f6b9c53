package test

import (
	"io"
	"net"
	"sync"
)

// proxyListener hands out connections that can be cut and stalled.
type proxyListener struct {
	net.Listener
	proxy *proxy
}

// Accept waits for the next connection that may pass.
func (l *proxyListener) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		conn := &proxiedConn{Conn: accepted, proxy: l.proxy, closed: make(chan struct{})}
		if l.proxy.admits(conn) {
			return conn, nil
		}
		conn.cut()
	}
}

// admits notes a connection, unless the proxy is shut.
func (p *proxy) admits(conn *proxiedConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.conns[conn] = struct{}{}
	}
	return !p.closed
}

// proxiedConn is a connection of the browser.
type proxiedConn struct {
	net.Conn
	proxy     *proxy
	closed    chan struct{}
	once      sync.Once
	forgotten bool // guarded by proxy.mu
}

// Read reads what the browser says, once it may be heard.
func (c *proxiedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if !c.pass() {
		return 0, io.ErrClosedPipe
	}
	return n, err
}

// Write tells the browser something, once it may hear.
func (c *proxiedConn) Write(p []byte) (int, error) {
	if !c.pass() {
		return 0, io.ErrClosedPipe
	}
	return c.Conn.Write(p)
}

// pass waits while the proxy is stalled, and for ever where the connection is forgotten. It is false where that ends before.
func (c *proxiedConn) pass() bool {
	c.proxy.mu.Lock()
	gate, forgotten := c.proxy.gate, c.forgotten
	c.proxy.mu.Unlock()
	switch {
	case forgotten:
		gate = nil
	case gate == nil:
		return true
	}
	select {
	case <-gate:
		return true
	case <-c.closed:
		return false
	}
}

// Close ends the connection.
func (c *proxiedConn) Close() error {
	c.proxy.mu.Lock()
	delete(c.proxy.conns, c)
	c.proxy.mu.Unlock()
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// cut resets the connection: what was on its way is lost. Who reads it closes it.
func (c *proxiedConn) cut() {
	_ = c.Conn.(*net.TCPConn).SetLinger(0)
	c.once.Do(func() { close(c.closed) })
	_ = c.Conn.Close()
}
