package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/cluster"
)

// belongs awaits a node's cluster and whether it founded it.
func (n *node) belongs(t *testing.T, limit time.Duration) (uint64, bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	id, founder, err := n.Await(ctx)
	if err != nil || id == 0 {
		t.Fatalf("%s has the cluster %x, error %v", n.name, id, err)
	}
	return id, founder
}

// oneFounder awaits that all nodes belong to one cluster, which one of them founded.
func oneFounder(t *testing.T, limit time.Duration, nodes ...*node) *node {
	t.Helper()
	var founder *node
	first, _ := nodes[0].belongs(t, limit)
	for _, n := range nodes {
		id, founded := n.belongs(t, limit)
		if id != first || founded && founder != nil {
			t.Fatalf("%s belongs to %x and not to %x, founder %v", n.name, id, first, founded)
		}
		if founded {
			founder = n
		}
	}
	if founder == nil {
		t.Fatal("nobody founded")
	}
	return founder
}

func TestGivenNothingFoundsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, newNetwork(t), 0, nil)
		if id, founder := n.belongs(t, time.Millisecond); !founder || n.Self().Cluster != id || n.View()[0] != n.Self() {
			t.Errorf("it belongs to %x, founder %v, and shows %+v", id, founder, n.View())
		}
	})
}

func TestNameOfItselfFoundsAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dns := &names{}
		dns.set("halley.internal", 0)
		n := start(t, newNetwork(t), 0, seeded(dns, "halley.internal"))
		began := time.Now()
		if _, founder := n.belongs(t, 4*time.Second); !founder || time.Since(began) < 3*time.Second {
			t.Errorf("founder %v after %v", founder, time.Since(began))
		}
	})
}

// A name may lead back through an address that the node does not know: of a balancer, or of a translating router.
func TestWayBackIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on, dns := newNetwork(t), &names{}
		dns.set("halley.internal", 100, 101)
		on.set(func(n *network) { n.alias[address(100)], n.alias[address(101)] = address(0), address(0) })
		n := start(t, on, 0, seeded(dns, "halley.internal"))
		if _, founder := n.belongs(t, 12*time.Second); !founder || len(n.View()) != 1 {
			t.Errorf("founder %v, view %v", founder, n.View())
		}
	})
}

func TestNeverFoundsWithoutItsPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on, dns := newNetwork(t), &names{}
		dns.set("half.internal", 0, 1)
		alone := map[string]*node{
			"a peer":             start(t, on, 2, join(9)),
			"an unknown name":    start(t, on, 3, seeded(dns, "unknown.internal")),
			"half of a name":     start(t, on, 0, seeded(dns, "half.internal")),
			"an unknown service": start(t, on, 4, seeded(dns, "_halley._udp.internal")),
		}
		time.Sleep(10 * time.Minute)
		for name, n := range alone {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if id, _, err := n.Await(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("given %s it belongs to %x, error %v", name, id, err)
			}
			cancel()
		}
		// The peer comes late.
		late := start(t, on, 9, nil)
		if id, founder := alone["a peer"].belongs(t, 35*time.Second); founder || id != late.cluster() {
			t.Errorf("it belongs to %x, founder %v, and its peer to %x", id, founder, late.cluster())
		}
	})
}

func TestOneFounder(t *testing.T) {
	for name, c := range map[string]struct {
		machines []int // that the name stands for
		running  int   // of them
	}{
		"two":                           {[]int{0, 1}, 2},
		"five":                          {[]int{0, 1, 2, 3, 4}, 5},
		"three, one of them is down":    {[]int{0, 1, 2}, 2},
		"twenty, some of them are down": {[]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}, 12},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				on, dns := newNetwork(t), &names{}
				dns.set("halley.internal", c.machines...)
				var nodes []*node
				for _, i := range c.machines[:c.running] {
					nodes = append(nodes, start(t, on, i, seeded(dns, "halley.internal")))
					time.Sleep(100 * time.Millisecond)
				}
				if founder := oneFounder(t, 15*time.Second, nodes...); founder != nodes[0] {
					t.Errorf("%s founded", founder.name)
				}
			})
		})
	}
}

// Two halves of a name that do not see each other do not both found, and become one cluster when they meet.
func TestHalvesDoNotFoundApart(t *testing.T) {
	for name, below := range map[string]int{"even": 2, "uneven": 1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				on, dns := newNetwork(t), &names{}
				machines := []int{0, 1, 2, 3}[:5-below-below/2]
				dns.set("halley.internal", machines...)
				on.set(split(below))
				var nodes []*node
				for _, i := range machines {
					nodes = append(nodes, start(t, on, i, seeded(dns, "halley.internal")))
				}
				time.Sleep(time.Minute)
				founders := map[uint64]bool{}
				for _, n := range nodes {
					founders[n.cluster()] = true
				}
				delete(founders, 0)
				if len(founders) > 1 {
					t.Fatalf("the clusters %v were founded apart", founders)
				}
				on.set(whole)
				oneFounder(t, 20*time.Second, nodes...)
			})
		})
	}
}

