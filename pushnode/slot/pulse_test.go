package slot_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"halley/pushnode/slot"
)

// pulse has a leader give its copies a pulse, and what is up answer it.
func (n *network) pulse(leader uint64) (rests bool) {
	list, rests := n.at(leader).Pulse(nil)
	for _, one := range list {
		if !n.down[one.To] {
			n.at(leader).Answered(one.To, one.Pulse, n.at(one.To).Follows(leader, one.Pulse))
		}
	}
	return rests
}

// resting is three copies with some messages, led by 1, at rest.
func resting(t *testing.T) *network {
	t.Helper()
	n := newNetwork(t, 3, nil)
	n.lead(1)
	n.mustPublish(1, "room", "a", nil)
	n.tick(1)
	if !n.pulse(1) {
		t.Fatal("all have answered a heartbeat and hold the log, and the slot is not at rest")
	}
	return n
}

// TestPulse keeps a slot at rest: raft hears nothing of it, and the word of the quorum is as fresh as with heartbeats.
func TestPulse(t *testing.T) {
	n := resting(t)
	for range 20 {
		if !n.pulse(1) {
			t.Fatal("the slot is not at rest any more")
		}
		if !n.at(1).Fresh() || !n.at(1).Status().Fresh {
			t.Fatal("all answer, and it is not fresh")
		}
	}
	for i, one := range n.copies {
		if out := one.Advance(); len(out.Messages) > 0 {
			t.Errorf("instance %d has messages of a slot at rest", i+1)
		}
	}
	n.mustPublish(1, "room", "b", nil)
	if !n.pulse(1) {
		t.Error("a message that all hold has ended the rest")
	}
	n.equal()
}

// TestPulseAlone has a slot of one voter at rest from the beginning.
func TestPulseAlone(t *testing.T) {
	n := newNetwork(t, 1, nil)
	n.lead(1)
	for range 3 {
		if list, rests := n.at(1).Pulse(nil); !rests || len(list) != 0 || !n.at(1).Fresh() {
			t.Fatalf("at rest %t with %d pulses, fresh %t, want true, none, true", rests, len(list), n.at(1).Fresh())
		}
	}
}

// TestPulseEnds ends the rest in every way there is.
func TestPulseEnds(t *testing.T) {
	for name, end := range map[string]func(n *network) error{
		"a voter does not answer": func(n *network) error {
			n.down[3] = true
			n.pulse(1)
			n.pulse(1)
			return nil
		},
		"a voter is out of reach": func(n *network) error { n.at(1).Unreachable(3); return nil },
		"a voter misses a message": func(n *network) error {
			n.down[3] = true
			n.mustPublish(1, "room", "b", nil)
			return nil
		},
		"a voter has not acknowledged a message yet": func(n *network) error {
			_, err := n.publish(1, "room", "b", nil)
			n.collect(0, n.at(1).Advance())
			n.queue = slices.DeleteFunc(n.queue, func(m slot.Message) bool { return m.To() == 3 })
			n.deliver()
			n.collect(1, n.at(2).Advance())
			n.deliver()
			n.at(1).Advance()
			return err
		},
		"a message is not committed": func(n *network) error {
			n.down[2], n.down[3] = true, true
			_, err := n.publish(1, "room", "b", nil)
			n.at(1).Advance()
			return err
		},
		"the lead is handed over": func(n *network) error {
			n.down[2] = true
			err := n.at(1).Transfer(2)
			n.at(1).Advance()
			return err
		},
		"a learner is empty": func(n *network) error {
			learner := n.add(slot.Config{})
			n.down[learner] = true
			n.changeTo(1, slot.Copies{Voters: []uint64{1, 2, 3}, Learners: []uint64{learner}})
			return nil
		},
		"the lead is lost": func(n *network) error {
			n.down[1] = true
			n.lead(2)
			n.down[1] = false
			n.tick(1)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := resting(t)
			if err := end(n); err != nil {
				t.Fatal(err)
			}
			if n.pulse(1) {
				t.Error("the slot is at rest still")
			}
		})
	}
}

// TestPulseOfLearner has learners hear of a leader like voters, and the slot not rest without them.
func TestPulseOfLearner(t *testing.T) {
	n := resting(t)
	learner := n.add(slot.Config{})
	n.changeTo(1, slot.Copies{Voters: []uint64{1, 2, 3}, Learners: []uint64{learner}})
	n.tick(2)
	list, rests := n.at(1).Pulse(nil)
	i := slices.IndexFunc(list, func(one slot.AddressedPulse) bool { return one.To == learner })
	if !rests || i < 0 || !n.at(learner).Follows(1, list[i].Pulse) {
		t.Fatalf("at rest %t, pulses %+v, want one that the learner follows", rests, list)
	}
	n.down[learner] = true
	n.pulse(1)
	if n.pulse(1) {
		t.Error("two pulses of which the learner does not hear have not ended the rest")
	}
}

