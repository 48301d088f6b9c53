package netpoll_test

import (
	"bytes"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"halley/pushnode/netpoll"
)

// kind is one way in which connections are held.
type kind struct {
	name string
	pair func(tb testing.TB) (client, server net.Conn)
}

// kinds are all ways. The first is the one of its own, where the system has it.
var kinds = []kind{
	{"socket", tcpPair},
	{"stream of TCP", func(tb testing.TB) (client, server net.Conn) {
		client, server = tcpPair(tb)
		return client, struct{ net.Conn }{server} // of which nobody knows the socket
	}},
	{"stream of a pipe", func(tb testing.TB) (client, server net.Conn) {
		client, server = net.Pipe()
		tb.Cleanup(func() { _ = client.Close() })
		return client, server
	}},
}

// onAllKinds runs a test with a connection of each kind.
func onAllKinds(t *testing.T, test func(t *testing.T, client net.Conn, conn netpoll.Conn)) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			client, conn := adopted(t, new(netpoll.Poller), kind)
			test(t, client, conn)
		})
	}
}

// adopted is a client and its connection in a poller, both of which end with the test.
func adopted(tb testing.TB, poller *netpoll.Poller, kind kind) (client net.Conn, conn netpoll.Conn) {
	tb.Helper()
	tb.Cleanup(poller.Close)
	client, server := kind.pair(tb)
	conn = poller.Adopt(server)
	tb.Cleanup(func() { _ = conn.Close() })
	return client, conn
}

// patience bounds what a test waits for.
const patience = 20 * time.Second

// tcpPair is both ends of a connection over the loopback.
func tcpPair(tb testing.TB) (client, server net.Conn) {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	if client, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = client.Close() })
	if server, err = listener.Accept(); err != nil {
		tb.Fatal(err)
	}
	return client, server
}

// recorder is a Reader that keeps what it gets.
type recorder struct {
	tb       testing.TB
	came     chan []byte                // copies of what was received, as long as receive is nil
	over     chan error                 // what Ended was called with; there is room for a call too many
	receive  func(p []byte) (err error) // what is done with it instead; nil: it is kept
	inside   atomic.Int32               // calls that have not returned
	finished atomic.Bool
}

func newRecorder(tb testing.TB, receive func([]byte) error) *recorder {
	return &recorder{tb: tb, came: make(chan []byte, 1<<12), over: make(chan error, 2), receive: receive}
}

func (r *recorder) Received(p []byte) error {
	defer r.enter("Received")()
	if len(p) == 0 {
		r.tb.Error("nothing was received")
	}
	if r.receive != nil {
		return r.receive(p)
	}
	r.came <- bytes.Clone(p)
	clear(p) // it is the reader's to change
	return nil
}

func (r *recorder) Ended(err error) {
	defer r.enter("Ended")()
	r.finished.Store(true)
	r.over <- err
}

// enter checks that calls follow one another, and that Ended is the last.
func (r *recorder) enter(call string) (leave func()) {
	if r.inside.Add(1) != 1 {
		r.tb.Errorf("%s was called during another call", call)
	}
	if r.finished.Load() {
		r.tb.Errorf("%s was called after Ended", call)
	}
	return func() { r.inside.Add(-1) }
}

// want waits for exactly these bytes.
func (r *recorder) want(text []byte) {
	r.tb.Helper()
	expired := time.After(patience)
	for got := 0; got < len(text); {
		select {
		case part := <-r.came:
			if got+len(part) > len(text) || !bytes.Equal(part, text[got:got+len(part)]) {
				r.tb.Fatalf("after %d bytes came %.40q, which was not sent there", got, part)
			}
			got += len(part)
		case <-expired:
			r.tb.Fatalf("%d of %d bytes came", got, len(text))
		}
	}
}

// wantEnd waits for Ended.
func (r *recorder) wantEnd() error {
	r.tb.Helper()
	return within(r.tb, "the end of the connection", r.over)
}

// within waits for what a goroutine has to say.
func within[T any](tb testing.TB, what string, says <-chan T) (said T) {
	tb.Helper()
	select {
	case said = <-says:
	case <-time.After(patience):
		tb.Fatalf("waited in vain for %s", what)
	}
	return said
}

// until waits for something that a goroutine does.
func until(tb testing.TB, what string, done func() bool) {
	tb.Helper()
	ticks := time.NewTicker(time.Millisecond)
	defer ticks.Stop()
	for end := time.Now().Add(patience); !done(); <-ticks.C {
		if time.Now().After(end) {
			tb.Fatalf("waited in vain for %s", what)
		}
	}
}

// pattern is n bytes of which no two neighbourhoods are alike.
func pattern(n int) []byte {
	text := make([]byte, n)
	state := uint32(1)
	for i := range text {
		state = state*1664525 + 1013904223 // a generator of pseudo-random numbers
		text[i] = byte(state >> 24)
	}
	return text
}

// send writes as a client.
func send(tb testing.TB, client net.Conn, text []byte) {
	tb.Helper()
	_ = client.SetWriteDeadline(time.Now().Add(patience))
	if _, err := client.Write(text); err != nil {
		tb.Fatalf("the client's write: %v", err)
	}
}

// wantRead reads exactly these bytes as a client.
func wantRead(tb testing.TB, client net.Conn, text []byte) {
	tb.Helper()
	_ = client.SetReadDeadline(time.Now().Add(patience))
	got := make([]byte, len(text))
	if n, err := io.ReadFull(client, got); err != nil {
		tb.Fatalf("the client read %d of %d bytes: %v", n, len(text), err)
	}
	if !bytes.Equal(got, text) {
		tb.Fatalf("the client did not read what was written")
	}
}

// wantClosed reads up to the end as a client, before which there must be nothing.
func wantClosed(tb testing.TB, client net.Conn) {
	tb.Helper()
	_ = client.SetReadDeadline(time.Now().Add(patience))
	if n, err := client.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		tb.Fatalf("the client read %d bytes, and %v, from a closed connection", n, err)
	}
}
