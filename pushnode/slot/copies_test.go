package slot_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"halley/pushnode/slot"
)

// change proposes other copies at a leader, and wants them in force when everything has settled.
func (n *network) changeTo(leader uint64, to slot.Copies) {
	n.t.Helper()
	if err := n.at(leader).Change(to); err != nil {
		n.t.Fatal(err)
	}
	n.settle()
	if got := n.at(leader).Copies(); !slices.Equal(got.Voters, to.Voters) || !slices.Equal(got.Learners, to.Learners) {
		n.t.Fatalf("the copies are %v, want %v", got, to)
	}
}

// join lets a new instance become a voter: an empty copy, a learner, level, then a voter in a step that may remove others.
func (n *network) join(leader uint64, without ...uint64) uint64 {
	n.t.Helper()
	joiner := n.add(slot.Config{})
	copies := n.at(leader).Copies()
	n.changeTo(leader, slot.Copies{Voters: copies.Voters, Learners: []uint64{joiner}})
	n.changeTo(leader, slot.Copies{Voters: remove(append(copies.Voters, joiner), without...)})
	return joiner
}

func remove(from []uint64, which ...uint64) []uint64 {
	return slices.DeleteFunc(slices.Clone(from), func(one uint64) bool { return slices.Contains(which, one) })
}

func voters(instances ...uint64) slot.Copies { return slot.Copies{Voters: instances} }

// TestGrow takes a slot of one voter to three while messages are published, and back to one.
func TestGrow(t *testing.T) {
	n := newNetwork(t, 1, func(c *slot.Config) { c.LogEntries = 20 })
	n.lead(1)
	for i := range 30 {
		n.mustPublish(1, "room", fmt.Sprint("alone", i), nil)
	}
	if got := n.at(1).Status(); got.LogEntries != 0 || got.Copies != 1 || !got.Fresh || !got.Voter {
		t.Errorf("alone: %+v, want one voter that keeps no entry", got)
	}
	for size := uint64(2); size <= 3; size++ {
		n.join(1)
		n.mustPublish(1, "room", fmt.Sprint("with", size), nil)
		n.equal()
		if n.restored[size-1] != 1 {
			t.Errorf("instance %d took %d snapshots, want 1", size, n.restored[size-1])
		}
		if got := n.at(1).Status(); got.Copies != int(size) || got.LogEntries == 0 || !got.Agreed || !got.Fresh {
			t.Errorf("with %d voters: %+v", size, got)
		}
		if got := n.at(size).Status(); !got.Voter || got.Learner || got.Empty || got.Removed || got.Copies != int(size) {
			t.Errorf("instance %d says %+v", size, got)
		}
	}
	n.down[1] = true
	n.lead(3)
	if got := n.mustPublish(3, "room", "with3", nil); !got.Duplicate {
		t.Errorf("the new leader does not know a message that was acknowledged: %+v", got)
	}
	n.changeTo(3, voters(2, 3))
	n.changeTo(3, voters(3))
	if got := n.at(3).Status(); got.LogEntries != 0 || got.Copies != 1 || !got.Fresh || !got.Agreed {
		t.Errorf("alone again: %+v", got)
	}
	if got := n.at(2).Status(); !got.Removed || got.Voter {
		t.Errorf("the removed copy says %+v", got)
	}
}

// TestLearnerCatchesUp adds a learner to a slot whose log is long gone, while messages are published: nobody waits for it.
func TestLearnerCatchesUp(t *testing.T) {
	n := newNetwork(t, 1, func(c *slot.Config) { c.LogEntries = 10 })
	n.lead(1)
	for i := range 50 {
		n.mustPublish(1, "room", fmt.Sprint(i), make([]byte, 100))
	}
	joiner := n.add(slot.Config{})
	if err := n.at(1).Change(slot.Copies{Voters: []uint64{1}, Learners: []uint64{joiner}}); err != nil {
		t.Fatal(err)
	}
	// One round of messages at a time, with a publish in each; the learner is behind for a while.
	var suspended, behind bool
	for i := range 20 {
		if _, err := n.publish(1, "room", fmt.Sprint("meanwhile", i), nil); err != nil {
			t.Fatal(err)
		}
		n.collect(0, n.at(1).Advance())
		if got := len(n.outcomes); got != 1 {
			t.Fatalf("publish %d had %d outcomes at once, want 1: a learner is not waited for", i, got)
		}
		n.outcomes = nil
		for _, p := range n.at(1).Progress() {
			suspended = suspended || p.Instance == joiner && p.Suspended && p.Learner
			behind = behind || p.Instance == joiner && p.Entries > 0 && !p.Level
		}
		n.deliver()
		n.collect(1, n.at(joiner).Advance())
		n.deliver()
	}
	n.settle()
	n.equal()
	if !suspended || !behind {
		t.Errorf("suspended %t, behind %t: want that the leader says so while the learner takes its snapshot", suspended, behind)
	}
	want := slot.Progress{Instance: joiner, Learner: true, Match: n.at(1).Status().Applied, Level: true}
	if got := n.at(1).Progress()[1]; got != want {
		t.Errorf("the learner is %+v, want %+v", got, want)
	}
	if got := n.at(joiner).Status(); !got.Learner || got.Voter || got.Copies != 1 {
		t.Errorf("the learner says %+v", got)
	}
}

// TestReplaceDeadVoter gives a dead voter's place to a new instance, in one joint step.
func TestReplaceDeadVoter(t *testing.T) {
	n := newNetwork(t, 3, nil)
	n.lead(1)
	n.mustPublish(1, "room", "a", nil)
	n.down[3] = true
	n.mustPublish(1, "room", "b", nil)
	joiner := n.join(1, 3)
	n.equal()
	n.down[1] = true
	n.lead(joiner)
	for _, id := range []string{"a", "b"} {
		if got := n.mustPublish(joiner, "room", id, nil); !got.Duplicate {
			t.Errorf("message %s is gone: %+v", id, got)
		}
	}
	n.equal()
}

