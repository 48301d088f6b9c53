package pushnode_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"halley/pushnode/cluster"
)

// gossipPort is a cluster.Transport in memory.
type gossipPort struct {
	wires   *wires
	node    string
	address netip.AddrPort
	packets chan cluster.Packet
	streams chan net.Conn
}

// gossip is what a node's gossip goes by; nil: real sockets.
func (w *wires) gossip(node string) cluster.Transport {
	if !w.memory {
		return nil
	}
	port := &gossipPort{
		wires: w, node: node, address: w.address(), packets: make(chan cluster.Packet, 4096), streams: make(chan net.Conn, 64),
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pipes[port.address] = port
	return port
}

func (p *gossipPort) Address() netip.AddrPort        { return p.address }
func (p *gossipPort) Packets() <-chan cluster.Packet { return p.packets }
func (p *gossipPort) Streams() <-chan net.Conn       { return p.streams }

// far is the port at an address; cut: nothing gets there.
func (p *gossipPort) far(address netip.AddrPort) (far *gossipPort, cut bool) {
	p.wires.mu.Lock()
	defer p.wires.mu.Unlock()
	if far = p.wires.pipes[address]; far != nil {
		cut = p.wires.cuts[pairOf(p.node, far.node)]
	}
	return far, cut
}

func (p *gossipPort) Send(data []byte, to netip.AddrPort) error {
	far, cut := p.far(to)
	if far == nil || cut {
		return nil
	}
	select {
	case far.packets <- cluster.Packet{Data: append([]byte(nil), data...), From: p.address, At: time.Now()}:
	default: // as a socket does whose buffer is full
	}
	return nil
}

func (p *gossipPort) Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	far, cut := p.far(to)
	if cut {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	near, there := net.Pipe()
	p.wires.mu.Lock()
	defer p.wires.mu.Unlock()
	if far != nil && p.wires.pipes[to] == far {
		select {
		case far.streams <- there:
			return near, nil
		default:
		}
	}
	return nil, fmt.Errorf("dial %s: %w", to, syscall.ECONNREFUSED)
}

// Close unplugs the port. What was dialled and not taken is closed: its dialer must not wait.
func (p *gossipPort) Close() error {
	p.wires.mu.Lock()
	delete(p.wires.pipes, p.address)
	p.wires.mu.Unlock()
	for {
		select {
		case stream := <-p.streams:
			_ = stream.Close()
		default:
			return nil
		}
	}
}
