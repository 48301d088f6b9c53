package netpoll_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"halley/pushnode/netpoll"
)

// What is sent comes as it was sent, behind what had been read before.
func TestReadingKeepsTheOrder(t *testing.T) {
	onAllKinds(t, func(t *testing.T, client net.Conn, conn netpoll.Conn) {
		early, text := []byte("what was read before"), pattern(300<<10)
		r := newRecorder(t, nil)
		send := clientWrites(client, text)
		conn.Start(bytes.Clone(early), r)
		r.want(append(early, text...))
		if err := within(t, "the client's writes", send); err != nil {
			t.Fatal(err)
		}
		_ = client.Close()
		if err := r.wantEnd(); err != io.EOF {
			t.Errorf("ended with %v, want io.EOF", err)
		}
	})
}

// clientWrites writes in pieces of many sizes, and says how that ended.
func clientWrites(client net.Conn, text []byte) <-chan error {
	done := make(chan error, 1)
	go func() {
		_ = client.SetWriteDeadline(time.Now().Add(patience))
		for size := 1; len(text) > 0; size = size*3%9973 + 1 {
			size = min(size, len(text))
			if _, err := client.Write(text[:size]); err != nil {
				done <- err
				return
			}
			text = text[size:]
		}
		done <- nil
	}()
	return done
}

// What came, and was noticed, before anybody wanted it is not forgotten.
func TestBytesBeforeStart(t *testing.T) {
	t.Parallel()
	poller := new(netpoll.Poller)
	client, conn := adopted(t, poller, kinds[0])
	second, noticed := adopted(t, poller, kinds[0])
	r, witness := newRecorder(t, nil), newRecorder(t, nil)
	noticed.Start(nil, witness)
	send(t, client, []byte("before"))
	send(t, second, []byte("after that"))
	witness.want([]byte("after that")) // events are told in their order
	conn.Start(nil, r)
	r.want([]byte("before"))
	send(t, client, []byte(" and after"))
	r.want([]byte(" and after"))
}

// A silent client is heard each time that it speaks again.
func TestReadingGoesOnAfterSilence(t *testing.T) {
	onAllKinds(t, func(t *testing.T, client net.Conn, conn netpoll.Conn) {
		r := newRecorder(t, nil)
		conn.Start(nil, r)
		for _, text := range pattern(500) { // each may find the reader about to leave
			send(t, client, []byte{text})
			r.want([]byte{text})
		}
	})
}

// While Received waits, nothing more is read: the client's writes stall, and nothing of them is lost.
func TestBackPressure(t *testing.T) {
	onAllKinds(t, func(t *testing.T, client net.Conn, conn netpoll.Conn) {
		text := pattern(32 << 20) // more than all buffers between the two
		entered, opened := make(chan struct{}, 1<<14), make(chan struct{})
		got := new(bytes.Buffer)
		r := newRecorder(t, func(p []byte) error {
			entered <- struct{}{}
			<-opened
			got.Write(p)
			return nil
		})
		conn.Start(nil, r)
		_ = client.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		written, err := client.Write(text)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%d bytes were written, and %v, to who does not read", written, err)
		}
		within(t, "the first bytes", entered)
		if len(entered) != 0 {
			t.Error("more was received while the first bytes were")
		}
		close(opened)
		text = text[:written+1]
		send(t, client, text[written:])
		_ = client.Close()
		if err := r.wantEnd(); err != io.EOF {
			t.Errorf("ended with %v, want io.EOF", err)
		}
		if !bytes.Equal(got.Bytes(), text) {
			t.Errorf("%d bytes came of %d, or others", got.Len(), len(text))
		}
	})
}

// A client that breaks its connection is told of once, as what it is.
func TestResetIsTold(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds[:2] { // a pipe knows no reset
		client, conn := adopted(t, new(netpoll.Poller), kind)
		r := newRecorder(t, nil)
		conn.Start(nil, r)
		send(t, client, []byte("x"))
		r.want([]byte("x"))
		if err := errors.Join(client.(*net.TCPConn).SetLinger(0), client.Close()); err != nil {
			t.Fatal(err)
		}
		if err := r.wantEnd(); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s: ended with %v, want a reset", kind.name, err)
		}
		if _, err := conn.Write([]byte("x"), time.Second); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: a write after the end: %v", kind.name, err)
		}
	}
}

// What Received returns ends the connection, on both sides.
func TestReaderEndsTheConnection(t *testing.T) {
	onAllKinds(t, func(t *testing.T, client net.Conn, conn netpoll.Conn) {
		enough := errors.New("enough")
		r := newRecorder(t, func([]byte) error { return enough })
		conn.Start(nil, r)
		send(t, client, []byte("x"))
		if err := r.wantEnd(); err != enough {
			t.Errorf("ended with %v, want what the reader said", err)
		}
		wantClosed(t, client)
	})
}

// The same of what was read before.
func TestReaderEndsTheConnectionEarly(t *testing.T) {
	onAllKinds(t, func(t *testing.T, client net.Conn, conn netpoll.Conn) {
		enough := errors.New("enough")
		r := newRecorder(t, func([]byte) error { return enough })
		conn.Start([]byte("x"), r)
		if err := r.wantEnd(); err != enough {
			t.Errorf("ended with %v, want what the reader said", err)
		}
		wantClosed(t, client)
	})
}
