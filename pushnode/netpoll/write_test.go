package netpoll_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"halley/pushnode/netpoll"
)

// A write that the client keeps waiting goes on when the client does. What comes from it meanwhile is read.
func TestWriteGoesOn(t *testing.T) {
	onAllKinds(t, func(t *testing.T, client net.Conn, conn netpoll.Conn) {
		text := pattern(8 << 20)
		r := newRecorder(t, nil)
		conn.Start(nil, r)
		written := write(conn, text, patience)
		wantRead(t, client, text[:1]) // it is under way
		send(t, client, []byte("still there"))
		r.want([]byte("still there"))
		wantRead(t, client, text[1:])
		if got := within(t, "the write", written); got.err != nil || got.n != len(text) {
			t.Errorf("%d of %d bytes were written, and %v", got.n, len(text), got.err)
		}
	})
}

// outcome is what Write has returned.
type outcome struct {
	n   int
	err error
}

func write(conn netpoll.Conn, text []byte, timeout time.Duration) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		n, err := conn.Write(text, timeout)
		done <- outcome{n, err}
	}()
	return done
}

// A write that the client keeps waiting for too long says so, and how much was taken. It is neither the end of the connection, nor of the
// time that later writes have.
func TestWriteTimesOut(t *testing.T) {
	onAllKinds(t, func(t *testing.T, client net.Conn, conn netpoll.Conn) {
		const timeout = 800 * time.Millisecond
		first := write(conn, []byte("x"), timeout) // sets a deadline for several
		wantRead(t, client, []byte("x"))
		if got := within(t, "the first write", first); got.err != nil {
			t.Fatal(got.err)
		}
		text := pattern(8 << 20)
		began := time.Now()
		n, err := conn.Write(text, timeout)
		if waited := time.Since(began); waited < timeout*7/8-timeout/50 || waited > patience/2 {
			t.Errorf("waited for %v, want %v", waited, timeout)
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || n == len(text) {
			t.Fatalf("%d of %d bytes were written, and %v", n, len(text), err)
		}
		more := write(conn, text[n:n+10], timeout)
		wantRead(t, client, text[:n+10])
		if got := within(t, "the last write", more); got.err != nil || got.n != 10 {
			t.Errorf("%d bytes were written, and %v, when the client read again", got.n, got.err)
		}
		_ = conn.Close()
		wantClosed(t, client)
	})
}

// A client that takes a little now and then does not make a write last longer.
func TestWriteTimesOutWithASlowClient(t *testing.T) {
	onAllKinds(t, func(t *testing.T, client net.Conn, conn netpoll.Conn) {
		read := make(chan int, 1)
		go func() {
			ticks := time.NewTicker(10 * time.Millisecond)
			defer ticks.Stop()
			buffer, all := make([]byte, 8<<10), 0
			for err := error(nil); err == nil; <-ticks.C {
				var n int
				n, err = client.Read(buffer)
				all += n
			}
			read <- all
		}()
		began := time.Now()
		n, err := conn.Write(pattern(16<<20), 500*time.Millisecond)
		if waited := time.Since(began); !errors.Is(err, os.ErrDeadlineExceeded) || waited > 5*time.Second {
			t.Errorf("%d bytes were written, and %v, within %v", n, err, waited)
		}
		_ = client.Close()
		if all := within(t, "the client", read); all > n {
			t.Errorf("the client read %d bytes where %d were written", all, n)
		}
	})
}

// Who gets pieces of a stalled stream by both kinds of writes gets them in order.
func TestTryWriteThenWrite(t *testing.T) {
	onAllKinds(t, func(t *testing.T, client net.Conn, conn netpoll.Conn) {
		text := pattern(2 << 20)
		got := make(chan []byte, 1)
		go func() {
			_ = client.SetReadDeadline(time.Now().Add(patience))
			all, _ := io.ReadAll(client)
			got <- all
		}()
		for left := text; len(left) > 0; {
			n, err := conn.TryWrite(left)
			if err != nil {
				t.Fatal(err)
			}
			left = left[n:]
			part := min(len(left), 10_000)
			if n, err = conn.Write(left[:part], patience); err != nil || n != part {
				t.Fatalf("%d of %d bytes were written, and %v", n, part, err)
			}
			left = left[part:]
		}
		_ = conn.Close()
		if !bytes.Equal(within(t, "the client", got), text) {
			t.Error("the client did not read what was written")
		}
	})
}

// A client that has broken its connection is noticed by who writes, also where nobody reads.
func TestWritesToABrokenConnection(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds[:2] {
		client, conn := adopted(t, new(netpoll.Poller), kind)
		if err := errors.Join(client.(*net.TCPConn).SetLinger(0), client.Close()); err != nil {
			t.Fatal(err)
		}
		until(t, "an error", func() bool {
			_, err := conn.Write(pattern(100), time.Second)
			return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
		})
		if _, err := conn.TryWrite([]byte("x")); conn.AtOnce() && err == nil {
			t.Errorf("%s: TryWrite has no error for a broken connection", kind.name)
		}
	}
}

// So is one that breaks it while a write waits for it.
func TestResetEndsAWaitingWrite(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds[:2] {
		client, conn := adopted(t, new(netpoll.Poller), kind)
		text := pattern(8 << 20)
		written := write(conn, text, patience)
		wantRead(t, client, text[:1])
		if err := errors.Join(client.(*net.TCPConn).SetLinger(0), client.Close()); err != nil {
			t.Fatal(err)
		}
		if got := within(t, "the write", written); got.err == nil || errors.Is(got.err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: a broken connection took %d bytes, and said %v", kind.name, got.n, got.err)
		}
	}
}
