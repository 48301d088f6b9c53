package pushnode_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
)

// wires are the links between the nodes of a fleet: real sockets, or memory for a bubble of synctest. Each pair of nodes can be cut off
// from each other.
type wires struct {
	memory bool // immutable

	mu sync.Mutex
	// guarded by mu
	ends   map[string]end // by address: who listens there
	pipes  map[netip.AddrPort]*gossipPort
	used   uint16                    // in memory: the last port that was given away
	left   map[string]netip.AddrPort // in memory: addresses that nodes will listen at because another one stood there
	cuts   map[pair]bool
	deaf   map[way]bool      // nothing gets through this way
	opened map[net.Conn]pair // links, at the end of who dialled
	dead   map[string]bool   // nodes that were killed and have not started again: what is left of them reaches nobody
}

// way is from one node to another.
type way struct{ from, to string }

// end is who listens at an address.
type end struct {
	node   string
	listen listener
}

// pair is two nodes, in the order of their names.
type pair struct{ a, b string }

func pairOf(a, b string) pair { return pair{min(a, b), max(a, b)} }

func (p pair) has(node string) bool { return p.a == node || p.b == node }

func newWires(memory bool) *wires {
	return &wires{
		memory: memory, ends: make(map[string]end), pipes: make(map[netip.AddrPort]*gossipPort), used: 1000,
		left: make(map[string]netip.AddrPort), cuts: make(map[pair]bool), deaf: make(map[way]bool), opened: make(map[net.Conn]pair),
		dead: make(map[string]bool),
	}
}

// address gives away an address that exists in memory alone.
func (w *wires) address() netip.AddrPort {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.used++
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), w.used)
}

// listen opens the links' end of a node.
func (w *wires) listen(t testing.TB, node string) (listener, netip.AddrPort) {
	t.Helper()
	var made end
	var at netip.AddrPort
	if w.memory {
		made, at = end{node, newPipes()}, w.place(node)
	} else {
		made = end{node, listenTCP(t)}
		at = made.listen.Addr().(*net.TCPAddr).AddrPort()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends[at.String()] = made
	delete(w.dead, node)
	return made.listen, at
}

// leave has a node that is still to start listen where another one does, which will be gone by then.
func (w *wires) leave(from, to string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for address, one := range w.ends {
		if one.node == from {
			w.left[to] = netip.MustParseAddrPort(address)
		}
	}
}

// place is the address in memory at which a node listens.
func (w *wires) place(node string) netip.AddrPort {
	w.mu.Lock()
	left, ok := w.left[node]
	w.mu.Unlock()
	if ok {
		return left
	}
	return w.address()
}

// dialer is how a node opens links.
func (w *wires) dialer(node string) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, address string) (net.Conn, error) {
		w.mu.Lock()
		far, known := w.ends[address]
		ends := pairOf(node, far.node)
		cut, dead := w.cuts[ends], w.dead[node]
		w.mu.Unlock()
		switch {
		case !known, dead:
			return nil, fmt.Errorf("dial %s: %w", address, syscall.ECONNREFUSED)
		case cut:
			<-ctx.Done() // what is sent is lost
			return nil, ctx.Err()
		}
		conn, err := far.listen.dial(ctx, "tcp", address)
		if err != nil {
			return nil, fmt.Errorf("dial %s: %w", address, syscall.ECONNREFUSED)
		}
		conn = &wire{Conn: conn, wires: w, near: node, far: far.node}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.opened[conn] = ends
		if w.cuts[ends] || w.dead[node] {
			_ = conn.Close()
		}
		return conn, nil
	}
}

// wire is a link, at the end of who dialled.
type wire struct {
	net.Conn
	wires     *wires
	near, far string
}

func (w *wire) lost(from, to string) bool {
	w.wires.mu.Lock()
	defer w.wires.mu.Unlock()
	return w.wires.deaf[way{from, to}]
}

func (w *wire) Read(p []byte) (int, error) {
	for {
		read, err := w.Conn.Read(p)
		if err != nil || !w.lost(w.far, w.near) {
			return read, err
		}
	}
}

func (w *wire) Write(p []byte) (int, error) {
	if w.lost(w.near, w.far) {
		return len(p), nil
	}
	return w.Conn.Write(p)
}

// deafen loses all that one node says to another over links.
func (w *wires) deafen(from, to string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deaf[way{from, to}] = true
}

// cut lets nothing pass between two nodes any more.
func (w *wires) cut(a, b string) {
	w.mu.Lock()
	w.cuts[pairOf(a, b)] = true
	w.mu.Unlock()
	w.close(func(p pair) bool { return p == pairOf(a, b) })
}

// mend undoes cut and deafen.
func (w *wires) mend(a, b string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.cuts, pairOf(a, b))
	delete(w.deaf, way{a, b})
	delete(w.deaf, way{b, a})
}

// unplug ends all that a node has with others, for good: it was killed.
func (w *wires) unplug(node string) {
	w.mu.Lock()
	w.dead[node] = true
	for address, one := range w.ends {
		if one.node == node {
			_ = one.listen.Close()
			delete(w.ends, address)
		}
	}
	w.mu.Unlock()
	w.close(func(p pair) bool { return p.has(node) })
}

func (w *wires) close(which func(pair) bool) {
	w.mu.Lock()
	var closing []net.Conn
	maps.DeleteFunc(w.opened, func(conn net.Conn, ends pair) bool {
		if which(ends) {
			closing = append(closing, conn)
		}
		return which(ends)
	})
	w.mu.Unlock()
	for _, conn := range closing {
		_ = conn.Close()
	}
}
