package netpoll

import (
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// counting is a Reader that counts.
type counting struct {
	received chan int
	ended    chan error
}

func (c *counting) Received(p []byte) error {
	c.received <- len(p)
	return nil
}

func (c *counting) Ended(err error) { c.ended <- err }

// An event for a descriptor that has changed hands tells its new owner something that is not so: it looks once in vain, and misses nothing
// of what is so afterwards.
func TestEventsOfAnother(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	poller := new(Poller)
	defer poller.Close()
	conn := poller.Adopt(server).(*socket)
	defer func() { _ = conn.Close() }()

	const everything = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
	conn.happened(everything) // before it is started
	reader := &counting{received: make(chan int, 1), ended: make(chan error, 1)}
	conn.Start(nil, reader)
	written := make(chan int, 1)
	go func() {
		n, _ := conn.Write(make([]byte, 8<<20), time.Minute)
		written <- n
	}()
	for range 1000 {
		conn.happened(everything)
	}
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if n := <-reader.received; n != 1 {
		t.Errorf("%d bytes were received, want 1", n)
	}
	if n, err := io.CopyN(io.Discard, client, 8<<20); err != nil {
		t.Errorf("the client read %d bytes: %v", n, err)
	}
	if n := <-written; n != 8<<20 {
		t.Errorf("%d bytes were written", n)
	}
	if len(reader.received) > 0 || len(reader.ended) > 0 {
		t.Error("the reader was told of what was not so")
	}
	fd := conn.fd
	if err := conn.Close(); err != nil || poller.set.find(fd) != nil {
		t.Errorf("closed (%v), and still told of events: %v", err, poller.set.find(fd) != nil)
	}
}

// Nobody is told of a descriptor that was closed, or never known.
func TestFindForgets(t *testing.T) {
	t.Parallel()
	set := new(epollSet)
	one := new(socket)
	set.put(7, one)
	if set.find(7) != one || set.find(6) != nil || set.find(8) != nil {
		t.Error("the connection is not where it was put")
	}
	set.put(7, nil)
	if set.find(7) != nil {
		t.Error("the connection is still there")
	}
}
