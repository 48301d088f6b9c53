package host_test

import (
	"errors"
	"testing"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

func TestRequestsEndAtTheirDeadline(t *testing.T) {
	t.Parallel()
	p := newHosts(t, 2, 2)
	p.sever(p.nodes[0], p.nodes[1])
	var came error
	p.nodes[1].Propose(p.now, 0, channel.Advance{}, p.now+1000, func(reply host.Reply) { came = reply.Err })
	p.pass(900)
	if came != nil {
		t.Fatalf("it ended early: %v", came)
	}
	p.pass(200)
	if !errors.Is(came, host.ErrNotDone) {
		t.Errorf("got %v, want ErrNotDone: nobody was asked", came)
	}
	if waiting := p.nodes[1].Waiting(); waiting != 0 {
		t.Errorf("%d requests still wait", waiting)
	}
}

func TestRequestsWithoutMajorityAreUnknown(t *testing.T) {
	t.Parallel()
	p := newHosts(t, 2, 2)
	p.pass(15_000) // both are voters of all slots
	p.sever(p.nodes[0], p.nodes[1])
	leader := p.nodes[0]
	if !leader.Status(0).Leads {
		leader = p.nodes[1]
	}
	var came, answered error
	leader.Propose(p.now, 0, channel.Advance{}, p.now+1000, func(reply host.Reply) { came = reply.Err })
	p.pass(1000) // until then the word of a majority is fresh
	leader.Query(p.now, 0, channel.CountQuery{}, p.now+2000, func(reply host.Reply) { answered = reply.Err })
	p.pass(2500)
	if !errors.Is(came, host.ErrUnknown) {
		t.Errorf("the command: got %v, want ErrUnknown", came)
	}
	if !errors.Is(answered, host.ErrNotDone) {
		t.Errorf("the query: got %v, want ErrNotDone: no majority says that the answer is the latest", answered)
	}
}

func TestRequestsAreBounded(t *testing.T) {
	t.Parallel()
	p := newHosts(t, 2, 1)
	p.sever(p.nodes[0], p.nodes[1])
	refused := 0
	for range host.MaxWaiting + 5 {
		p.nodes[1].Propose(p.now, 1, channel.Advance{}, p.now+1000, func(reply host.Reply) {
			if errors.Is(reply.Err, host.ErrOverloaded) {
				refused++
			}
		})
	}
	if refused != 5 {
		t.Errorf("%d were refused, want 5", refused)
	}
	if waiting := p.nodes[1].Waiting(); waiting != host.MaxWaiting {
		t.Errorf("%d wait, want %d", waiting, host.MaxWaiting)
	}
}

// TestRequestsAreRelayed cuts a node off from the leader alone: another copy passes its requests on, and the replies back.
func TestRequestsAreRelayed(t *testing.T) {
	t.Parallel()
	p := newHosts(t, 4, 3)
	p.pass(20_000)
	slot := 0
	leader := p.nodes[p.nodes[0].Status(slot).Leader-1]
	var edge *end
	for _, one := range p.nodes {
		if !one.Status(slot).Copy {
			edge = one
		}
	}
	p.sever(edge, leader)
	var came, answered *host.Reply
	edge.Propose(p.now, slot, channel.Advance{}, p.now+5000, func(reply host.Reply) { came = &reply })
	edge.Query(p.now, slot, channel.CountQuery{}, p.now+5000, func(reply host.Reply) { answered = &reply })
	p.pass(1900)
	if came != nil || answered != nil {
		t.Fatalf("it was relayed at once: %+v, %+v", came, answered)
	}
	p.pass(300)
	if came == nil || came.Err != nil || came.Copies != 2 {
		t.Errorf("the command: %+v, want it done by two copies", came)
	}
	if answered == nil || answered.Err != nil {
		t.Errorf("the query: %+v, want an answer", answered)
	}
}

func TestRequestsAreRefusedWhereTooMuchIsDelivered(t *testing.T) {
	t.Parallel()
	p := newHosts(t, 2, 1)
	leader, other := p.nodes[0], p.nodes[1]
	slot := leader.SlotOf(room1.App, room1.Name)
	leader.full = true
	publish := channel.Publish{Channel: room1, ID: "a", Data: []byte("1")}
	if reply := p.ask(other, slot, publish, 1000); reply == nil || !errors.Is(reply.Err, host.ErrOverloaded) {
		t.Errorf("from another node: %+v, want ErrOverloaded", reply)
	}
	if reply := p.ask(leader, slot, publish, 1000); reply == nil || !errors.Is(reply.Err, host.ErrOverloaded) {
		t.Errorf("from the leader: %+v, want ErrOverloaded", reply)
	}
	leave := channel.LeavePresence{Channel: room1, ClientID: "c", Session: "s"}
	if reply := p.ask(other, slot, leave, 1000); reply == nil || reply.Err != nil {
		t.Errorf("what ends something: %+v, want it done", reply)
	}
}

func TestUnreadableRequests(t *testing.T) {
	t.Parallel()
	p := newHosts(t, 2, 1)
	for name, flags := range map[string]byte{"command": 0, "query": 1} {
		frame := append([]byte{2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 7, flags}, 0xff, 0xff)
		p.frames = nil
		if err := p.nodes[0].Receive(p.now, 2, frame); err != nil {
			t.Errorf("%s: %v, want an answer to its origin", name, err)
		}
		if len(p.frames) != 1 || p.frames[0][0] != 3 || p.frames[0][11] != 4 {
			t.Errorf("%s: answered %v, want that it is unreadable", name, p.frames)
		}
	}
}
