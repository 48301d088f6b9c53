package slot_test

import (
	"errors"
	"testing"

	"halley/pushnode/channel"
	"halley/pushnode/slot"
)

// recover makes an instance the leader of a later generation, alone.
func (n *network) recover(instance uint64, generation uint32, learners ...uint64) {
	n.t.Helper()
	if err := n.at(instance).Recover(generation, learners); err != nil {
		n.t.Fatal(err)
	}
	n.settle()
	if err := n.at(instance).Campaign(); err != nil {
		n.t.Fatal(err)
	}
	n.settle()
	if got := n.at(instance).Status(); !got.Settled || !got.Fresh || got.Generation != generation {
		n.t.Fatalf("instance %d does not lead generation %d: %+v", instance, generation, got)
	}
}

// TestRecover loses one of two voters at a moment when the other holds a message that it does not know to be committed. The
// message was acknowledged; the survivor alone meets every majority of two, and nothing is missing.
func TestRecover(t *testing.T) {
	n := newNetwork(t, 2, nil)
	n.lead(1)
	n.mustPublish(1, "room", "a", nil)
	if _, err := n.publish(1, "room", "b", nil); err != nil {
		t.Fatal(err)
	}
	n.collect(0, n.at(1).Advance())
	n.deliver()
	n.collect(1, n.at(2).Advance())
	n.deliver()
	n.collect(0, n.at(1).Advance())
	if len(n.outcomes) != 1 {
		t.Fatalf("%d outcomes, want that the message is acknowledged", len(n.outcomes))
	}
	n.queue, n.outcomes = nil, nil
	n.down[1] = true

	applied := n.at(2).Status().Applied
	if term, index := n.at(2).Last(); term != 2 || index != applied+1 {
		t.Errorf("its log ends at %d of term %d, want one entry that is not applied", index, term)
	}
	if !n.at(2).Covers([]uint64{2}) {
		t.Error("one of two voters does not cover the slot")
	}
	n.recover(2, 1)
	if got := n.at(2).Status(); got.Term <= 2 || got.Copies != 1 || got.LogEntries != 0 {
		t.Errorf("after the recovery: %+v", got)
	}
	for i, id := range []string{"a", "b"} {
		if got := n.mustPublish(2, "room", id, nil); !got.Duplicate || got.Position.Offset != uint64(i+1) {
			t.Errorf("message %s: %+v, want the duplicate of offset %d", id, got, i+1)
		}
	}

	// The host grows the slot again, first by an empty copy of the new generation.
	joiner := n.add(slot.Config{Generation: 1})
	n.changeTo(2, slot.Copies{Voters: []uint64{2}, Learners: []uint64{joiner}})
	n.changeTo(2, voters(2, joiner))
	n.mustPublish(2, "room", "c", nil)
	n.equal()
}

// TestStaleGeneration brings a copy back that a recovery has left behind.
func TestStaleGeneration(t *testing.T) {
	n := newNetwork(t, 2, nil)
	n.lead(1)
	n.mustPublish(1, "room", "a", nil)
	n.down[1] = true
	n.recover(2, 3, 1) // the host knows instance 1, and wants it as a learner
	n.queue = nil

	n.at(1).Tick()
	out := n.at(1).Advance()
	if len(out.Messages) == 0 {
		t.Fatal("the stale leader says nothing")
	}
	for _, m := range out.Messages {
		if err := n.hand(m); !errors.Is(err, slot.ErrEarlierGeneration) {
			t.Errorf("a message of the stale leader: %v, want ErrEarlierGeneration", err)
		}
	}
	n.at(2).Tick()
	var later []slot.Message
	for _, m := range n.at(2).Advance().Messages {
		if err := n.hand(m); !errors.Is(err, slot.ErrLaterGeneration) {
			t.Errorf("a message of the new leader: %v, want ErrLaterGeneration", err)
		}
		if m.Generation() != 3 || m.To() != 1 {
			t.Errorf("generation %d for %d", m.Generation(), m.To())
		}
		later = append(later, m)
	}
	before := n.at(1).Status()
	if n.at(1).Advance(); n.at(1).Status() != before {
		t.Error("a refused message has changed the copy")
	}

	// The host drops the copy and begins an empty one. Generations do not mix, but the copy has a life of its own as well.
	n.start(slot.Config{Self: 1, Life: later[0].Life(), Generation: 3})
	n.down[1] = false
	for _, m := range later {
		if err := n.step(m); err != nil {
			t.Fatal(err)
		}
	}
	n.tick(2)
	n.equal()
	n.changeTo(2, voters(1, 2))
	n.mustPublish(2, "room", "b", nil)
	n.equal()
}

// hand hands a message over and returns what its receiver says, whoever it is.
func (n *network) hand(m slot.Message) error { return n.at(m.To()).Step(m) }

