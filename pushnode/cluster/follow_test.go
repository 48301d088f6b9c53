package cluster

import (
	"net/netip"
	"testing"
	"time"
)

func newCluster(t *testing.T) *Cluster {
	t.Helper()
	n, err := New(Config{Name: "a", Instance: 1, Bind: at(1), Links: at(2), Key: new([32]byte)})
	if err != nil {
		t.Fatal(err)
	}
	n.self.Gossip = at(1)
	return n
}

// The last exchange tells that its sender left, also where the receiver did not get its last word of itself, and however many it knows.
func TestLastExchangeTellsOfItsSender(t *testing.T) {
	n := newCluster(t)
	for i := range uint64(maxRemembered + 1) {
		n.roster.admit(living(i+2), time.Now())
	}
	n.self.State = Left
	told := watcher{n}.exchanged()
	e, err := parseExchange(told)
	if err != nil {
		t.Fatal(err)
	}
	r := newRoster(2)
	r.admit(living(1), time.Now())
	if left := r.merge(e, time.Now()); len(left) != 1 || left[0].Instance != 1 || r.standing(1) != departed {
		t.Errorf("%v are known to have left", left)
	}
}

// What another node tells in garbage changes nothing.
func TestGarbageIsRefused(t *testing.T) {
	n := newCluster(t)
	watcher{n}.merge([]byte("no exchange"))
	for name, m := range map[string]struct {
		name   string
		gossip netip.AddrPort
		meta   []byte
	}{
		"name":        {"a", at(2), appendMeta(nil, Member{Instance: 2, State: Ready, Links: at(2)})},
		"meta":        {gossipName("a", 2), at(2), nil},
		"instance":    {gossipName("a", 3), at(2), appendMeta(nil, Member{Instance: 2, State: Ready, Links: at(2)})},
		"no address":  {gossipName("a", 2), netip.AddrPort{}, appendMeta(nil, Member{Instance: 2, State: Ready, Links: at(2)})},
		"its own one": {gossipName("a", 1), at(1), appendMeta(nil, Member{Instance: 1, State: Ready, Links: at(2), Cluster: 5})},
	} {
		if name != "its own one" {
			if err := (watcher{n}).admissible(m.name, m.gossip, m.meta); err == nil {
				t.Errorf("%s: it may be a member", name)
			}
		}
		n.take(sighting{m.name, m.gossip, m.meta, true})
		if len(n.View()) != 1 || n.View()[0].Cluster != 0 {
			t.Errorf("%s: view %v", name, n.View())
		}
	}
}
