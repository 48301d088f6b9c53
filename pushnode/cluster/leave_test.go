package cluster_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/cluster"
)

func TestLeave(t *testing.T) {
	for name, drop := range map[string]func(from, to netip.AddrPort) bool{
		"over a whole network": nil,
		"over TCP alone":       func(netip.AddrPort, netip.AddrPort) bool { return true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				on := newNetwork(t)
				nodes := startAll(t, on, 4)
				on.set(func(n *network) { n.drop = drop })
				leaver, others := nodes[3], nodes[:3]
				began := time.Now()
				if err := leaver.Leave(t.Context()); err != nil || time.Since(began) > 5*time.Second {
					t.Fatalf("left with the error %v after %v", err, time.Since(began))
				}
				if leaver.sees(leaver) {
					t.Error("who left sees itself among the living")
				}
				leaver.SetState(cluster.Ready) // too late
				leaver.stop()
				await(t, time.Second, "all know that it left", func() bool {
					for _, n := range others {
						if _, ok := n.Departed()[leaver.instance]; !ok || n.sees(leaver) {
							return false
						}
					}
					return true
				})
				time.Sleep(time.Minute)
				for _, n := range others {
					if len(n.View()) != 3 || len(n.Dead()) > 0 || len(n.Departed()) != 1 {
						t.Errorf("%s: view %v, dead %v, departed %v", n.name, n.View(), n.Dead(), n.Departed())
					}
				}
			})
		})
	}
}

// Who could not hear a farewell is told of it later: by then it holds the node for dead, which is no proof.
func TestFarewellIsToldLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on := newNetwork(t)
		nodes := startAll(t, on, 4)
		on.set(split(1))
		time.Sleep(time.Second)
		if err := nodes[3].Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		nodes[3].stop()
		await(t, 10*time.Second, "all others are lost", func() bool { return len(nodes[0].Dead()) == 3 })
		time.Sleep(10 * time.Minute) // memberlist has forgotten them all
		on.set(whole)
		await(t, 35*time.Second, "it is told", func() bool {
			_, left := nodes[0].Departed()[nodes[3].instance]
			_, dead := nodes[0].Dead()[nodes[3].instance]
			return left && !dead && len(nodes[0].View()) == 3
		})
	})
}

// The last node of all has nobody to tell.
func TestLeaveAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, newNetwork(t), 0, nil)
		n.belongs(t, time.Second)
		began := time.Now()
		if err := n.Leave(t.Context()); err != nil || time.Since(began) > 100*time.Millisecond {
			t.Errorf("left with the error %v after %v", err, time.Since(began))
		}
		if err := n.Leave(t.Context()); err != nil {
			t.Errorf("to leave twice is the error %v", err)
		}
		n.stop()
		if err := n.Leave(t.Context()); err == nil {
			t.Error("who has stopped can leave")
		}
	})
}

func TestLeaveHasADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on := newNetwork(t)
		nodes := startAll(t, on, 2)
		on.set(split(1))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		if err := nodes[1].Leave(ctx); err == nil || time.Since(began) > 3*time.Second {
			t.Errorf("left with the error %v after %v", err, time.Since(began))
		}
	})
}

func TestLeaveBeforeRun(t *testing.T) {
	n, err := cluster.New(cluster.Config{Name: "a", Instance: 1, Bind: netip.MustParseAddrPort("127.0.0.1:0")})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Leave(t.Context()); !errors.Is(err, cluster.ErrNotRunning) {
		t.Errorf("got the error %v", err)
	}
}
