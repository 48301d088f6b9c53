package netpoll_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"halley/pushnode/netpoll"
)

// Close ends a connection that is silent.
func TestClose(t *testing.T) {
	onAllKinds(t, func(t *testing.T, client net.Conn, conn netpoll.Conn) {
		r := newRecorder(t, nil)
		conn.Start(nil, r)
		wantNil(t, "Close", conn.Close())
		wantErrClosed(t, r.wantEnd())
		wantClosed(t, client)
		wantNil(t, "a second Close", conn.Close())
		if _, err := conn.Write([]byte("x"), time.Second); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write after Close: %v", err)
		}
		if _, err := conn.TryWrite([]byte("x")); conn.AtOnce() && !errors.Is(err, net.ErrClosed) {
			t.Errorf("TryWrite after Close: %v", err)
		}
	})
}

func wantNil(tb testing.TB, what string, err error) {
	tb.Helper()
	if err != nil {
		tb.Errorf("%s: %v", what, err)
	}
}

func wantErrClosed(tb testing.TB, err error) {
	tb.Helper()
	if err != net.ErrClosed {
		tb.Errorf("ended with %v, want net.ErrClosed", err)
	}
}

// Who starts a connection that was closed meanwhile is told so.
func TestCloseBeforeStart(t *testing.T) {
	onAllKinds(t, func(t *testing.T, client net.Conn, conn netpoll.Conn) {
		wantNil(t, "Close", conn.Close())
		wantClosed(t, client)
		r := newRecorder(t, nil)
		conn.Start(nil, r)
		wantErrClosed(t, r.wantEnd())
	})
}

// Close does not wait for Received, and Ended does.
func TestCloseAmidReceived(t *testing.T) {
	onAllKinds(t, func(t *testing.T, client net.Conn, conn netpoll.Conn) {
		entered, left := make(chan struct{}), make(chan struct{})
		r := newRecorder(t, func([]byte) error {
			close(entered) // twice would be a panic: nothing more may be received
			<-left
			return nil
		})
		conn.Start(nil, r)
		send(t, client, []byte("x"))
		within(t, "the byte", entered)
		wantNil(t, "Close", conn.Close())
		wantClosed(t, client)
		if len(r.over) > 0 {
			t.Error("Ended was called during Received")
		}
		close(left)
		wantErrClosed(t, r.wantEnd())
	})
}

// A reader may close its own connection.
func TestCloseByTheReader(t *testing.T) {
	onAllKinds(t, func(t *testing.T, client net.Conn, conn netpoll.Conn) {
		r := newRecorder(t, func([]byte) error { return conn.Close() })
		conn.Start(nil, r)
		send(t, client, []byte("x"))
		wantErrClosed(t, r.wantEnd())
		wantClosed(t, client)
	})
}

// Close ends a write that waits.
func TestCloseAmidWrite(t *testing.T) {
	onAllKinds(t, func(t *testing.T, client net.Conn, conn netpoll.Conn) {
		text := pattern(8 << 20)
		written := write(conn, text, patience)
		wantRead(t, client, text[:1]) // it is under way
		wantNil(t, "Close", conn.Close())
		got := within(t, "the write", written)
		if !errors.Is(got.err, net.ErrClosed) || got.n == len(text) {
			t.Errorf("%d of %d bytes were written, and %v", got.n, len(text), got.err)
		}
	})
}

// Many may close at the same time: Ended comes once, and the connection's place is given back once.
func TestCloseBySeveral(t *testing.T) {
	onAllKinds(t, func(t *testing.T, _ net.Conn, conn netpoll.Conn) {
		r := newRecorder(t, nil)
		conn.Start(nil, r)
		closed := make(chan error)
		for range 8 {
			go func() { closed <- conn.Close() }()
		}
		for range 8 {
			wantNil(t, "Close", within(t, "Close", closed))
		}
		wantErrClosed(t, r.wantEnd())
	})
}

// A poller's Close waits for readers, as their owner must.
func TestPollerCloseWaits(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		poller := new(netpoll.Poller)
		client, conn := adopted(t, poller, kind)
		entered, left := make(chan struct{}), make(chan struct{})
		r := newRecorder(t, func([]byte) error {
			close(entered)
			<-left
			return nil
		})
		conn.Start(nil, r)
		send(t, client, []byte("x"))
		within(t, "the byte", entered)
		wantNil(t, "Close", conn.Close())
		closed := make(chan bool)
		go func() {
			poller.Close()
			closed <- r.finished.Load()
		}()
		close(left)
		if !within(t, "the poller", closed) {
			t.Errorf("%s: the poller was closed while somebody read", kind.name)
		}
	}
}

// A poller that never had a connection, or none with a socket, has nothing to wait for.
func TestPollerWithoutConnections(t *testing.T) {
	t.Parallel()
	unused := new(netpoll.Poller)
	closed := make(chan struct{})
	go func() {
		unused.Close()
		close(closed)
	}()
	within(t, "the poller", closed)
}
