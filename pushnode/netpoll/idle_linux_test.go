package netpoll_test

import (
	"net"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"halley/pushnode/netpoll"
)

// Connections whose clients are silent have no goroutine, and leave no descriptor behind. It counts what the whole process has, so that
// it does not run beside others.
func TestIdleConnectionsCostNoGoroutine(t *testing.T) {
	const connections = 200
	descriptors, goroutines := openDescriptors(t), runtime.NumGoroutine()
	poller := new(netpoll.Poller)
	t.Cleanup(poller.Close)
	clients, conns, readers := make([]net.Conn, connections), make([]netpoll.Conn, connections), make([]*recorder, connections)
	for i := range connections {
		client, server := tcpPair(t)
		clients[i], conns[i], readers[i] = client, poller.Adopt(server), newRecorder(t, nil)
		conns[i].Start(nil, readers[i])
		send(t, client, []byte{byte(i)})
		readers[i].want([]byte{byte(i)})
	}
	const crew = 64                                                                                      // as many wait for something to read from anybody
	until(t, "the readers to leave", func() bool { return runtime.NumGoroutine() <= goroutines+crew+1 }) // the poller's own
	if got, want := openDescriptors(t), descriptors+2*connections; got > want+2 {                        // the poller's, and Go's for it
		t.Errorf("%d descriptors are open, want %d", got, want)
	}
	for i, conn := range conns {
		wantNil(t, "Close", conn.Close())
		wantErrClosed(t, readers[i].wantEnd())
		wantClosed(t, clients[i])
		wantNil(t, "the client's Close", clients[i].Close())
	}
	poller.Close()
	if got := openDescriptors(t); got > descriptors+1 { // Go's own poller stays
		t.Errorf("%d descriptors are open at the end, want %d", got, descriptors)
	}
}

func openDescriptors(tb testing.TB) int {
	tb.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		tb.Fatal(err)
	}
	return len(entries)
}

// Where there are no more descriptors, a connection is held all the same. The limit is the process's, so that it does not run beside others.
func TestNoMoreDescriptors(t *testing.T) {
	poller := new(netpoll.Poller)
	t.Cleanup(poller.Close)
	first, conn := adopted(t, poller, kinds[0])
	client, server := tcpPair(t)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := unix.Rlimit{Cur: 1, Max: limit.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	late := poller.Adopt(server)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = late.Close() })
	if !conn.AtOnce() || late.AtOnce() {
		t.Errorf("writes that do not wait: %v, and %v without descriptors", conn.AtOnce(), late.AtOnce())
	}
	for client, conn := range map[net.Conn]netpoll.Conn{first: conn, client: late} {
		r := newRecorder(t, nil)
		conn.Start(nil, r)
		send(t, client, []byte("x"))
		r.want([]byte("x"))
	}
}
