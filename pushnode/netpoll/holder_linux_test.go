package netpoll_test

import (
	"io"
	"net"
	"testing"
	"time"

	"halley/pushnode/netpoll"
)

// held is a connection that has a place somewhere.
type held struct {
	*net.TCPConn
	handOvers int
	released  func()
}

func (h *held) HandOver() (release func()) {
	h.handOvers++
	_ = h.TCPConn.Close()
	return h.released
}

// A connection's place is given back once, when the socket is closed and not before.
func TestHolderIsReleased(t *testing.T) {
	t.Parallel()
	client, server := tcpPair(t)
	releases := make(chan error, 3)
	holder := &held{TCPConn: server.(*net.TCPConn), released: func() {
		_ = client.SetReadDeadline(time.Now().Add(patience))
		_, err := client.Read(make([]byte, 1))
		releases <- err
	}}
	poller := new(netpoll.Poller)
	t.Cleanup(poller.Close)
	conn := poller.Adopt(holder)
	r := newRecorder(t, nil)
	conn.Start(nil, r)
	send(t, client, []byte("x"))
	r.want([]byte("x"))
	if holder.handOvers != 1 || len(releases) != 0 {
		t.Errorf("handed over %d times, and released %d times, while it lived", holder.handOvers, len(releases))
	}
	for range 3 {
		wantNil(t, "Close", conn.Close())
	}
	wantErrClosed(t, r.wantEnd())
	if err := within(t, "the release", releases); err != io.EOF {
		t.Errorf("during the release the client read %v, and not the end", err)
	}
	if len(releases) != 0 {
		t.Error("released twice")
	}
}
