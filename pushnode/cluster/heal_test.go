package cluster_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/cluster"
)

// split cuts the network between the machines below a number and the others.
func split(below int) func(*network) {
	return func(n *network) {
		n.cut = func(from, to netip.AddrPort) bool {
			return from.Compare(address(below)) < 0 != (to.Compare(address(below)) < 0)
		}
	}
}

// whole ends a cut.
func whole(n *network) { n.cut = nil }

func TestPartitionHeals(t *testing.T) {
	for _, c := range []struct {
		nodes, below int
		lasts        time.Duration
		heals        time.Duration
	}{
		{3, 1, 30 * time.Second, 5 * time.Second},
		{10, 5, 30 * time.Second, 5 * time.Second},
		{5, 4, 5 * time.Minute, 5 * time.Second}, // memberlist has forgotten the others by then
		{4, 2, 15 * time.Minute, 35 * time.Second},
	} {
		t.Run(fmt.Sprintf("%d of %d for %v", c.below, c.nodes, c.lasts), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				on := newNetwork(t)
				nodes := startAll(t, on, c.nodes)
				on.set(split(c.below))
				time.Sleep(c.lasts)
				if !allSee(nodes[:c.below], c.below) || !allSee(nodes[c.below:], c.nodes-c.below) {
					t.Fatal("the sides see each other through a cut")
				}
				on.set(whole)
				await(t, c.heals, "all see all again", func() bool { return allSee(nodes, c.nodes) })
				for _, n := range nodes {
					if len(n.Dead()) > 0 || len(n.Departed()) > 0 || len(n.Conflict()) > 0 {
						t.Errorf("%s: dead %v, departed %v, conflict %x", n.name, n.Dead(), n.Departed(), n.Conflict())
					}
				}
			})
		})
	}
}

// A cut of 2 s is no event, and neither is a pair of nodes that only others can reach: for those there are links.
func TestSmallCutsAreNoEvents(t *testing.T) {
	for name, c := range map[string]struct {
		cut   func(from, to netip.AddrPort) bool
		lasts time.Duration
	}{
		"partition of 2 s": {func(from, to netip.AddrPort) bool { return from == address(0) || to == address(0) }, 2 * time.Second},
		"a pair for 2 min": {func(from, to netip.AddrPort) bool {
			return from == address(0) && to == address(1) || from == address(1) && to == address(0)
		}, 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				on := newNetwork(t)
				nodes := startAll(t, on, 5)
				on.set(func(n *network) { n.cut = c.cut })
				for began := time.Now(); time.Since(began) < c.lasts; time.Sleep(100 * time.Millisecond) {
					if !allSee(nodes, 5) {
						t.Fatalf("somebody was dropped after %v", time.Since(began))
					}
				}
				on.set(whole)
				time.Sleep(10 * time.Second)
				if !allSee(nodes, 5) {
					t.Fatal("somebody was dropped afterwards")
				}
			})
		})
	}
}

// After a change each view is compared with others' for 10 s, and then left alone.
func TestViewsAreComparedWhileTheyChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := startAll(t, newNetwork(t), 3)
		rest := func() float64 {
			before := nodes[0].count(t, "halley_cluster_joins_total")
			time.Sleep(20 * time.Second)
			return nodes[0].count(t, "halley_cluster_joins_total") - before
		}
		rest()
		if got := rest(); got != 0 {
			t.Errorf("%v comparisons at rest", got)
		}
		nodes[1].SetState(cluster.Ready)
		if got := rest(); got < 4 || got > 6 {
			t.Errorf("%v comparisons after a change", got)
		}
	})
}

// Packets get lost, streams do not: nobody is taken for dead (section 2.1: none in 10 min at 40 % with pings over TCP).
func TestLostPacketsKillNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on := newNetwork(t)
		nodes := startAll(t, on, 10)
		on.set(func(n *network) { n.drop = func(netip.AddrPort, netip.AddrPort) bool { return rand.IntN(5) == 0 } })
		time.Sleep(2 * time.Minute)
		for _, n := range nodes {
			if lost := n.count(t, "halley_cluster_losses_total"); lost > 0 || len(n.View()) != 10 {
				t.Errorf("%s lost %v members", n.name, lost)
			}
		}
	})
}

// UDP is blocked for a pair, TCP is not: members stay, and an operator can see it.
func TestBlockedPacketsAreSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on := newNetwork(t)
		nodes := startAll(t, on, 2)
		on.set(func(n *network) { n.drop = func(netip.AddrPort, netip.AddrPort) bool { return true } })
		time.Sleep(time.Minute)
		if !allSee(nodes, 2) || nodes[0].count(t, "halley_cluster_udp_blocked_total") == 0 || nodes[0].count(t, "halley_cluster_members") != 2 {
			t.Errorf("view %v, blocked %v", nodes[0].View(), nodes[0].count(t, "halley_cluster_udp_blocked_total"))
		}
	})
}

// A node that starts at once under its old name and address is a new member, and its former self goes.
func TestRestartIsANewMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on := newNetwork(t)
		nodes := startAll(t, on, 3)
		old := nodes[2]
		for life := range uint64(3) { // several fast restarts in a row
			old.stop()
			nodes[2] = start(t, on, 2, func(c *cluster.Config) {
				join(0)(c)
				c.Instance = 1000 + life
			})
			await(t, 3*time.Second, "the new life is seen", func() bool { return nodes[0].sees(nodes[2]) && nodes[1].sees(nodes[2]) })
			await(t, 6*time.Second, "the old life is dead", func() bool { return allSee(nodes, 3) })
			if _, ok := nodes[0].Dead()[old.instance]; !ok || nodes[2].name != old.name || nodes[2].cluster() != nodes[0].cluster() {
				t.Fatalf("dead %v, cluster %x, want %x", nodes[0].Dead(), nodes[2].cluster(), nodes[0].cluster())
			}
			old = nodes[2]
		}
	})
}

// Changed says that there is something new, once for several changes, and the view of all is the same in the end.
func TestChangesAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := startAll(t, newNetwork(t), 3)
		time.Sleep(20 * time.Second)
		for _, n := range nodes {
			select {
			case <-n.Changed():
			default:
				t.Fatalf("%s was not told of the others", n.name)
			}
		}
		select {
		case <-nodes[0].Changed():
			t.Fatal("changes are told twice")
		case <-time.After(time.Minute):
		}
		nodes[1].SetState(cluster.Ready)
		nodes[1].SetState(cluster.Draining)
		for _, n := range nodes {
			select {
			case <-n.Changed():
			case <-time.After(3 * time.Second):
				t.Fatalf("%s is not told of a change", n.name)
			}
			await(t, 3*time.Second, "the change is seen", func() bool {
				return n.View()[1].State == cluster.Draining
			})
		}
		for i, m := range nodes[2].View() {
			if m != nodes[i].Self() {
				t.Errorf("node 2 sees %+v, which is %+v", m, nodes[i].Self())
			}
		}
	})
}
