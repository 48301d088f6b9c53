package netpoll_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"halley/pushnode/netpoll"
)

// Connections that begin and end at random, whose descriptors have one number after the other. Each has a byte of its own, and sees no
// other: not from its client, and not from somebody who still writes to one that was closed.
func TestDescriptorsAreReused(t *testing.T) {
	t.Parallel()
	const openers, rounds = 8, 100
	poller := new(netpoll.Poller)
	t.Cleanup(poller.Close)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var opening sync.Mutex // so that who accepts gets whom it has dialed
	open := func() (client, server net.Conn, err error) {
		opening.Lock()
		defer opening.Unlock()
		if client, err = net.Dial("tcp", listener.Addr().String()); err != nil {
			return nil, nil, err
		}
		server, err = listener.Accept()
		return client, server, err
	}
	var all sync.WaitGroup
	for opener := range openers {
		all.Go(func() {
			for round := range rounds {
				client, server, err := open()
				if err != nil {
					t.Error(err)
					return
				}
				one := visitor{t: t, client: client, conn: poller.Adopt(server), mark: byte(opener*rounds+round)%255 + 1}
				one.visit()
			}
		})
	}
	all.Wait()
	wantNil(t, "Close", listener.Close())
}

// visitor is one connection that knows its own bytes.
type visitor struct {
	t      *testing.T
	client net.Conn
	conn   netpoll.Conn
	mark   byte
}

// visit writes from both ends, at once and with patience, and has one of them close.
func (v *visitor) visit() {
	defer func() { _ = v.client.Close() }()
	r := newRecorder(v.t, func(p []byte) error {
		v.check("the server", p)
		_, err := v.conn.Write(p, patience) // two writers mix, which is all the same here
		return err
	})
	v.conn.Start(v.marks(5), r)
	var parts sync.WaitGroup
	parts.Go(v.push)
	parts.Go(v.listen)
	for range rand.IntN(5) {
		if _, err := v.client.Write(v.marks(rand.IntN(2000) + 1)); err != nil {
			break // the server has closed
		}
	}
	if rand.IntN(2) == 0 {
		_ = v.client.(*net.TCPConn).CloseWrite()
	} else {
		_ = v.conn.Close()
	}
	r.wantEnd()
	parts.Wait()
	if _, err := v.conn.TryWrite(v.marks(1)); v.conn.AtOnce() && err != net.ErrClosed {
		v.t.Errorf("a closed connection took something: %v", err)
	}
}

func (v *visitor) marks(n int) []byte { return bytes.Repeat([]byte{v.mark}, n) }

func (v *visitor) check(who string, p []byte) {
	if own := bytes.Count(p, []byte{v.mark}); own != len(p) {
		v.t.Errorf("%s got %d bytes of another connection", who, len(p)-own)
	}
}

// push writes until the connection is closed, without looking whether it is.
func (v *visitor) push() {
	for {
		_, err := v.conn.TryWrite(v.marks(10))
		if err == nil {
			_, err = v.conn.Write(v.marks(1), patience)
		}
		if err != nil {
			return
		}
	}
}

// listen reads as the client to the end, whatever that is.
func (v *visitor) listen() {
	buffer := make([]byte, 4096)
	_ = v.client.SetReadDeadline(time.Now().Add(patience))
	for {
		n, err := v.client.Read(buffer)
		v.check("the client", buffer[:n])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			v.t.Error("the connection did not end")
		}
		if err != nil {
			return
		}
	}
}
