package http1

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"syscall"
)

// TCPConn is a TCP connection that takes back what was read from it. By embedding it keeps every method of a TCP connection, the
// unexported ones too: with them net.Buffers writes many frames by one system call.
type TCPConn struct {
	*net.TCPConn
	unread unread
}

// rewinder is what the loop can give a connection back to that was accepted as such.
type rewinder interface {
	net.Conn
	rewind([]byte)
}

func (c *TCPConn) rewind(data []byte) { c.unread = data }

// Read implements net.Conn.
func (c *TCPConn) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		return c.unread.take(p), nil
	}
	return c.TCPConn.Read(p)
}

// WriteTo implements io.WriterTo, which copying from the connection goes by.
func (c *TCPConn) WriteTo(w io.Writer) (int64, error) {
	if len(c.unread) == 0 {
		return c.TCPConn.WriteTo(w)
	}
	first, err := w.Write(c.unread)
	c.unread = c.unread[first:]
	if err != nil {
		return int64(first), err
	}
	rest, err := c.TCPConn.WriteTo(w)
	return int64(first) + rest, err
}

// HandOver closes the connection for somebody who has its socket under another descriptor. It makes this a netpoll.Holder; there is nothing
// to release then.
func (c *TCPConn) HandOver() (release func()) {
	_ = c.TCPConn.Close()
	return func() {}
}

// errUnread is why there is no way around Read.
var errUnread = errors.New("http1: something of the connection was read ahead")

// SyscallConn implements syscall.Conn, but not while something is left that only Read returns.
func (c *TCPConn) SyscallConn() (syscall.RawConn, error) {
	if len(c.unread) > 0 {
		return nil, errUnread
	}
	return c.TCPConn.SyscallConn()
}

// unread is what was read ahead.
type unread []byte

func (u *unread) take(p []byte) int {
	size := copy(p, *u)
	if *u = (*u)[size:]; len(*u) == 0 {
		*u = nil
	}
	return size
}

// rewound is a connection from which data is read first.
func rewound(conn net.Conn, data []byte) net.Conn {
	if len(data) == 0 {
		return conn
	}
	switch conn := conn.(type) {
	case rewinder:
		conn.rewind(data)
		return conn
	case *net.TCPConn:
		return &TCPConn{TCPConn: conn, unread: data}
	case *tls.Conn:
		return &rewoundTLS{Conn: conn, unread: data}
	default:
		return &rewoundConn{Conn: conn, unread: data}
	}
}

// rewoundTLS is a TLS connection that has given HTTP/1.1 to the loop. net/http asks it for its state.
type rewoundTLS struct {
	*tls.Conn
	unread unread
}

// Read implements net.Conn.
func (c *rewoundTLS) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		return c.unread.take(p), nil
	}
	return c.Conn.Read(p)
}

// rewoundConn is any other connection.
type rewoundConn struct {
	net.Conn
	unread unread
}

// Read implements net.Conn.
func (c *rewoundConn) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		return c.unread.take(p), nil
	}
	return c.Conn.Read(p)
}
