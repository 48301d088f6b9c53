package link

import (
	"crypto/tls"
	"net"
	"sync"
)

// joinedConn lies under a TLS connection, which writes each record of 16 KiB by itself, and joins the records of a batch into one
// write. Until join it passes all through.
type joinedConn struct {
	net.Conn

	mu      sync.Mutex
	joining bool
	records []byte
}

// join begins to hold records back for flush.
func (c *joinedConn) join() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.joining = true
}

// Write holds records back, or passes them through before join.
func (c *joinedConn) Write(record []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.joining {
		return c.Conn.Write(record)
	}
	c.records = append(c.records, record...)
	return len(record), nil
}

// flush writes the records that were held back. TLS writes of its own accord only while it closes, and must not wait for that, so
// the lock is not held meanwhile.
func (c *joinedConn) flush() error {
	c.mu.Lock()
	records := c.records
	c.records = nil
	c.mu.Unlock()
	_, err := c.Conn.Write(records)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.records == nil && cap(records) <= keepBytes {
		c.records = records[:0]
	}
	return err
}

// joined begins to join the records of a connection and returns what flushes them; for a plain connection there is nothing to do.
func joined(conn net.Conn) func() error {
	if secure, ok := conn.(*tls.Conn); ok {
		if under, ok := secure.NetConn().(*joinedConn); ok {
			under.join()
			return under.flush
		}
	}
	return func() error { return nil }
}
