package link_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"testing"

	"halley/pushnode/cluster/link"
)

// wires are the connections that nodes have dialled through it, and what to do to them.
type wires struct {
	mu    sync.Mutex
	conns []*wire
	write func(net.Conn, []byte) (int, error) // nil: as it is
}

// wire is one end of a connection that the test can cut.
type wire struct {
	net.Conn
	of *wires
}

func (w *wires) node(c *link.Config) {
	c.Dial = func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		made := &wire{Conn: conn, of: w}
		w.conns = append(w.conns, made)
		return made, nil
	}
}

func (w *wire) Write(b []byte) (int, error) {
	w.of.mu.Lock()
	write := w.of.write
	w.of.mu.Unlock()
	if write != nil {
		return write(w.Conn, b)
	}
	return w.Conn.Write(b)
}

// onWrite changes what happens to bytes that are written from now on.
func (w *wires) onWrite(write func(net.Conn, []byte) (int, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.write = write
}

// cut cuts one of the last connections.
func (w *wires) cut(choice int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if last := w.conns[max(0, len(w.conns)-3):]; len(last) > 0 {
		last[choice%len(last)].Conn.Close()
	}
}

// once lets a fault happen to the first write that holds a mark.
func once(mark string, fault func(net.Conn, []byte) (int, error)) func(net.Conn, []byte) (int, error) {
	var first sync.Once
	return func(conn net.Conn, b []byte) (n int, err error) {
		n, err = len(b), nil
		struck := false
		if mark == "" || bytes.Contains(b, []byte(mark)) {
			first.Do(func() {
				struck = true
				n, err = fault(conn, b)
			})
		}
		if struck {
			return n, err
		}
		return conn.Write(b)
	}
}

func TestFaultsOnTheWay(t *testing.T) {
	flip := func(conn net.Conn, b []byte) (int, error) {
		damaged := bytes.Clone(b)
		damaged[bytes.Index(b, []byte("whole"))] ^= 4
		return conn.Write(damaged)
	}
	cut := func(conn net.Conn, b []byte) (int, error) {
		n, _ := conn.Write(b[:len(b)-3])
		conn.Close()
		return n, io.ErrClosedPipe
	}
	tests := []struct {
		name  string
		fault func(net.Conn, []byte) (int, error)
		why   link.Reason
	}{
		{"a flipped bit", flip, link.Damaged},
		{"a cut within a frame", cut, link.Reset},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var network wires
			a, b := start(t, 2, network.node), start(t, 1)
			join(a, 2, b, 1)
			network.onWrite(once("whole", test.fault))
			a.Send(1, link.Data, []byte("whole"))
			a.wants(down(1, test.why))
			b.wants(down(2, test.why)) // and not the frame
			a.wants(up(1))
			b.wants(up(2))
			a.Send(1, link.Data, []byte("whole again"))
			b.wants(frame(2, link.Data, "whole again"))
		})
	}
}

// TLS finds a flipped bit before the checksum does.
func TestAFlippedBitUnderTLS(t *testing.T) {
	var network wires
	a, b := start(t, 2, with(t, ours), network.node), start(t, 1, with(t, ours))
	join(a, 2, b, 1)
	network.onWrite(once("", func(conn net.Conn, b []byte) (int, error) {
		damaged := bytes.Clone(b)
		damaged[len(b)-1] ^= 1
		return conn.Write(damaged)
	}))
	a.Send(1, link.Data, []byte("whole"))
	b.wants(down(2, link.Reset))
	a.wants(down(1, link.Reset))
	a.wants(up(1))
	b.wants(up(2))
}
