package bench

import (
	"net"
	"sync"
	"time"
)

// reader reads subscribers and hands what they get to their ledgers.
type reader interface {
	// follow takes over a connection whose opening is done.
	follow(s *subscriber, conn net.Conn) error
	// reset forgets latencies and bytes, not what the ledgers hold. Nothing may be under way.
	reset()
	// taken is what was counted since.
	taken() (latencies histogram, bytes int64)
	// close lets all connections go, and waits until nothing is read any more.
	close() error
}

// desk is what readers have in common.
type desk struct {
	clock clock
	fail  func(error) // ends the run

	mu      sync.Mutex // held while messages are taken: guards all below, and the subscribers
	intake  intake
	closing bool
}

func (d *desk) reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.intake.reset()
}

func (d *desk) taken() (latencies histogram, bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.intake.latencies, d.intake.bytes
}

// takeLocked hands what was read to a subscriber, and reports whether there may be more. An error ends the run, unless it is ending.
func (d *desk) takeLocked(s *subscriber, data []byte, err error) bool {
	if err == nil {
		err = s.feed(data, d.clock.now(), &d.intake)
	}
	if err != nil && !d.closing {
		d.fail(err)
	}
	return err == nil
}

// goroutines is a reader with a goroutine for each connection: for TLS, and where there is no epoll.
type goroutines struct {
	*desk
	running sync.WaitGroup
	members []member // guarded by mu
}

// member is a subscriber and its connection.
type member struct {
	subscriber *subscriber
	conn       net.Conn
}

// farewellPatience is for the last words on one connection.
const farewellPatience = time.Second

// readSize is how much one connection is read at once, in bytes.
const readSize = 4 << 10

func (g *goroutines) follow(s *subscriber, conn net.Conn) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.members = append(g.members, member{s, conn})
	g.running.Go(func() { g.read(s, conn) })
	return nil
}

// read ends when the connection is closed, which close does.
func (g *goroutines) read(s *subscriber, conn net.Conn) {
	buffer := make([]byte, readSize)
	for {
		n, err := conn.Read(buffer)
		g.mu.Lock()
		more := g.takeLocked(s, buffer[:n], err)
		g.intake.tell()
		g.mu.Unlock()
		if !more {
			return
		}
	}
}

func (g *goroutines) close() error {
	g.mu.Lock()
	g.closing = true
	members := g.members
	g.mu.Unlock()
	for _, m := range members {
		_ = m.conn.SetDeadline(time.Now().Add(farewellPatience))
		_ = m.subscriber.leave() // of a connection that may be broken
	}
	g.running.Wait()
	return nil
}
