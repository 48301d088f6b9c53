package cluster

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// Times of the gossip (section 2.2 of the study on clusters), which the measured times of detection depend on.
const (
	probeInterval = 500 * time.Millisecond
	probeTimeout  = 200 * time.Millisecond
	streamTimeout = 2 * time.Second // for one dial, and again for what is written and read
)

// errClosed is returned by calls that come after close has begun.
var errClosed = errors.New("cluster: gossip is closed")

// gossip is the only user of memberlist. Nothing of memberlist's is known outside this file.
type gossip struct {
	list    *memberlist.Memberlist
	carrier carrier

	mu     sync.Mutex
	closed bool           // guarded by mu
	calls  sync.WaitGroup // calls of list that run; entered under mu while not closed, because memberlist panics after its end
}

// listener is told what memberlist sees, and asked what to say. Its methods are called under memberlist's locks or in its receive
// loops: they only copy.
type listener interface {
	meta() []byte                                                      // what this node says of itself
	seen(name string, gossip netip.AddrPort, meta []byte, living bool) // a member came, changed or went
	admissible(name string, gossip netip.AddrPort, meta []byte) error  // nil: it may be a member
	exchanged() []byte                                                 // what to tell a node that views are compared with
	merge(exchange []byte)                                             // what such a node told
}

// settings are those of section 2.2. A name is never given to another address: each start of a node has a name of its own.
func settings(c Config, address netip.AddrPort, l listener, logs *log.Logger) *memberlist.Config {
	s := memberlist.DefaultLANConfig()
	s.Name = gossipName(c.Name, c.Instance)
	s.Label = c.Label
	if c.Key != nil {
		s.Keyring = keyring(c)
	} else {
		s.CIDRsAllowed = loopback
	}
	s.AdvertiseAddr, s.AdvertisePort = address.Addr().String(), int(address.Port())
	s.BindPort = int(address.Port())
	s.ProbeInterval, s.ProbeTimeout = probeInterval, probeTimeout
	s.SuspicionMult, s.SuspicionMaxTimeoutMult = 4, 3
	s.IndirectChecks, s.DisableTcpPings = 3, false
	s.GossipInterval, s.GossipNodes, s.RetransmitMult = 100*time.Millisecond, 3, 4
	s.PushPullInterval, s.GossipToTheDeadTime = 15*time.Second, time.Minute
	s.TCPTimeout, s.AwarenessMaxMultiplier = streamTimeout, 4
	s.UDPBufferSize, s.HandoffQueueDepth = 1200, 4096
	s.DeadNodeReclaimTime, s.RequireNodeNames = 0, false
	s.EnableCompression = false // what is sent is small, and most of it random
	s.Logger = logs
	d := delegate{l}
	s.Delegate, s.Events, s.Alive, s.Merge = d, d, d, d
	return s
}

// keyring holds the key that is used and those that are heard.
func keyring(c Config) *memberlist.Keyring {
	others := make([][]byte, len(c.OtherKeys))
	for i := range c.OtherKeys {
		others[i] = c.OtherKeys[i][:]
	}
	ring, err := memberlist.NewKeyring(others, c.Key[:])
	if err != nil {
		panic(fmt.Sprintf("cluster: keys of 32 bytes are refused: %v", err)) // their type leaves no other length
	}
	return ring
}

// loopback are the networks that may take part without a key.
var loopback = []net.IPNet{
	{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)},
	{IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
}

// startGossip joins this node to a list of its own. The carrier is closed with it, and at once if it does not start.
func startGossip(c Config, carrier carrier, l listener, logs *log.Logger) (*gossip, error) {
	s := settings(c, carrier.address(), l, logs)
	s.Transport = carrier
	list, err := memberlist.Create(s)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cluster: start gossip: %w", err), carrier.Shutdown())
	}
	return &gossip{list: list, carrier: carrier}, nil
}

// enter lets a call of list begin. Who gets true calls calls.Done.
func (g *gossip) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.calls.Add(1)
	return true
}

// join compares views with whoever listens at the address, which makes both members of what the other knows.
func (g *gossip) join(address netip.AddrPort) error {
	if !g.enter() {
		return errClosed
	}
	defer g.calls.Done()
	_, err := g.list.Join([]string{address.String()})
	return joinError(err)
}

