package host_test

import (
	"testing"

	"halley/pushnode/channel"
)

// queuedAt is how many messages a node hears to wait for the subscriber of room1 that has most.
func (p *hosts) queuedAt(e *end) int {
	p.t.Helper()
	reply := p.query(e, e.SlotOf(room1.App, room1.Name), channel.InfoQuery{Channel: room1}, 1000)
	if reply == nil || reply.Err != nil {
		p.t.Fatalf("no answer: %+v", reply)
	}
	return reply.Answer.(channel.InfoAnswer).Queued
}

// TestCongestionIsKnownEverywhere has subscribers on two nodes that cannot take more: every node hears of the worst at once, until it is
// over.
func TestCongestionIsKnownEverywhere(t *testing.T) {
	t.Parallel()
	p := newHosts(t, 3, 1)
	slot := p.nodes[0].SlotOf(room1.App, room1.Name)
	want := func(queued int) {
		t.Helper()
		for _, e := range p.nodes {
			if got := p.queuedAt(e); got != queued {
				t.Fatalf("node %d hears that %d wait, want %d", e.instance, got, queued)
			}
		}
	}
	want(0)
	p.nodes[1].Congest(p.now, slot, room1, 7) // the leader is node 1
	p.settle()
	want(7)
	p.nodes[0].Congest(p.now, slot, room1, 9)
	want(9)
	p.nodes[0].Congest(p.now, slot, room1, 0)
	want(7)
	p.nodes[1].Congest(p.now, slot, room1, 0)
	p.settle()
	want(0)
}

// TestCongestionIsSoft has a node that told of a full subscriber say nothing more, lose its link, and have it back.
func TestCongestionIsSoft(t *testing.T) {
	t.Parallel()
	p := newHosts(t, 3, 1)
	slot := p.nodes[0].SlotOf(room1.App, room1.Name)
	p.pass(20_000) // the slot gets to where it belongs
	var leader, edge, other *end
	for _, e := range p.nodes {
		switch {
		case e.Status(slot).Leads:
			leader = e
		case edge == nil:
			edge = e
		default:
			other = e
		}
	}
	for range 10 { // it is repeated while it is so
		edge.Congest(p.now, slot, room1, 7)
		p.pass(400)
		if got := p.queuedAt(other); got != 7 {
			t.Fatalf("%d wait, want 7", got)
		}
	}
	p.pass(2500)
	if got := p.queuedAt(other); got != 0 {
		t.Errorf("%d still wait of which nothing was heard for 2.5 s", got)
	}
	edge.Congest(p.now, slot, room1, 8)
	p.settle()
	p.sever(edge, leader)
	if got := p.queuedAt(other); got != 0 {
		t.Errorf("%d wait at a node without a link", got)
	}
	p.cut = map[[2]uint64]bool{}
	leader.PeerUp(p.now, edge.instance)
	edge.PeerUp(p.now, leader.instance)
	p.settle()
	if got := p.queuedAt(other); got != 8 {
		t.Errorf("%d wait at the node that is linked again, want 8", got)
	}
}
