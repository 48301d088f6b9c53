package cluster_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"halley/pushnode/cluster"
)

// Over real sockets, with a key and without one: nodes meet, say what they are, and leave.
func TestSockets(t *testing.T) {
	for name, key := range map[string]*[32]byte{"encrypted": &key, "plain": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seeds []string
			var nodes []*node
			for i := range uint64(3) {
				n := startOn(t, cluster.Config{Name: fmt.Sprint("node-", i), Instance: i + 1, Bind: netip.MustParseAddrPort("127.0.0.1:0"),
					Links: netip.MustParseAddrPort("127.0.0.1:7"), Seeds: seeds, Label: "test", Key: key})
				await(t, 10*time.Second, "it listens", func() bool { return n.Self().Gossip.Port() != 0 })
				nodes = append(nodes, n)
				seeds = []string{nodes[0].Self().Gossip.String()}
			}
			await(t, 20*time.Second, "all see all", func() bool { return allSee(nodes, 3) })
			founder := oneFounder(t, 20*time.Second, nodes...)
			if founder != nodes[0] {
				t.Errorf("%s founded", founder.name)
			}
			if err := nodes[2].Leave(t.Context()); err != nil {
				t.Error(err)
			}
			await(t, 20*time.Second, "all know that it left", func() bool {
				return len(nodes[0].Departed()) == 1 && len(nodes[1].Departed()) == 1 && allSee(nodes[:2], 2)
			})
		})
	}
}

// An address in use is an error of Run, and Await does not wait for ever.
func TestAddressInUse(t *testing.T) {
	first := startOn(t, cluster.Config{Name: "a", Instance: 1, Bind: netip.MustParseAddrPort("127.0.0.1:0")})
	await(t, 10*time.Second, "it listens", func() bool { return first.Self().Gossip.Port() != 0 })
	second, err := cluster.New(cluster.Config{Name: "b", Instance: 2, Bind: first.Self().Gossip})
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Run(t.Context()); err == nil {
		t.Error("two nodes listen on one address")
	}
	if _, _, err := second.Await(context.Background()); err == nil {
		t.Error("it has a cluster")
	}
}

// A node that is bound to every address tells one at which others reach it.
func TestBoundToEveryAddress(t *testing.T) {
	n := startOn(t, cluster.Config{Name: "a", Instance: 1, Bind: netip.MustParseAddrPort("0.0.0.0:0"), Key: &key})
	await(t, 10*time.Second, "it listens", func() bool { return n.Self().Gossip.Port() != 0 })
	if m := n.Self(); m.Gossip.Addr().IsUnspecified() || m.Links.Addr() != m.Gossip.Addr() || m.Links.Port() != m.Gossip.Port()+1 {
		t.Errorf("it tells %v and %v", m.Gossip, m.Links)
	}
}
