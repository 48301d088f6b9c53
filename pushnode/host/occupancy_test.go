package host_test

import (
	"testing"

	"halley/pushnode/channel"
)

// TestLeadThatComesBackCountsAnew has a slot's lead go away and come back, while the subscriber that a third node told of goes: who leads
// again does not count it any more.
func TestLeadThatComesBackCountsAnew(t *testing.T) {
	t.Parallel()
	p := newHosts(t, 3, 3)
	p.pass(20_000)
	id := channel.ID{App: "app", Name: "news"}
	index := p.nodes[0].SlotOf(id.App, id.Name)
	leads := func() *end {
		for _, e := range p.nodes {
			if status := e.Status(index); status.Leads && status.Settled {
				return e
			}
		}
		t.Fatal("nobody leads the slot")
		return nil
	}
	subscribers := func(want int) {
		t.Helper()
		reply := p.query(leads(), index, channel.InfoQuery{Channel: id}, 1000)
		if reply == nil || reply.Err != nil {
			t.Fatalf("no answer: %+v", reply)
		}
		if got := reply.Answer.(channel.InfoAnswer).Info.Subscribers; got != want {
			t.Errorf("%d subscribers, want %d", got, want)
		}
	}
	first := leads()
	var third *end
	for _, e := range p.nodes {
		if e != first {
			third = e
		}
	}
	third.Follow(p.now, index, id, 2)
	p.pass(1000)
	subscribers(2)
	first.BeShy(p.now) // it gives away what it leads, and keeps its copy
	p.pass(5000)
	if leads() == first || leads() == third {
		t.Fatal("the lead does not go to the second node")
	}
	subscribers(2)
	third.Follow(p.now, index, id, 0)
	p.pass(1000)
	subscribers(0)
	p.now += 300_000 // it is shy no more
	p.pass(20_000)
	if leads() != first {
		t.Fatal("the lead does not come back")
	}
	subscribers(0)
}

// TestLinkThatComesBackCountsAnew loses the news that a subscriber is gone with the link that it was on.
func TestLinkThatComesBackCountsAnew(t *testing.T) {
	t.Parallel()
	p := newHosts(t, 2, 1)
	id := channel.ID{App: "app", Name: "news"}
	index := p.nodes[0].SlotOf(id.App, id.Name)
	p.pass(20_000)
	leader, other := p.nodes[0], p.nodes[1]
	if other.Status(index).Leads {
		leader, other = other, leader
	}
	count := func() int {
		reply := p.query(leader, index, channel.InfoQuery{Channel: id}, 1000)
		return reply.Answer.(channel.InfoAnswer).Info.Subscribers
	}
	other.Follow(p.now, index, id, 1)
	p.pass(1000)
	if got := count(); got != 1 {
		t.Fatalf("%d subscribers, want 1", got)
	}
	other.Follow(p.now, index, id, 0)
	for range 40 { // until it is told, to nobody
		p.now += 50
		other.Tick(p.now)
		p.line = nil
	}
	p.sever(leader, other)
	p.mend(leader, other)
	p.pass(1000)
	if got := count(); got != 0 {
		t.Errorf("%d subscribers, want none", got)
	}
}

// mend undoes sever.
func (p *hosts) mend(a, b *end) {
	clear(p.cut)
	a.PeerUp(p.now, b.instance)
	b.PeerUp(p.now, a.instance)
	p.settle()
}
