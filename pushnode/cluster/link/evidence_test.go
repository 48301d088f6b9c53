package link_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"

	"halley/pushnode/cluster/link"
)

// mortal is the sockets of a node that can be killed: all its connections are reset and nothing listens any more, as when its
// process dies. The node lives on and can say nothing.
type mortal struct {
	net.Listener
	mu    sync.Mutex
	dead  bool
	conns []net.Conn
}

// node says to a config that its sockets are mortal.
func (m *mortal) node(tb testing.TB) func(*link.Config) {
	return func(c *link.Config) {
		m.Listener = listen(tb, "127.0.0.1:0")
		c.Listener = m
		c.Dial = m.dial
	}
}

func (m *mortal) Accept() (net.Conn, error) {
	conn, err := m.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return m.keep(conn)
}

func (m *mortal) dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return m.keep(conn)
}

func (m *mortal) keep(conn net.Conn) (net.Conn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		conn.Close()
		return nil, net.ErrClosed
	}
	m.conns = append(m.conns, conn)
	return conn, nil
}

func (m *mortal) kill(tb testing.TB) {
	tb.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
	m.Listener.Close()
	for _, conn := range m.conns {
		if err := conn.(*net.TCPConn).SetLinger(0); err != nil && !errors.Is(err, net.ErrClosed) {
			tb.Error(err)
		}
		conn.Close()
	}
}

// Both the node that dials and the one that does not see a kill. How soon, TestAKillIsSeenAtOnce says.
func TestAKilledPeerRefuses(t *testing.T) {
	for name, instance := range map[string]uint64{"seen by the dialler": 1, "seen by the other": 9} {
		for mode, change := range modes(t) {
			t.Run(name+" "+mode, func(t *testing.T) {
				var sockets mortal
				victim := start(t, instance, change, sockets.node(t))
				witness := start(t, 5, change)
				join(victim, instance, witness, 5)
				sockets.kill(t)
				witness.wants(down(instance, link.Reset))
				witness.wants(down(instance, link.Refused))
			})
		}
	}
}

// The address of a dead instance answers as another one: the proof of death.
func TestAnotherInstanceAtTheAddressIsAProof(t *testing.T) {
	for name, instance := range map[string]uint64{"seen by the dialler": 1, "seen by the other": 9} {
		for mode, change := range modes(t) {
			t.Run(name+" "+mode, func(t *testing.T) {
				var sockets mortal
				victim := start(t, instance, change, sockets.node(t))
				witness := start(t, 5, change)
				join(victim, instance, witness, 5)
				sockets.kill(t)
				witness.until(down(instance, link.Refused))
				start(t, 7, change, func(c *link.Config) { c.Listener = listen(t, victim.address) })
				witness.until(down(instance, link.Replaced))
				witness.SetPeers(nil) // final: there is nothing to drop
				witness.SetPeers([]link.Peer{victim.as(instance)})
				witness.wants(down(instance, link.Replaced))
			})
		}
	}
}

func TestMisfits(t *testing.T) {
	secured := with(t, ours)
	tests := []struct {
		name         string
		own, foreign func(*link.Config)
	}{
		{"another cluster", func(*link.Config) {}, func(c *link.Config) { c.Cluster = 8 }},
		{"another label", func(*link.Config) {}, func(c *link.Config) { c.Label = "production" }},
		{"another secret", secured, with(t, theirs)},
		{"a secret, and none there", secured, func(*link.Config) {}},
		{"no secret, and one there", func(*link.Config) {}, secured},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, b := start(t, 2, test.own), start(t, 1, test.foreign)
			a.SetPeers([]link.Peer{b.as(1)})
			b.SetPeers([]link.Peer{a.as(2)})
			a.wants(down(1, link.Misfit))
			b.wants(down(2, link.Misfit))
			// That another instance answers proves nothing where it is of another cluster.
			a.SetPeers([]link.Peer{b.as(77)})
			a.wants(down(77, link.Misfit))
		})
	}
}

func TestOurOwnAddressProvesNothing(t *testing.T) {
	for mode, change := range modes(t) {
		t.Run(mode, func(t *testing.T) {
			a := start(t, 2, change)
			a.SetPeers([]link.Peer{a.as(1), a.as(2), a.as(3)}) // 2 is itself and passed over
			first, second := a.next(), a.next()
			if first.peer > second.peer {
				first, second = second, first
			}
			if first != down(1, link.Misfit) || second != down(3, link.Misfit) {
				t.Errorf("got %+v and %+v", first, second)
			}
		})
	}
}

func TestAnotherProtocolIsAMisfit(t *testing.T) {
	for mode, change := range modes(t) {
		t.Run(mode, func(t *testing.T) {
			stranger := listen(t, "127.0.0.1:0")
			defer stranger.Close()
			go func() {
				for conn, err := stranger.Accept(); err == nil; conn, err = stranger.Accept() {
					_, _ = conn.Write([]byte("220 mail.example.com ESMTP\r\n"))
					_ = conn.(*net.TCPConn).CloseWrite()
					defer conn.Close()
				}
			}()
			a := start(t, 2, change)
			a.SetPeers([]link.Peer{{Instance: 1, Address: stranger.Addr().String()}})
			a.wants(down(1, link.Misfit))
		})
	}
}

// Without a secret nothing leaves the machine.
func TestPlainLinksKeepToLoopback(t *testing.T) {
	wide := listen(t, ":0")
	defer wide.Close()
	nothing := func(uint64) {}
	_, err := link.New(link.Config{
		Instance: 1, Listener: wide, Up: nothing, Down: func(uint64, link.Reason) {}, Receive: func(uint64, link.Class, []byte) {},
	})
	if err == nil {
		t.Error("a plain mesh listens on all interfaces")
	}
	a := start(t, 2, func(c *link.Config) {
		c.Dial = func(context.Context, string) (net.Conn, error) {
			near, _ := net.Pipe()
			return distantConn{near}, nil
		}
	})
	a.SetPeers([]link.Peer{{Instance: 1, Address: "192.0.2.1:7947"}})
	a.wants(down(1, link.Misfit))
}

// distantConn says that its other end is on another machine.
type distantConn struct{ net.Conn }

func (distantConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 7947} }