// TestFollows wants a copy to follow nobody but its leader, of its term, with nothing that it lacks.
func TestFollows(t *testing.T) {
	n := resting(t)
	list, _ := n.at(1).Pulse(nil)
	sound := list[slices.IndexFunc(list, func(one slot.AddressedPulse) bool { return one.To == 3 })].Pulse
	change := func(do func(*slot.Pulse)) slot.Pulse { p := sound; do(&p); return p }
	for name, c := range map[string]struct {
		from  uint64
		pulse slot.Pulse
		want  bool
	}{
		"its leader":              {1, sound, true},
		"its leader, a while ago": {1, change(func(p *slot.Pulse) { p.Applied-- }), true},
		"another copy":            {2, sound, false},
		"nobody":                  {0, sound, false},
		"another life":            {1, change(func(p *slot.Pulse) { p.Life++ }), false},
		"a later generation":      {1, change(func(p *slot.Pulse) { p.Generation++ }), false},
		"an earlier term":         {1, change(func(p *slot.Pulse) { p.Term-- }), false},
		"a later term":            {1, change(func(p *slot.Pulse) { p.Term++ }), false},
		"a longer log":            {1, change(func(p *slot.Pulse) { p.Applied++ }), false},
	} {
		if got := n.at(3).Follows(c.from, c.pulse); got != c.want {
			t.Errorf("%s: got %t, want %t", name, got, c.want)
		}
	}
	if n.at(1).Follows(1, sound) {
		t.Error("a leader follows itself")
	}
	if err := n.at(3).SuspectLeader(); err != nil {
		t.Fatal(err)
	}
	n.at(3).Advance()
	if n.at(3).Follows(1, sound) {
		t.Error("a copy that takes its leader for gone follows it")
	}
}

// TestAnsweredNot gives a copy that does not follow a heartbeat at once, and once.
func TestAnsweredNot(t *testing.T) {
	n := resting(t)
	if err := n.at(3).SuspectLeader(); err != nil {
		t.Fatal(err)
	}
	n.at(3).Advance()
	list, _ := n.at(1).Pulse(nil)
	p := list[slices.IndexFunc(list, func(one slot.AddressedPulse) bool { return one.To == 3 })].Pulse
	if !n.at(1).Answered(3, p, false) {
		t.Fatal("a copy that does not follow is given no heartbeat")
	}
	if n.at(1).Answered(3, p, false) {
		t.Error("the same pulse had two ticks follow")
	}
	n.settle()
	if got := n.at(3).Status(); got.Leader != 1 {
		t.Errorf("after the heartbeat: %+v, want that it follows instance 1", got)
	}
	if !n.pulse(1) {
		t.Error("the slot is not at rest again")
	}
}

// TestAnsweredLate wants the word of a quorum to be no fresher than what it answers, and answers to somebody else to say nothing.
func TestAnsweredLate(t *testing.T) {
	n := resting(t)
	list, _ := n.at(1).Pulse(nil)
	for _, id := range []uint64{2, 3} {
		n.down[id] = true
	}
	n.pulse(1)
	n.at(1).Tick() // the rest is over
	n.at(1).Advance()
	if n.at(1).Fresh() {
		t.Fatal("two ticks without an answer, and it is fresh")
	}
	for _, one := range list {
		late := one.Pulse
		for what, p := range map[string]slot.Pulse{
			"late":                  late,
			"of a tick to come":     {Term: late.Term, Applied: late.Applied, Tick: late.Tick + 10},
			"of another term":       {Term: late.Term + 1, Applied: late.Applied, Tick: late.Tick + 2},
			"of another life":       {Term: late.Term, Applied: late.Applied, Tick: late.Tick + 2, Life: 1},
			"of another generation": {Term: late.Term, Applied: late.Applied, Tick: late.Tick + 2, Generation: 1},
		} {
			if n.at(1).Answered(one.To, p, true); n.at(1).Fresh() {
				t.Errorf("an answer %s made it fresh", what)
			}
			if what != "late" && n.at(1).Answered(one.To, p, false) {
				t.Errorf("an answer %s was given a heartbeat", what)
			}
		}
	}
	now := list[0].Pulse
	now.Tick++
	if n.at(1).Answered(9, now, true); n.at(1).Fresh() {
		t.Error("the answer of a stranger made it fresh")
	}
	if n.at(1).Answered(list[0].To, now, true); !n.at(1).Fresh() {
		t.Error("an answer to one of the last two pulses did not make it fresh")
	}
}

// onTheWay is a pulse between two copies, or back.
type onTheWay struct {
	from, to uint64
	pulse    slot.Pulse
	answer   bool
	follows  bool
}

// pulseSome has leaders at rest give a pulse, and lets some pulses and answers arrive, any first, late, twice or never.
func (f *faults) pulseSome(t *rapid.T) {
	f.each(func(one *slot.Slot) {
		self := one.Status().Self
		list, _ := one.Pulse(nil)
		for _, p := range list {
			f.pulses = append(f.pulses, onTheWay{from: self, to: p.To, pulse: p.Pulse})
		}
	})
	for range rapid.IntRange(0, 8).Draw(t, "pulses") {
		if len(f.pulses) == 0 {
			return
		}
		i := rapid.IntRange(0, len(f.pulses)-1).Draw(t, "which pulse")
		p := f.pulses[i]
		if rapid.IntRange(0, 9).Draw(t, "fate of the pulse") > 0 {
			f.pulses = slices.Delete(f.pulses, i, i+1)
		}
		switch {
		case f.down[p.to]:
		case p.answer:
			f.at(p.to).Answered(p.from, p.pulse, p.follows)
		default:
			follows := f.at(p.to).Follows(p.from, p.pulse)
			f.pulses = append(f.pulses, onTheWay{from: p.to, to: p.from, pulse: p.pulse, answer: true, follows: follows})
		}
		f.each(func(*slot.Slot) {})
	}
}
