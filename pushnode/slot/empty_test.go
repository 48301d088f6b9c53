package slot_test

import (
	"fmt"
	"slices"
	"testing"

	"halley/pushnode/slot"
)

// TestEmptyCopyHasNoSay asks an empty copy for its vote, and lets it stand for election itself.
func TestEmptyCopyHasNoSay(t *testing.T) {
	n := newNetwork(t, 1, nil)
	empty := n.add(slot.Config{})
	if got := n.at(empty).Status(); !got.Empty || got.Voter || got.Learner || got.Removed || got.Applied != 0 {
		t.Errorf("an empty copy says %+v", got)
	}
	n.tick(10)
	if err := n.at(empty).Campaign(); err != nil {
		t.Fatal(err)
	}
	n.settle()
	if got := n.at(empty).Status(); got.Leads || got.Term != 0 {
		t.Errorf("it stood for election: %+v", got)
	}

	// Candidates of another group that takes it for a voter.
	other, err := slot.New(slot.Config{ID: 7, Self: 9, Voters: []uint64{9, empty}, Cluster: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Campaign(); err != nil {
		t.Fatal(err)
	}
	asked := false
	for _, m := range other.Advance().Messages {
		asked = asked || m.To() == empty
		if err := n.at(empty).Step(m); err == nil {
			t.Error("it took in a question for its vote")
		}
	}
	if out := n.at(empty).Advance(); !asked || len(out.Messages) != 0 {
		t.Errorf("asked %t, answered %d times, want true and 0", asked, len(out.Messages))
	}
	if _, index := n.at(empty).Last(); index != 0 || n.at(empty).Covers([]uint64{empty}) {
		t.Error("it says that it holds something")
	}
}

// TestReusedInstance shows why an instance must never come back empty: raft takes its promises for kept. What a majority had
// acknowledged is gone, and another message gets its offset. Nothing in this package can notice; the host must give every process,
// and every copy that a process begins anew in a slot, an id of its own (invariant I9).
func TestReusedInstance(t *testing.T) {
	n := newNetwork(t, 3, nil)
	n.lead(1)
	n.mustPublish(1, "room", "a", nil)
	n.down[3] = true
	acknowledged := n.mustPublish(1, "room", "b", nil)

	n.start(slot.Config{Self: 2, Voters: []uint64{1, 2, 3}}) // the forbidden thing
	n.down[1], n.down[3] = true, false
	n.lead(3)
	if got := n.mustPublish(3, "room", "c", nil); got.Position != acknowledged.Position {
		t.Errorf("message c is at %v; the test is to show that it takes the place of b, %v", got.Position, acknowledged.Position)
	}
	if got := n.mustPublish(3, "room", "b", nil); got.Duplicate {
		t.Error("message b is known; the test is to show that it is gone")
	}
}

// TestNewInstance does the same by the rule: the process that starts again is another member, which has no say until it has been
// made a voter. Nobody can lead without the acknowledged message.
func TestNewInstance(t *testing.T) {
	n := newNetwork(t, 3, nil)
	n.lead(1)
	n.mustPublish(1, "room", "a", nil)
	n.down[3] = true
	n.mustPublish(1, "room", "b", nil)

	n.down[2] = true // for ever; its process starts again as instance 4
	n.add(slot.Config{})
	n.down[1], n.down[3] = true, false
	n.suspect()
	for _, candidate := range []uint64{3, 4} {
		if err := n.at(candidate).Campaign(); err != nil {
			t.Fatal(err)
		}
		n.settle()
		if n.at(candidate).Status().Leads {
			t.Fatalf("instance %d leads without an acknowledged message", candidate)
		}
	}
	n.down[1] = false
	n.tick(1) // its heartbeat finds instance 3
	joiner := n.add(slot.Config{})
	n.changeTo(1, slot.Copies{Voters: []uint64{1, 2, 3}, Learners: []uint64{joiner}})
	n.changeTo(1, voters(1, 3, joiner))
	n.down[1] = true
	n.lead(joiner)
	if got := n.mustPublish(joiner, "room", "b", nil); !got.Duplicate {
		t.Errorf("message b: %+v, want a duplicate", got)
	}
}

// TestRemovedCopyIsStillNeeded holds what Status.Agreed is for: a removed copy that is dropped as soon as it knows may leave the
// others without a majority of the old voters, although a majority of the new ones lives.
func TestRemovedCopyIsStillNeeded(t *testing.T) {
	for _, dropped := range []bool{false, true} {
		t.Run(fmt.Sprint("dropped=", dropped), func(t *testing.T) {
			n := newNetwork(t, 3, nil)
			n.lead(1)
			joiner := n.add(slot.Config{})
			n.changeTo(1, slot.Copies{Voters: []uint64{1, 2, 3}, Learners: []uint64{joiner}})
			if err := n.at(1).Change(voters(1, 2, joiner)); err != nil {
				t.Fatal(err)
			}
			// Until instance 3 knows that it is removed; what the leader says last reaches nobody else.
			for !n.at(3).Status().Removed {
				for i, one := range n.copies {
					n.collect(i, one.Advance())
				}
				if n.at(1).Status().Agreed {
					t.Fatal("agreed, although the others do not know")
				}
				if len(n.at(1).Copies().Voters) == 3 && !n.at(1).Changing() {
					n.queue = toOnly(n.queue, 3)
				}
				n.deliver()
				n.collect(2, n.at(3).Advance())
			}
			n.queue = nil
			n.down[1], n.down[3] = true, dropped
			n.suspect()
			for _, candidate := range []uint64{2, joiner} {
				if err := n.at(candidate).Campaign(); err != nil {
					t.Fatal(err)
				}
				n.settle()
			}
			leads := n.at(2).Status().Leads || n.at(joiner).Status().Leads
			if leads == dropped {
				t.Errorf("somebody leads: %t, want %t", leads, !dropped)
			}
		})
	}
}

func toOnly(messages []slot.Message, instance uint64) (some []slot.Message) {
	for _, m := range messages {
		if m.To() == instance {
			some = append(some, m)
		}
	}
	return some
}

// TestRemovedCopyTellsWhatItKnows is the same with a removed copy whose log is longer than those of the others: it cannot vote for
// them, and does not have to.
func TestRemovedCopyTellsWhatItKnows(t *testing.T) {
	n := newNetwork(t, 1, nil)
	n.lead(1)
	joiner := n.add(slot.Config{})
	n.changeTo(1, slot.Copies{Voters: []uint64{1}, Learners: []uint64{joiner}})
	if err := n.at(1).Change(voters(joiner)); err != nil {
		t.Fatal(err)
	}
	published := false
	for !n.at(1).Status().Removed {
		n.collect(0, n.at(1).Advance())
		if n.at(1).Changing() && n.at(1).Copies().Voters[0] == joiner && !published { // half done: both decide
			published = true
			n.deliver()
			if _, err := n.publish(1, "room", "tail", nil); err != nil {
				t.Fatal(err)
			}
			n.collect(0, n.at(1).Advance())
			n.queue = slices.DeleteFunc(n.queue, func(m slot.Message) bool { return m.To() == joiner })
		}
		n.deliver()
		n.collect(1, n.at(joiner).Advance())
		n.deliver()
	}
	n.queue = nil
	if !n.at(joiner).Changing() {
		t.Fatal("the new voter knows already that it is alone")
	}
	_, longer := n.at(1).Last()
	if _, index := n.at(joiner).Last(); !published || index >= longer {
		t.Fatalf("the logs end at %d and %d, want that of the removed copy to be longer", longer, index)
	}
	n.suspect()
	for range 2 {
		if err := n.at(joiner).Campaign(); err != nil {
			t.Fatal(err)
		}
		n.settle()
	}
	if got := n.at(joiner).Status(); !got.Settled || got.Copies != 1 {
		t.Errorf("the only voter that is left does not lead: %+v", got)
	}
}