// The first of several dies before it founds: the next one takes over.
func TestNextFounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on, dns := newNetwork(t), &names{}
		dns.set("halley.internal", 0, 1, 2)
		nodes := []*node{start(t, on, 0, seeded(dns, "halley.internal")), start(t, on, 1, seeded(dns, "halley.internal")),
			start(t, on, 2, seeded(dns, "halley.internal"))}
		await(t, 3*time.Second, "all see all", func() bool { return allSee(nodes, 3) })
		nodes[0].stop()
		if founder := oneFounder(t, 20*time.Second, nodes[1:]...); founder != nodes[1] {
			t.Errorf("%s founded", founder.name)
		}
	})
}

// A name that gets more addresses is asked anew, and so is a service.
func TestLateSeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on, dns := newNetwork(t), &names{}
		first := start(t, on, 0, nil)
		second := start(t, on, 1, seeded(dns, "halley.internal"))
		third := start(t, on, 2, seeded(dns, "_halley._udp.internal"))
		time.Sleep(30 * time.Second)
		if len(second.View())+len(third.View()) != 2 {
			t.Fatal("nodes met without an address")
		}
		dns.set("halley.internal", 0)
		await(t, 5*time.Second, "the name is asked again", func() bool { return second.sees(first) })
		dns.set("pod.internal", 0)
		dns.serve("_halley._udp.internal", &net.SRV{Target: "pod.internal", Port: cluster.DefaultPort})
		oneFounder(t, 5*time.Second, first, second, third)
	})
}

// While DNS is down, the addresses that it gave are still tried.
func TestAddressesOutliveDNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on, dns := newNetwork(t), &names{}
		dns.set("halley.internal", 0)
		n := start(t, on, 1, seeded(dns, "halley.internal"))
		time.Sleep(5 * time.Second)
		dns.set("halley.internal")
		time.Sleep(5 * time.Second)
		oneFounder(t, 5*time.Second, start(t, on, 0, nil), n)
		if n.count(t, "halley_cluster_lookup_failures_total") == 0 {
			t.Error("failed look-ups are not counted")
		}
	})
}

// A node that waits says why.
func TestWaitingIsExplained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		n := start(t, newNetwork(t), 0, func(c *cluster.Config) {
			c.Seeds = []string{"unknown.internal", address(1).String()}
			c.Logger = slog.New(slog.NewTextHandler(&out, nil))
		})
		time.Sleep(2 * time.Minute)
		n.stop()
		text := out.String()
		if lines := strings.Count(text, "still looking for a peer"); lines < 3 || lines > 6 || !strings.Contains(text, "connection refused") || strings.Contains(text, "\\n") ||
			!strings.Contains(text, "no such host") {
			t.Errorf("%d lines:\n%s", lines, text)
		}
	})
}

// Two clusters that were founded apart meet: all are told, and nobody changes sides.
func TestClustersMeet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on, dns := newNetwork(t), &names{}
		nodes := []*node{start(t, on, 0, nil), start(t, on, 1, join(0)), start(t, on, 2, nil), start(t, on, 3, join(2))}
		oneFounder(t, 5*time.Second, nodes[:2]...)
		oneFounder(t, 5*time.Second, nodes[2:]...)
		dns.set("halley.internal", 0, 2)
		bridge := start(t, on, 4, seeded(dns, "halley.internal"))
		await(t, 10*time.Second, "all see all", func() bool { return allSee(append(nodes, bridge), 5) })
		await(t, 3*time.Second, "all are told", func() bool {
			for i, n := range nodes {
				if c := n.Conflict(); len(c) != 1 || c[0] != nodes[3-i].cluster() {
					return false
				}
			}
			return true
		})
		if nodes[0].cluster() == nodes[2].cluster() || len(bridge.Conflict()) != 1 {
			t.Errorf("somebody changed sides: %x, %x, %x", nodes[0].cluster(), nodes[2].cluster(), bridge.Conflict())
		}
	})
}

// Await ends with Run, and with its context.
func TestAwaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, newNetwork(t), 0, join(1))
		time.AfterFunc(time.Second, n.stop)
		if _, _, err := n.Await(t.Context()); !errors.Is(err, cluster.ErrStopped) {
			t.Errorf("got the error %v", err)
		}
	})
}

// serve gives a service its targets.
func (r *names) serve(name string, records ...*net.SRV) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.srv == nil {
		r.srv = map[string][]*net.SRV{}
	}
	r.srv[name] = records
}
