package host_test

import (
	"slices"
	"testing"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

// idle is three hosts that have had nothing to do for a while. One could not be heard before: slots have changed their leaders, each at
// another moment.
func idle(t *testing.T) *hosts {
	p := newHosts(t, 3, 3)
	p.pass(20_000)
	p.mute(p.nodes[0], true)
	p.pass(5000)
	p.mute(p.nodes[0], false)
	p.pass(30_000)
	for _, e := range p.nodes {
		if !e.Level() {
			t.Fatalf("host %d is not level yet", e.instance)
		}
	}
	return p
}

// mute lets nothing of a host arrive, while its links seem to be there, or all again.
func (p *hosts) mute(e *end, set bool) {
	for _, other := range p.nodes {
		p.cut[[2]uint64{e.instance, other.instance}] = set
	}
}

// sent lets time pass, and counts the frames that hosts send meanwhile: messages between copies, and pulses with their answers.
func (p *hosts) sent(time int64) (raft, pulses int) {
	p.frames = nil
	p.pass(time)
	for _, frame := range p.frames {
		switch {
		case host.IsRaft(frame):
			raft++
		case host.IsPulse(frame):
			pulses++
		}
	}
	return raft, pulses
}

func (p *hosts) leaders() (list []uint64) {
	for index := range 4 {
		list = append(list, p.nodes[0].Status(index).Leader)
	}
	return list
}

// TestIdleSlotsArePulsed wants one frame for each ordered pair of nodes, and its answer, each beat, whatever the number of slots; and no
// leader to lose its lead by that.
func TestIdleSlotsArePulsed(t *testing.T) {
	t.Parallel()
	p := idle(t)
	before := p.leaders()
	const beats, pairs = 60, 6
	raft, pulses := p.sent(beats * 500)
	if raft > 0 || pulses == 0 || pulses > 2*pairs*beats {
		t.Errorf("%d messages between copies and %d pulses, want none and at most %d", raft, pulses, 2*pairs*beats)
	}
	if after := p.leaders(); !slices.Equal(after, before) {
		t.Errorf("the leaders were %d and are %d", before, after)
	}
	room := channel.ID{App: "app", Name: "room"}
	publish := channel.Publish{Channel: room, ID: "m", Retention: channel.Retention{Messages: 10, Bytes: 1000, Age: time.Hour}}
	if reply := p.ask(p.nodes[0], p.nodes[0].SlotOf(room.App, room.Name), publish, 1000); reply == nil || reply.Err != nil {
		t.Fatalf("publish: %+v", reply)
	}
	p.pass(1000)
	if raft, _ := p.sent(5000); raft > 0 {
		t.Errorf("%d messages between copies of slots that have come to rest again", raft)
	}
}

// TestSilentPulseIsASilentLeader lets nothing of one node arrive any more, while its links seem to be there.
func TestSilentPulseIsASilentLeader(t *testing.T) {
	t.Parallel()
	p := idle(t)
	silent := p.leaders()[0]
	p.mute(p.nodes[silent-1], true)
	p.pass(5000)
	for _, e := range p.nodes {
		status := e.Status(0)
		switch {
		case e.instance == silent && status.Leads:
			t.Errorf("host %d leads still, though nobody answers", e.instance)
		case e.instance != silent && (status.Leader == silent || status.Leader == 0):
			t.Errorf("host %d takes %d for the leader of a slot of which host %d was silent for 5 s", e.instance, status.Leader, silent)
		}
	}
}

// TestUnansweredPulse has a leader whose pulses nobody answers answer nothing from a second on, for others may lead.
func TestUnansweredPulse(t *testing.T) {
	t.Parallel()
	p := idle(t)
	deaf := p.nodes[p.leaders()[0]-1]
	for _, e := range p.nodes {
		p.cut[[2]uint64{e.instance, deaf.instance}] = true
	}
	p.pass(1000)
	if reply := p.query(deaf, 0, channel.CountQuery{}, 1000); reply != nil {
		t.Errorf("a second after anybody was heard: %+v, want no answer yet", reply)
	}
}