// joinError is the one error that memberlist puts in a list of several lines. What hung up without a word is most likely a node that
// dropped what it could not read.
func joinError(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		err = inner
	}
	if err != nil && (strings.HasSuffix(err.Error(), ": EOF") || strings.HasSuffix(err.Error(), ": connection reset by peer")) {
		return fmt.Errorf("%w (no node of this cluster, or one with another secret or another database)", err)
	}
	return err
}

// announce tells the others what meta gives now, and returns when it was sent often enough to reach them, or after timeout.
func (g *gossip) announce(timeout time.Duration) error {
	if !g.enter() {
		return errClosed
	}
	defer g.calls.Done()
	return g.list.UpdateNode(timeout)
}

// leave tells the others that this node is gone, in the same way.
func (g *gossip) leave(timeout time.Duration) error {
	if !g.enter() {
		return errClosed
	}
	defer g.calls.Done()
	return g.list.Leave(timeout)
}

// health returns how badly this node keeps up with its own probes: 0 is well, 3 the worst.
func (g *gossip) health() int {
	if !g.enter() {
		return 0
	}
	defer g.calls.Done()
	return g.list.GetHealthScore()
}

// close ends dials that run, waits for calls, and shuts memberlist down. Its last goroutines end by themselves within 4 s: memberlist
// does not wait for its probes.
func (g *gossip) close() error {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.carrier.cancel()
	g.calls.Wait()
	return g.list.Shutdown()
}

// delegate hands over what memberlist calls it with.
type delegate struct{ listener }

func (d delegate) NodeMeta(limit int) []byte {
	if meta := d.meta(); len(meta) <= min(limit, maxMeta) {
		return meta
	}
	panic("cluster: a member says more of itself than fits")
}

func (d delegate) NotifyMsg([]byte)                     {}
func (d delegate) GetBroadcasts(int, int) [][]byte      { return nil }
func (d delegate) LocalState(bool) []byte               { return d.exchanged() }
func (d delegate) MergeRemoteState(told []byte, _ bool) { d.merge(told) }

func (d delegate) NotifyJoin(n *memberlist.Node)   { d.seen(n.Name, gossipAddress(n), n.Meta, true) }
func (d delegate) NotifyUpdate(n *memberlist.Node) { d.seen(n.Name, gossipAddress(n), n.Meta, true) }
func (d delegate) NotifyLeave(n *memberlist.Node)  { d.seen(n.Name, gossipAddress(n), n.Meta, false) }

func (d delegate) NotifyAlive(n *memberlist.Node) error {
	return d.admissible(n.Name, gossipAddress(n), n.Meta)
}

// NotifyMerge makes a join fail where a member of the other side cannot be one here, which each alone would only not see. Otherwise
// the address would count as met, and a node of a version that fits nobody would found a cluster of its own.
func (d delegate) NotifyMerge(others []*memberlist.Node) error {
	for _, n := range others {
		if n.State != memberlist.StateAlive && n.State != memberlist.StateSuspect {
			continue
		}
		if err := d.admissible(n.Name, gossipAddress(n), n.Meta); err != nil {
			return fmt.Errorf("member %s: %w", n.Name, err)
		}
	}
	return nil
}

func gossipAddress(n *memberlist.Node) netip.AddrPort {
	ip, _ := netip.AddrFromSlice(n.Addr)
	return netip.AddrPortFrom(ip.Unmap(), n.Port)
}

// carrier is a transport of memberlist's that knows its address, and whose dials can be ended.
type carrier interface {
	memberlist.NodeAwareTransport
	address() netip.AddrPort
	cancel()
}

// openCarrier opens the transport of a Config.
func openCarrier(c Config, logs *log.Logger) (carrier, error) {
	ctx, cancel := context.WithCancel(context.Background())
	if c.Transport != nil {
		return newAdapter(ctx, cancel, c.Transport), nil
	}
	sockets, err := memberlist.NewNetTransport(&memberlist.NetTransportConfig{
		BindAddrs: []string{c.Bind.Addr().String()}, BindPort: int(c.Bind.Port()), Logger: logs})
	if err != nil {
		cancel()
		return nil, fmt.Errorf("cluster: listen on %s: %w", c.Bind, err)
	}
	bound := netip.AddrPortFrom(c.Bind.Addr(), uint16(sockets.GetAutoBindPort()))
	carrier := &socketCarrier{sockets, dialing{ctx: ctx, stop: cancel}, advertised(c, bound), newInlet()}
	carrier.inlet.start(sockets.StreamCh())
	return carrier, nil
}