// TestRemoveLeader lets a leader remove itself: it goes on until the others know, and then leads no more.
func TestRemoveLeader(t *testing.T) {
	n := newNetwork(t, 3, nil)
	n.lead(1)
	n.mustPublish(1, "room", "a", nil)
	if err := n.at(1).Change(voters(2, 3)); err != nil {
		t.Fatal(err)
	}
	n.settle()
	if got := n.at(1).Status(); got.Leads || !got.Removed || got.Voter {
		t.Errorf("the removed leader says %+v", got)
	}
	if err := n.at(1).Campaign(); err != nil {
		t.Fatal(err)
	}
	n.settle()
	if n.at(1).Status().Leads {
		t.Error("a removed copy leads")
	}
	n.lead(2)
	if got := n.mustPublish(2, "room", "a", nil); !got.Duplicate || !slices.Equal(n.at(2).Copies().Voters, []uint64{2, 3}) {
		t.Errorf("%+v, copies %v", got, n.at(2).Copies())
	}
	if !n.at(2).Status().Agreed {
		t.Error("the new leader does not say that the removed copy can be dropped")
	}
}

// TestChangeRefused holds that a change is proposed by a leader, one at a time, and that no majority rests on an empty copy.
func TestChangeRefused(t *testing.T) {
	n := newNetwork(t, 3, nil)
	if err := n.at(1).Change(voters(1)); !errors.Is(err, slot.ErrNotLeader) {
		t.Errorf("a follower: %v, want ErrNotLeader", err)
	}
	n.lead(1)
	n.add(slot.Config{})
	for name, to := range map[string]slot.Copies{
		"no voters":                 {},
		"nobody among the voters":   voters(0, 1),
		"twice a voter":             voters(1, 1, 2),
		"a voter and a learner":     {Voters: []uint64{1, 2}, Learners: []uint64{2}},
		"a voter without a state":   voters(1, 2, 3, 4),
		"a voter too high":          voters(1, slot.MaxInstance+1),
		"a learner too high":        {Voters: []uint64{1, 2, 3}, Learners: []uint64{slot.MaxInstance + 1}},
		"a learner that has none":   {Voters: []uint64{1, 2, 4}, Learners: []uint64{3}},
		"nobody among the learners": {Voters: []uint64{1, 2, 3}, Learners: []uint64{0}},
	} {
		if err := n.at(1).Change(to); err == nil || errors.Is(err, slot.ErrChanging) || errors.Is(err, slot.ErrNotLeader) {
			t.Errorf("%s: %v, want an error of its own", name, err)
		}
	}
	applied := n.at(1).Status().Applied
	n.changeTo(1, voters(1, 2, 3))
	if got := n.at(1).Status().Applied; got != applied {
		t.Errorf("no change at all took %d entries", got-applied)
	}

	// A second one while the first is proposed, then while it is in the log, then while the configuration is joint.
	if err := n.at(1).Change(voters(1)); err != nil {
		t.Fatal(err)
	}
	var proposed, joint bool
	for n.at(1).Changing() {
		if err := n.at(1).Change(voters(1, 2)); !errors.Is(err, slot.ErrChanging) {
			t.Fatalf("a second change: %v, want ErrChanging", err)
		}
		proposed = proposed || len(n.at(1).Copies().Voters) == 3
		joint = joint || len(n.at(1).Copies().Voters) == 1
		if n.at(1).Status().Agreed {
			t.Fatal("the copies are agreed while they change")
		}
		for i, one := range n.copies {
			n.collect(i, one.Advance())
		}
		n.deliver()
	}
	if !proposed || !joint {
		t.Errorf("the test saw the change proposed: %t, joint: %t, want both", proposed, joint)
	}
	n.changeTo(1, voters(1))
}

// TestSnapshotAmidChange makes raft ask for a snapshot at the very moment when a change is put in force: the link to a slow copy
// breaks after the change was committed and before it is applied. What the copy is sent must not be the new entry's state with the
// old copies.
func TestSnapshotAmidChange(t *testing.T) {
	n := newNetwork(t, 3, func(c *slot.Config) { c.LogEntries = 4 })
	n.lead(1)
	n.mustPublish(1, "room", "first", nil)
	// round lets instances 1 and 2 come to an agreement; what is for instance 3 is under way for ever.
	round := func() {
		t.Helper()
		for _, from := range []int{0, 1} {
			n.collect(from, n.copies[from].Advance())
			n.queue = slices.DeleteFunc(n.queue, func(m slot.Message) bool { return m.To() == 3 })
			n.deliver()
		}
	}
	for i := range 20 {
		if _, err := n.publish(1, "room", fmt.Sprint(i), nil); err != nil {
			t.Fatal(err)
		}
	}
	round()
	n.at(1).Advance()
	n.add(slot.Config{})
	if err := n.at(1).Change(slot.Copies{Voters: []uint64{1, 2, 3}, Learners: []uint64{4}}); err != nil {
		t.Fatal(err)
	}
	round()
	n.at(1).Unreachable(3)
	out := n.at(1).Advance()
	if !out.Changed || !slices.ContainsFunc(out.Messages, func(m slot.Message) bool { return m.To() == 3 && m.Snapshot() }) {
		t.Fatalf("changed %t, want the change and a snapshot for instance 3 in one", out.Changed)
	}
	n.collect(0, out)
	n.settle()
	n.tick(2)
	n.equal()
}