// TestRecoverVoidsChanges recovers a copy whose log ends with changes that were never applied: those before the end count for
// nothing, also when the log is applied.
func TestRecoverVoidsChanges(t *testing.T) {
	for _, step := range []string{"proposed", "joint"} {
		t.Run(step, func(t *testing.T) {
			n := newNetwork(t, 3, nil)
			n.lead(1)
			n.down[3] = step == "proposed"
			n.down[2] = n.down[3]
			if err := n.at(1).Change(voters(1)); err != nil {
				t.Fatal(err)
			}
			if step == "joint" { // until the old voters and the new one decide together
				for !n.at(1).Changing() || len(n.at(1).Copies().Voters) == 3 {
					for i, one := range n.copies {
						n.collect(i, one.Advance())
					}
					n.deliver()
				}
				n.queue = nil
				n.down[2], n.down[3] = true, true
				n.at(1).Advance()
			}
			if _, err := n.publish(1, "room", "tail", nil); err != nil {
				t.Fatal(err)
			}
			n.at(1).Advance()
			if n.at(1).Covers([]uint64{1}) {
				t.Error("one of three voters covers a slot amid a change")
			}
			if !n.at(1).Covers([]uint64{1, 2, 3}) {
				t.Error("all voters do not cover the slot")
			}
			n.recover(1, 1)
			if got := n.at(1).Copies(); len(got.Voters) != 1 || n.at(1).Changing() || !n.at(1).Status().Agreed {
				t.Errorf("copies %v, changing %t", got, n.at(1).Changing())
			}
			if got := n.mustPublish(1, "room", "tail", nil); !got.Duplicate {
				t.Errorf("the tail of the log is gone: %+v", got)
			}
			joiner := n.add(slot.Config{Generation: 1})
			n.changeTo(1, slot.Copies{Voters: []uint64{1}, Learners: []uint64{joiner}})
			n.changeTo(1, voters(1, joiner))
			if got, want := n.at(joiner).Status().Hash, n.at(1).Status().Hash; got != want {
				t.Errorf("the new copy has hash %x, want %x", got, want)
			}
		})
	}
}

// TestRecoverBreaksEpochs is what the host does where the survivors may lack something: clients are told by a new epoch.
func TestRecoverBreaksEpochs(t *testing.T) {
	n := newNetwork(t, 3, nil)
	n.lead(1)
	before := n.mustPublish(1, "room", "a", nil)
	n.down[1], n.down[2] = true, true
	if n.at(3).Covers([]uint64{3}) {
		t.Fatal("one of three voters covers the slot")
	}
	n.recover(3, 1)
	if _, err := n.at(3).Propose(n.now, []channel.Command{channel.BreakEpoch{Generation: n.at(3).Status().Generation}}); err != nil {
		t.Fatal(err)
	}
	n.settle()
	n.outcomes = nil
	after := n.mustPublish(3, "room", "b", nil)
	if after.Position.Epoch == before.Position.Epoch || after.Position.Epoch.Generation != 1 {
		t.Errorf("after the break the epoch is %v, before it was %v", after.Position.Epoch, before.Position.Epoch)
	}
}

func TestCovers(t *testing.T) {
	for _, test := range []struct {
		voters, participants []uint64
		want                 bool
	}{
		{voters: []uint64{1}, participants: []uint64{1}, want: true},
		{voters: []uint64{1, 2}, participants: []uint64{1}, want: true},
		{voters: []uint64{1, 2, 3}, participants: []uint64{1}, want: false},
		{voters: []uint64{1, 2, 3}, participants: []uint64{1, 9}, want: false},
		{voters: []uint64{1, 2, 3}, participants: []uint64{1, 3}, want: true},
		{voters: []uint64{1, 2, 3, 4}, participants: []uint64{1, 3}, want: true},
		{voters: []uint64{1, 2, 3, 4, 5}, participants: []uint64{1, 3}, want: false},
		{voters: []uint64{1, 2, 3, 4, 5}, participants: []uint64{1, 3, 4}, want: true},
	} {
		one, err := slot.New(slot.Config{Self: 1, Voters: test.voters})
		if err != nil {
			t.Fatal(err)
		}
		if got := one.Covers(test.participants); got != test.want {
			t.Errorf("%v cover %v: %t, want %t", test.participants, test.voters, got, test.want)
		}
	}
}

func TestRecoverRefused(t *testing.T) {
	n := newNetwork(t, 2, nil)
	empty := n.add(slot.Config{})
	busy := newNetwork(t, 1, nil)
	if err := busy.at(1).Campaign(); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"an empty copy":               n.at(empty).Recover(1, nil),
		"the same generation":         n.at(1).Recover(0, nil),
		"itself among the others":     n.at(1).Recover(1, []uint64{1}),
		"a number that raft reserves": n.at(1).Recover(1, []uint64{0}),
		"with something to do":        busy.at(1).Recover(1, nil),
	} {
		if err == nil {
			t.Errorf("%s was recovered", name)
		}
	}
	if got := n.at(1).Status(); got.Generation != 0 || got.Copies != 2 {
		t.Errorf("a refused recovery has changed the copy: %+v", got)
	}
	n.lead(1)
	n.mustPublish(1, "room", "after", nil)
}
