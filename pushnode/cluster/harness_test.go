package cluster_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"halley/pushnode/cluster"
)

// key is that of all nodes which have no other.
var key = [32]byte{1, 2, 3}

// node is a running cluster.Cluster.
type node struct {
	*cluster.Cluster
	name     string
	instance uint64
	stop     func() // as kill -9 does; safe to call again
	metrics  *prometheus.Registry
}

// address returns the gossip address of the i-th machine.
func address(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), cluster.DefaultPort)
}

// start runs a node on the i-th machine of a network. It is stopped with the test.
func start(t *testing.T, on *network, i int, change func(*cluster.Config)) *node {
	t.Helper()
	return startAt(t, on, address(i), i, change)
}

// startAt runs the i-th node at an address of a network.
func startAt(t *testing.T, on *network, at netip.AddrPort, i int, change func(*cluster.Config)) *node {
	t.Helper()
	config := cluster.Config{Name: fmt.Sprintf("node-%02d", i), Instance: uint64(i) + 1, Label: "test", Key: &key, Resolver: &names{}}
	if change != nil {
		change(&config)
	}
	config.Transport = on.plug(t, at)
	return startOn(t, config)
}

// startOn runs a node.
func startOn(t *testing.T, config cluster.Config) *node {
	t.Helper()
	n := &node{name: config.Name, instance: config.Instance, metrics: prometheus.NewRegistry()}
	config.Registerer = n.metrics
	var err error
	if n.Cluster, err = cluster.New(config); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	n.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("%s ended with %v", n.name, err)
		}
	})
	t.Cleanup(n.stop)
	return n
}

// count returns the sum of a metric over all its labels.
func (n *node) count(t *testing.T, metric string) float64 {
	t.Helper()
	families, err := n.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == metric {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// join makes a node look for peers at the machines with these numbers.
func join(numbers ...int) func(*cluster.Config) {
	return func(c *cluster.Config) {
		for _, i := range numbers {
			c.Seeds = append(c.Seeds, address(i).String())
		}
	}
}

// seeded makes a node look for peers at these names.
func seeded(resolver cluster.Resolver, seeds ...string) func(*cluster.Config) {
	return func(c *cluster.Config) { c.Resolver, c.Seeds = resolver, seeds }
}

// startAll runs n nodes of which all but the first join the first, and waits until all see all.
func startAll(t *testing.T, on *network, n int) []*node {
	t.Helper()
	nodes := []*node{start(t, on, 0, nil)}
	for i := 1; i < n; i++ {
		nodes = append(nodes, start(t, on, i, join(0)))
	}
	await(t, 15*time.Second, "all see all", func() bool { return allSee(nodes, n) })
	return nodes
}

// allSee reports whether each of the nodes sees as many members.
func allSee(nodes []*node, members int) bool {
	for _, n := range nodes {
		if len(n.View()) != members {
			return false
		}
	}
	return true
}

// sees reports whether a node counts another among the living.
func (n *node) sees(other *node) bool {
	for _, m := range n.View() {
		if m.Instance == other.instance {
			return true
		}
	}
	return false
}

// cluster returns what the node says of the cluster that it belongs to; 0: none yet.
func (n *node) cluster() uint64 { return n.Self().Cluster }

// await lets time pass until something holds, and returns how long that took. It must not take longer than limit.
func await(t *testing.T, limit time.Duration, what string, holds func() bool) time.Duration {
	t.Helper()
	for began := time.Now(); ; <-time.After(10 * time.Millisecond) {
		switch passed := time.Since(began); {
		case holds():
			return passed
		case passed > limit:
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// names is a resolver for tests.
type names struct {
	mu    sync.Mutex
	hosts map[string][]netip.Addr // guarded by mu
	srv   map[string][]*net.SRV
}

func (r *names) set(host string, machines ...int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hosts == nil {
		r.hosts = map[string][]netip.Addr{}
	}
	r.hosts[host] = nil
	for _, i := range machines {
		r.hosts[host] = append(r.hosts[host], address(i).Addr())
	}
}

func (r *names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.hosts[host]) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return r.hosts[host], nil
}

func (r *names) LookupSRV(_ context.Context, _, _, name string) (string, []*net.SRV, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.srv[name]) == 0 {
		return "", nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return name, r.srv[name], nil
}
