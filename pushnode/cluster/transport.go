package cluster

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// Packet is a datagram as it came in.
type Packet struct {
	Data []byte
	From netip.AddrPort
	At   time.Time // when it came, for the measure of round trips
}

// Transport carries gossip. Where a Config has none, it is UDP and TCP on the address that the Config binds.
type Transport interface {
	// Address is where others reach this node.
	Address() netip.AddrPort
	// Send sends a datagram, which may be lost without an error.
	Send(data []byte, to netip.AddrPort) error
	// Dial opens a stream.
	Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error)
	// Packets and Streams give what comes in. They are never closed.
	Packets() <-chan Packet
	Streams() <-chan net.Conn
	// Close ends it. Streams that nobody took are closed, so that their dialers do not wait.
	Close() error
}

// Resolver looks names up. A net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}
