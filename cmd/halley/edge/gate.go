package edge

import (
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"halley/pushnode/wire"
)

// gate counts who is inside: connections in all, and per client address. A connection counts for its peer; where the peer is a
// trusted proxy, or the connection carries many requests at once (HTTP/2), each request counts for its client instead.
type gate struct {
	// immutable after newGate
	maxConnections int // 0: no bound
	maxPerAddress  int // 0: no bound
	metrics        *metrics
	logger         *slog.Logger
	warning        warning

	mu          sync.Mutex
	connections int
	addresses   map[netip.Addr]int // by client key; only while maxPerAddress bounds them
}

func newGate(maxConnections, maxPerAddress int, metrics *metrics, logger *slog.Logger) *gate {
	return &gate{
		maxConnections: maxConnections, maxPerAddress: maxPerAddress,
		metrics: metrics, logger: logger, addresses: make(map[netip.Addr]int),
	}
}

// enter counts a connection, also for its address if that is valid. Where there is no room it returns what to tell the client.
func (g *gate) enter(address netip.Addr) *wire.Error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.maxConnections > 0 && g.connections >= g.maxConnections {
		return wire.Errorf(wire.CodeOverCapacity, "this node has as many connections as it may").After(retryFull)
	}
	if !g.enterAddressLocked(address) {
		return tooManyFromAddress()
	}
	g.connections++
	g.metrics.connections.Inc()
	return nil
}

func (g *gate) leave(address netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.connections--
	g.metrics.connections.Dec()
	g.leaveAddressLocked(address)
}

// enterAddress counts a request; leaveAddress must follow where it returns true.
func (g *gate) enterAddress(address netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.enterAddressLocked(address)
}

func (g *gate) leaveAddress(address netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leaveAddressLocked(address)
}

func (g *gate) enterAddressLocked(address netip.Addr) bool {
	if g.maxPerAddress == 0 || !address.IsValid() {
		return true
	}
	if g.addresses[address] >= g.maxPerAddress {
		return false
	}
	g.addresses[address]++
	return true
}

func (g *gate) leaveAddressLocked(address netip.Addr) {
	if g.maxPerAddress == 0 || !address.IsValid() {
		return
	}
	if g.addresses[address]--; g.addresses[address] <= 0 {
		delete(g.addresses, address)
	}
}

// countRequests counts requests for their clients where connections could not.
func (g *gate) countRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor < 2 && !forwarded(r) {
			next.ServeHTTP(w, r)
			return
		}
		address := clientKey(peerAddress(r.RemoteAddr))
		if !g.enterAddress(address) {
			fault := tooManyFromAddress()
			g.refused(fault, address)
			refuse(w, fault)
			return
		}
		defer g.leaveAddress(address)
		next.ServeHTTP(w, r)
	})
}

// retryFull is when somebody who found no room may come back.
const retryFull = 5 * time.Second

func tooManyFromAddress() *wire.Error {
	return wire.Errorf(wire.CodeTooManyConnections, "too many connections from this address").After(retryFull)
}

// refused counts, and tells the operator now and then: a bound per address that a forgotten proxy runs into looks like an outage.
func (g *gate) refused(fault *wire.Error, address netip.Addr) {
	g.metrics.refused.WithLabelValues(fault.Code.Name()).Inc()
	if g.warning.due() {
		g.logger.Warn("connections refused; if the address is your proxy's, name it in --trusted-proxies",
			"reason", fault.Code.Name(), "address", address.String())
	}
}
