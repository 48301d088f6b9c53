package edge

import (
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"halley/pushnode/http1"
	"halley/pushnode/wire"
)

// listener lets in those for whom the gate has room.
type listener struct {
	*net.TCPListener
	gate    *gate
	trusted proxies
	plain   bool // without TLS, so that somebody who is turned away can be told why
}

// Accept returns the next connection for which there is room. The others are told and closed.
func (l *listener) Accept() (net.Conn, error) {
	for {
		inner, err := l.AcceptTCP()
		if err != nil {
			return nil, err
		}
		peer := peerAddress(inner.RemoteAddr().String())
		address := clientKey(peer)
		if l.trusted.contain(peer) {
			address = netip.Addr{}
		}
		fault := l.gate.enter(address)
		if fault == nil {
			_ = inner.SetWriteBuffer(kernelBuffer) // a wish: the connection works without
			return &connection{TCPConn: &http1.TCPConn{TCPConn: inner}, gate: l.gate, address: address}, nil
		}
		l.gate.refused(fault, address)
		l.turnAway(inner, fault)
	}
}

// kernelBuffer is how much the kernel is asked to hold for a client that does not read: it takes twice that. Left to itself it takes
// 4 MB, and no queue or write timeout of ours begins before.
const kernelBuffer = 64 << 10

// connection gives its place back when it is closed.
type connection struct {
	*http1.TCPConn
	gate    *gate
	address netip.Addr
	left    atomic.Bool // Close may be called by several
}

// Close closes the connection and makes room for another.
func (c *connection) Close() error {
	err := c.TCPConn.Close()
	if c.left.CompareAndSwap(false, true) {
		c.gate.leave(c.address)
	}
	return err
}

// HandOver closes the connection for somebody who has its socket under another descriptor, and returns what makes room for another: it
// may be called once.
func (c *connection) HandOver() (release func()) {
	held := c.left.CompareAndSwap(false, true)
	_ = c.TCPConn.Close() // of this descriptor; the socket lives on
	if !held {
		return func() {}
	}
	gate, address := c.gate, c.address // and nothing of the connection, which is not needed any more
	return func() { gate.leave(address) }
}

// turnAwayTimeout is more than enough for a few hundred bytes into the empty buffer of a new socket.
const turnAwayTimeout = 100 * time.Millisecond

// turnAway answers before the request is read, as well as can be: a client that is still sending may see a reset instead.
func (l *listener) turnAway(inner *net.TCPConn, fault *wire.Error) {
	if l.plain {
		_ = inner.SetWriteDeadline(time.Now().Add(turnAwayTimeout))
		_, _ = inner.Write(rawRefusal(fault))
		_ = inner.CloseWrite()
	}
	_ = inner.Close()
}