// dialing bounds streams: also the header that memberlist writes to a new stream before it sets a deadline of its own.
type dialing struct {
	ctx  context.Context // ends with the carrier
	stop context.CancelFunc
}

func (d dialing) cancel() { d.stop() }

func (d dialing) dial(to string, timeout time.Duration, dial func(context.Context) (net.Conn, error)) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(d.ctx, timeout)
	defer cancel()
	stream, err := dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", to, err)
	}
	return stream, stream.SetDeadline(time.Now().Add(timeout))
}

// socketCarrier is memberlist's own transport over UDP and TCP.
type socketCarrier struct {
	*memberlist.NetTransport
	dialing
	reachable netip.AddrPort
	inlet     *inlet
}

func (s *socketCarrier) StreamCh() <-chan net.Conn { return s.inlet.streams }

// Shutdown closes the sockets, which takes somebody who takes what they accept until they are closed, and then what nobody took.
func (s *socketCarrier) Shutdown() error {
	s.inlet.close()
	err := s.NetTransport.Shutdown()
	s.inlet.wait()
	return err
}

func (s *socketCarrier) address() netip.AddrPort { return s.reachable }

func (s *socketCarrier) DialTimeout(to string, timeout time.Duration) (net.Conn, error) {
	return s.dial(to, timeout, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", to)
	})
}

func (s *socketCarrier) DialAddressTimeout(to memberlist.Address, timeout time.Duration) (net.Conn, error) {
	return s.DialTimeout(to.Addr, timeout)
}

// adapter makes a transport of memberlist's from one of a Config.
type adapter struct {
	dialing
	transport Transport
	packets   chan *memberlist.Packet
	pump      sync.WaitGroup
}

func newAdapter(ctx context.Context, cancel context.CancelFunc, t Transport) *adapter {
	a := &adapter{dialing: dialing{ctx: ctx, stop: cancel}, transport: t, packets: make(chan *memberlist.Packet)}
	a.pump.Go(a.receive)
	return a
}

// receive hands packets over until the adapter is shut down.
func (a *adapter) receive() {
	for {
		select {
		case p := <-a.transport.Packets():
			select {
			case a.packets <- &memberlist.Packet{Buf: p.Data, From: net.UDPAddrFromAddrPort(p.From), Timestamp: p.At}:
			case <-a.ctx.Done():
				return
			}
		case <-a.ctx.Done():
			return
		}
	}
}

func (a *adapter) address() netip.AddrPort { return a.transport.Address() }

func (a *adapter) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	address := a.address()
	return address.Addr().AsSlice(), int(address.Port()), nil
}

func (a *adapter) WriteTo(data []byte, to string) (time.Time, error) {
	address, err := netip.ParseAddrPort(to)
	if err != nil {
		return time.Time{}, err
	}
	return time.Now(), a.transport.Send(data, address)
}

func (a *adapter) WriteToAddress(data []byte, to memberlist.Address) (time.Time, error) {
	return a.WriteTo(data, to.Addr)
}

func (a *adapter) DialTimeout(to string, timeout time.Duration) (net.Conn, error) {
	address, err := netip.ParseAddrPort(to)
	if err != nil {
		return nil, err
	}
	return a.dial(to, timeout, func(ctx context.Context) (net.Conn, error) { return a.transport.Dial(ctx, address) })
}

func (a *adapter) DialAddressTimeout(to memberlist.Address, timeout time.Duration) (net.Conn, error) {
	return a.DialTimeout(to.Addr, timeout)
}

func (a *adapter) PacketCh() <-chan *memberlist.Packet { return a.packets }
func (a *adapter) StreamCh() <-chan net.Conn           { return a.transport.Streams() }

func (a *adapter) Shutdown() error {
	a.cancel()
	a.pump.Wait()
	return a.transport.Close()
}
