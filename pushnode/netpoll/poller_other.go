//go:build !linux

package netpoll

import (
	"net"
	"sync"
)

// Poller holds connections. Its zero value is ready for use.
type Poller struct {
	streams sync.WaitGroup // goroutines that read, each from one connection
}

// Adopt takes a connection over, which belongs to the result from now on.
func (p *Poller) Adopt(conn net.Conn) Conn { return &stream{conn: conn, readers: &p.streams} }

// Close waits until nobody reads any more. All connections must have been closed.
func (p *Poller) Close() { p.streams.Wait() }
