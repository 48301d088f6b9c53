package session

import (
	"net"
	"net/netip"
	"sync"

	"halley/pushnode/wire"
)

// pending counts connections that have not shown a credential yet, by address.
type pending struct {
	most int // immutable

	mu     sync.Mutex
	counts map[netip.Prefix]int // guarded by mu
}

func newPending(most int) *pending { return &pending{most: most, counts: make(map[netip.Prefix]int)} }

// enter counts one connection of an address. leave must be called once.
func (p *pending) enter(remote string) (leave func(), err error) {
	network := networkOf(remote)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.counts[network] >= p.most {
		return nil, wire.Errorf(wire.CodeTooManyConnections, "%d connections of this address have not shown a credential yet", p.most)
	}
	p.counts[network]++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.counts[network]--; p.counts[network] == 0 {
			delete(p.counts, network)
		}
	}, nil
}

// networkOf is what one client is taken to have: an IPv4 address, or an IPv6 network of 64 bits. What cannot be read counts as
// one address of its own.
func networkOf(remote string) netip.Prefix {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	address = address.Unmap().WithZone("")
	bits := 32
	if address.Is6() {
		bits = 64
	}
	network, _ := address.Prefix(bits) // both lengths are valid
	return network
}
