package link_test

import (
	"fmt"
	"testing"

	"halley/pushnode/cluster/link"
)

// modes are the two ways in which a mesh can speak.
func modes(tb testing.TB) map[string]func(*link.Config) {
	return map[string]func(*link.Config){"plain": func(*link.Config) {}, "tls": with(tb, ours)}
}

func TestFramesTravelBothWaysInOrder(t *testing.T) {
	for name, mode := range modes(t) {
		t.Run(name, func(t *testing.T) {
			a, b := start(t, 1, mode), start(t, 2, mode)
			join(a, 1, b, 2)
			const frames = 500
			for i := range frames {
				for _, class := range []link.Class{link.Control, link.Data, link.Bulk} {
					if !a.Send(2, class, fmt.Appendf(nil, "a%d", i)) || !b.Send(1, class, fmt.Appendf(nil, "b%d", i)) {
						t.Fatalf("frame %d of %v was not queued", i, class)
					}
				}
			}
			for _, side := range []struct {
				node *testNode
				peer uint64
				mark string
			}{{a, 2, "b"}, {b, 1, "a"}} {
				var next [3]int
				for range 3 * frames {
					e := side.node.next()
					if want := frame(side.peer, e.class, fmt.Sprint(side.mark, next[e.class])); e != want {
						t.Fatalf("got %+v, want %+v", e, want)
					}
					next[e.class]++
				}
			}
		})
	}
}

func TestAPeerThatClosesHasLeft(t *testing.T) {
	a, b := start(t, 1), start(t, 2)
	join(a, 1, b, 2)
	if !a.Linked(2) || !b.Linked(1) || a.Linked(3) {
		t.Errorf("linked are 2: %v, 1: %v, and 3, whom nobody knows: %v", a.Linked(2), b.Linked(1), a.Linked(3))
	}
	b.Close()
	a.wants(down(2, link.Left))
	if a.Linked(2) {
		t.Error("a peer that is down is linked")
	}
	a.until(down(2, link.Refused))
	b.wants(down(1, link.Left))
	if a.Send(2, link.Data, nil) {
		t.Error("a frame for a peer that is down was queued")
	}
}

func TestADroppedPeerGoesDownOnBothSides(t *testing.T) {
	a, b := start(t, 1), start(t, 2)
	join(a, 1, b, 2)
	b.SetPeers(nil)
	b.wants(down(1, link.Dropped))
	a.wants(down(2, link.Dropped))
	b.SetPeers([]link.Peer{a.as(1)})
	a.until(up(2))
	b.wants(up(1))
}
