package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"
)

// relay stands before one node's ports for other nodes: gossip (TCP and UDP) and, on the next port, links (TCP).
type relay struct {
	network *loopback
	index   int // of the node behind it
	port    int // of gossip, as others see it
	behind  int // of gossip, where the node listens

	listeners []net.Listener
	packets   *net.UDPConn
	running   sync.WaitGroup
	ctx       context.Context // ends with close
	stop      context.CancelFunc
}

// Times and odds of a slow network: 50 ± 30 ms each way, and of gossip's packets some are lost.
const (
	slowLeast  = 20 * time.Millisecond
	slowSpread = 60 * time.Millisecond
	loseOneIn  = 20
	chunkBytes = 64 << 10
	holdPoll   = 10 * time.Millisecond // how often what is held back looks whether it may go on
)

func newRelay(l *loopback, index, behind int) (*relay, error) {
	port, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	r := &relay{network: l, index: index, port: port, behind: behind}
	r.ctx, r.stop = context.WithCancel(context.Background())
	for offset := range 2 {
		listener, err := net.Listen("tcp", loopbackAddress(port+offset))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("relay: %w", err), r.close())
		}
		r.listeners = append(r.listeners, listener)
		r.running.Go(func() { r.accept(listener, behind+offset) })
	}
	if r.packets, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(loopbackAddress(port)))); err != nil {
		return nil, errors.Join(fmt.Errorf("relay: %w", err), r.close())
	}
	r.running.Go(r.relayPackets)
	return r, nil
}

func (r *relay) close() error {
	r.stop()
	var errs []error
	for _, listener := range r.listeners {
		errs = append(errs, listener.Close())
	}
	if r.packets != nil {
		errs = append(errs, r.packets.Close())
	}
	r.running.Wait()
	return errors.Join(errs...)
}

func (r *relay) accept(listener net.Listener, port int) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return // closed
		}
		r.running.Go(func() { r.serve(conn.(*net.TCPConn), port) })
	}
}

// serve carries one connection. While its way is cut it stands still, as TCP does when packets are lost, and goes on after.
func (r *relay) serve(conn *net.TCPConn, port int) {
	defer conn.Close()
	from := r.network.owner(conn.RemoteAddr().(*net.TCPAddr).AddrPort(), conn.LocalAddr().(*net.TCPAddr).AddrPort())
	if !r.hold(from, r.index) || !r.hold(r.index, from) {
		return
	}
	node, err := net.Dial("tcp", loopbackAddress(port))
	if err != nil {
		_ = conn.SetLinger(0) // reset: the node is not there
		return
	}
	defer node.Close()
	stop := context.AfterFunc(r.ctx, func() { conn.Close(); node.Close() })
	defer stop()
	var both sync.WaitGroup
	both.Go(func() { r.pump(node, conn, from, r.index) })
	both.Go(func() { r.pump(conn, node, r.index, from) })
	both.Wait()
}

// pump carries what one end says to the other.
func (r *relay) pump(to io.WriteCloser, from io.ReadCloser, sender, receiver int) {
	defer to.Close()
	defer from.Close()
	chunk := make([]byte, chunkBytes)
	for {
		n, err := from.Read(chunk)
		if n > 0 {
			if !r.hold(sender, receiver) {
				return
			}
			if r.network.isSlow(sender, receiver) && !sleep(r.ctx, slowLeast+rand.N(slowSpread)) {
				return
			}
			if !r.network.squeeze(r.ctx, n, sender, receiver) {
				return
			}
			if _, err := to.Write(chunk[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// hold waits while a way is cut, and reports false when the relay is closed.
func (r *relay) hold(from, to int) bool {
	for r.network.isCut(from, to) {
		if !sleep(r.ctx, holdPoll) {
			return false
		}
	}
	return true
}

// relayPackets carries gossip's packets. Nodes send from the port that they gossip on, which tells who they are; what passes on comes
// from the sender's own relay, the address that others know it by.
func (r *relay) relayPackets() {
	packet := make([]byte, 64<<10)
	behind := netip.MustParseAddrPort(loopbackAddress(r.behind))
	for {
		n, from, err := r.packets.ReadFromUDPAddrPort(packet)
		if err != nil {
			return // closed
		}
		sender := r.network.gossiper(int(from.Port()))
		if sender < 0 || r.network.isCut(sender, r.index) {
			continue
		}
		if r.network.isSlow(sender, r.index) && rand.IntN(loseOneIn) == 0 {
			continue
		}
		// A packet that cannot be sent is lost, as packets are.
		_, _ = r.network.relays[sender].Load().packets.WriteToUDPAddrPort(packet[:n], behind)
	}
}
