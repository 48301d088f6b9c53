package cluster_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"halley/pushnode/cluster"
)

// latency of the network in one direction.
const latency = 500 * time.Microsecond

// network is an in-memory network for tests in a bubble of synctest, whose goroutines must never wait for a real socket.
type network struct {
	mu    sync.Mutex
	ports map[netip.AddrPort]*port           // guarded by mu, as all below
	cut   func(from, to netip.AddrPort) bool // reports whether nothing gets through, streams included; nil: all does
	drop  func(from, to netip.AddrPort) bool // reports whether a packet is lost; nil: none is
	alias map[netip.AddrPort]netip.AddrPort  // addresses that lead to another one
}

// newNetwork makes a network without nodes. Those that are plugged into it have 10 s after the test to end what they do.
func newNetwork(tb testing.TB) *network {
	tb.Helper()
	tb.Cleanup(func() { <-time.After(10 * time.Second) }) // runs after all nodes have stopped; time ends with the bubble's main goroutine
	return &network{ports: map[netip.AddrPort]*port{}, alias: map[netip.AddrPort]netip.AddrPort{}}
}

// set changes the network between two looks at it.
func (n *network) set(change func(*network)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change(n)
}

// plug opens an address of the network.
func (n *network) plug(tb testing.TB, address netip.AddrPort) *port {
	tb.Helper()
	p := &port{network: n, address: address, packets: make(chan cluster.Packet, 4096), streams: make(chan net.Conn, 64)}
	n.set(func(n *network) {
		if n.ports[address] != nil {
			tb.Fatalf("%s is in use", address)
		}
		n.ports[address] = p
	})
	return p
}

// target returns the port at an address, and whether what is sent there gets through.
func (n *network) target(from, to netip.AddrPort, packet bool) (*port, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if other, ok := n.alias[to]; ok {
		to = other
	}
	lost := n.cut != nil && n.cut(from, to) || packet && n.drop != nil && n.drop(from, to)
	return n.ports[to], !lost
}

// port is a cluster.Transport.
type port struct {
	network *network
	address netip.AddrPort
	packets chan cluster.Packet
	streams chan net.Conn
}

func (p *port) Address() netip.AddrPort        { return p.address }
func (p *port) Packets() <-chan cluster.Packet { return p.packets }
func (p *port) Streams() <-chan net.Conn       { return p.streams }

func (p *port) Send(data []byte, to netip.AddrPort) error {
	target, through := p.network.target(p.address, to, true)
	if target == nil || !through {
		return nil
	}
	copied := append([]byte(nil), data...)
	time.AfterFunc(latency, func() {
		select {
		case target.packets <- cluster.Packet{Data: copied, From: p.address, At: time.Now()}:
		default: // as a socket does whose buffer is full
		}
	})
	return nil
}

func (p *port) Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	target, through := p.network.target(p.address, to, false)
	if !through {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	<-time.After(2 * latency)
	if target == nil {
		return nil, errors.New("connection refused")
	}
	near, far := net.Pipe()
	p.network.mu.Lock()
	defer p.network.mu.Unlock()
	if p.network.ports[target.address] == target {
		select {
		case target.streams <- far:
			return near, nil
		default:
		}
	}
	return nil, errors.New("connection refused")
}

// Close unplugs the port. What was dialled and not taken is closed: its dialer must not wait.
func (p *port) Close() error {
	p.network.set(func(n *network) { delete(n.ports, p.address) })
	for {
		select {
		case stream := <-p.streams:
			stream.Close()
		default:
			return nil
		}
	}
}
