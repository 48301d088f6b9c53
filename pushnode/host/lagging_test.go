package host_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

// TestSlowEdgeIsNotSentMore has an edge, a node without a copy, take nothing from its link: it is sent no more messages, and when it takes
// something again it is told once where the channel stands. Others hear everything meanwhile.
func TestSlowEdgeIsNotSentMore(t *testing.T) {
	t.Parallel()
	p := newHosts(t, 3, 1)
	leader, edge, other := p.nodes[0], p.nodes[1], p.nodes[2]
	slot := leader.SlotOf(room1.App, room1.Name)
	for _, node := range []*end{edge, other} {
		node.Follow(p.now, slot, room1, 1)
	}
	p.pass(500)
	sent := 0
	publish := func(count int) {
		for range count {
			sent++
			message := channel.Publish{Channel: room1, ID: fmt.Sprint("m", sent), Data: []byte("1"), Retention: channel.DefaultRetention}
			if reply := p.ask(leader, slot, message, 1000); reply == nil || reply.Err != nil {
				t.Fatalf("publish: %+v", reply)
			}
		}
	}
	heard := func(e *end) (offsets []uint64) {
		for _, effect := range e.effects {
			if published, is := effect.(channel.Published); is {
				offsets = append(offsets, published.Publication.Offset)
			}
		}
		return offsets
	}
	publish(2)
	if len(heard(edge)) != 2 {
		t.Fatalf("the edge heard %v, want both messages", heard(edge))
	}
	leader.slow = map[uint64]int{edge.instance: 16 << 20}
	edge.behind = nil
	publish(50)
	p.pass(2000)
	if len(heard(edge)) != 2 || len(edge.behind) != 0 {
		t.Errorf("the slow edge was sent %v and told %v of where it stands, want nothing", heard(edge)[2:], edge.behind)
	}
	if got := len(heard(other)); got != 52 {
		t.Errorf("the other edge heard %d messages, want all 52", got)
	}
	leader.slow[edge.instance] = 9 << 20
	publish(1) // it takes more, but has to hear first what it missed
	p.pass(2000)
	if len(heard(edge)) != 2 || len(edge.behind) != 0 {
		t.Errorf("with more than half waiting the edge was sent %v and told %v", heard(edge)[2:], edge.behind)
	}
	leader.slow = nil
	p.pass(200)
	if len(edge.behind) != 1 || edge.behind[0] != room1 || edge.stands.Offset != uint64(sent) {
		t.Errorf("told of %v at %v, want once of %v at %d", edge.behind, edge.stands, room1, sent)
	}
	publish(1)
	if got := heard(edge); len(got) != 3 || got[2] != uint64(sent) {
		t.Errorf("afterwards it hears %v, want the last message as well", got)
	}
}

// TestEdgeWhoseQueueMoves has what waits for an edge grow and shrink between two looks at it: a message that it is not sent is one that it
// is told of later.
func TestEdgeWhoseQueueMoves(t *testing.T) {
	t.Parallel()
	p := newHosts(t, 2, 1)
	leader, edge := p.nodes[0], p.nodes[1]
	slot := leader.SlotOf(room1.App, room1.Name)
	edge.Follow(p.now, slot, room1, 1)
	p.pass(500)
	edge.behind = nil
	looks := 0
	leader.waits = func() int {
		looks++
		return looks % 2 * 20 << 20
	}
	message := channel.Publish{Channel: room1, ID: "m", Data: []byte("1"), Retention: channel.DefaultRetention}
	if reply := p.ask(leader, slot, message, 1000); reply == nil || reply.Err != nil {
		t.Fatalf("publish: %+v", reply)
	}
	leader.waits = nil
	p.pass(500)
	published := func(effect channel.Effect) bool { _, is := effect.(channel.Published); return is }
	if sent := slices.ContainsFunc(edge.effects, published); !sent && edge.stands.Offset != 1 {
		t.Errorf("the edge was neither sent the message nor told of it: it stands at %v", edge.stands)
	}
}

// TestSlowNodeIsRefusedLargeAnswers has a node that takes nothing from its link ask on: answers that would fill the link are refused, small
// ones are given.
func TestSlowNodeIsRefusedLargeAnswers(t *testing.T) {
	t.Parallel()
	p := newHosts(t, 3, 1)
	leader, edge := p.nodes[0], p.nodes[1]
	slot := leader.SlotOf(room1.App, room1.Name)
	p.pass(500)
	message := channel.Publish{Channel: room1, ID: "m", Data: bytes.Repeat([]byte("1"), 5000), Retention: channel.DefaultRetention}
	if reply := p.ask(leader, slot, message, 1000); reply == nil || reply.Err != nil {
		t.Fatalf("publish: %+v", reply)
	}
	large := channel.HistoryQuery{Channel: room1, Limit: 10}
	small := channel.AliveQuery{App: room1.App, Sessions: []string{"s"}}
	for _, c := range []struct {
		name    string
		waiting int
		query   channel.Query
		want    error
	}{
		{"large, with some waiting", 15 << 20, large, nil},
		{"large, with much waiting", 16 << 20, large, host.ErrOverloaded},
		{"small, with much waiting", 16 << 20, small, nil},
	} {
		leader.slow = map[uint64]int{edge.instance: c.waiting}
		if reply := p.query(edge, slot, c.query, 1000); reply == nil || !errors.Is(reply.Err, c.want) {
			t.Errorf("%s: %+v, want %v", c.name, reply, c.want)
		}
	}
}
