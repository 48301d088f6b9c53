package slot_test

import (
	"errors"
	"slices"
	"testing"

	"halley/pushnode/slot"
)

// earlierLife is three voters of which the third is removed again, after it had to do with all kinds of messages. It returns those
// that were sent to it and by it.
func earlierLife(t *testing.T) (n *network, told, said []slot.Message) {
	t.Helper()
	n = newNetwork(t, 3, func(c *slot.Config) { c.LogEntries = 4 })
	n.passed = &[]slot.Message{}
	n.lead(1)
	n.down[3] = true
	for _, id := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		n.mustPublish(1, "room", id, nil)
	}
	n.down[3] = false
	n.tick(3)
	n.lead(3)
	n.mustPublish(3, "room", "h", nil)
	n.lead(1)
	n.mustPublish(1, "room", "i", nil)
	n.changeTo(1, voters(1, 2))
	for _, m := range *n.passed {
		switch {
		case m.To() == 3:
			told = append(told, m)
		case m.From() == 3:
			said = append(said, m)
		}
	}
	if !n.at(3).Status().Removed || !slices.ContainsFunc(told, slot.Message.Snapshot) || !slices.ContainsFunc(told, slot.Message.Begins) {
		t.Fatalf("the removed copy says %+v", n.at(3).Status())
	}
	return n, told, said
}

// TestAnswersOfEarlierLife lets what a copy said in an earlier life come when the instance is a learner again and holds nothing.
func TestAnswersOfEarlierLife(t *testing.T) {
	n, _, said := earlierLife(t)
	n.down[3] = true
	n.changeTo(1, slot.Copies{Voters: []uint64{1, 2}, Learners: []uint64{3}})
	n.queue = nil
	before := [2]slot.Status{n.at(1).Status(), n.at(2).Status()}
	answers := 0
	for _, m := range said {
		if err := n.hand(m); errors.Is(err, slot.ErrStranger) {
			answers++
		}
		n.at(m.To()).Advance()
	}
	if after := [2]slot.Status{n.at(1).Status(), n.at(2).Status()}; after != before {
		t.Errorf("answers of an earlier life changed\n%+v to\n%+v", before, after)
	}
	if answers == 0 {
		t.Error("every answer was taken in")
	}
	i := slices.IndexFunc(n.at(1).Progress(), func(p slot.Progress) bool { return p.Instance == 3 })
	if got := n.at(1).Progress()[i]; got.Match != 0 || got.Level || !got.Learner {
		t.Errorf("the leader believes of a learner that has said nothing: %+v", got)
	}
	if err := n.at(1).Change(voters(1, 2, 3)); err == nil || errors.Is(err, slot.ErrChanging) {
		t.Errorf("a copy that holds nothing as a voter: %v, want an error", err)
	}
}

// TestAddedAgain lets what was sent to a copy in an earlier life come when the instance is a voter again.
func TestAddedAgain(t *testing.T) {
	n, told, said := earlierLife(t)
	earlier := n.at(3).Status()
	n.changeTo(1, slot.Copies{Voters: []uint64{1, 2}, Learners: []uint64{3}})
	if got := n.at(3).Status(); !slot.Later(got.Life, earlier.Life) || !got.Learner || n.restored[2] != 2 {
		t.Fatalf("added again it says %+v, and took %d snapshots, want one in each life", got, n.restored[2])
	}
	n.changeTo(1, voters(1, 2, 3))
	n.mustPublish(1, "room", "j", nil)
	n.tick(1)
	n.equal()
	before := [3]slot.Status{n.at(1).Status(), n.at(2).Status(), n.at(3).Status()}
	for _, m := range slices.Concat(told, said) {
		if err := n.hand(m); !errors.Is(err, slot.ErrOtherLife) && m.To() == 3 {
			t.Errorf("%+v was taken in", m)
		}
		if err := n.step(m); err != nil && m.To() == 3 {
			t.Error(err)
		}
		if out := n.at(m.To()).Advance(); m.To() == 3 && len(out.Messages) > 0 {
			t.Errorf("%+v was answered", m)
		}
	}
	if after := [3]slot.Status{n.at(1).Status(), n.at(2).Status(), n.at(3).Status()}; after != before {
		t.Errorf("messages of an earlier life changed\n%+v to\n%+v", before, after)
	}
	n.queue = nil
	n.down[1] = true
	n.lead(3)
	for _, id := range []string{"a", "h", "i", "j"} {
		if got := n.mustPublish(3, "room", id, nil); !got.Duplicate {
			t.Errorf("message %s is gone: %+v", id, got)
		}
	}
}

// TestNobodyIsAddedBeforeRemovalIsAgreed holds that the vote of an earlier life cannot be needed any more where a later one begins.
func TestNobodyIsAddedBeforeRemovalIsAgreed(t *testing.T) {
	n := newNetwork(t, 3, nil)
	n.lead(1)
	if err := n.at(1).Change(voters(1, 2)); err != nil {
		t.Fatal(err)
	}
	waited := false
	for !n.at(1).Status().Agreed {
		again := slot.Copies{Voters: []uint64{1, 2}, Learners: []uint64{3}}
		if err := n.at(1).Change(again); !errors.Is(err, slot.ErrChanging) && len(n.at(1).Copies().Voters) == 2 {
			t.Fatalf("added before it is agreed that it is removed: %v", err)
		}
		waited = waited || !n.at(1).Changing()
		for i, one := range n.copies {
			n.collect(i, one.Advance())
		}
		n.deliver()
	}
	if !waited {
		t.Error("the change was over when it was agreed; the test is to ask in between")
	}
	n.changeTo(1, slot.Copies{Voters: []uint64{1, 2}, Learners: []uint64{3}})
}

// TestRecoverBeginsLives recovers a slot with learners that have held it: each begins anew.
func TestRecoverBeginsLives(t *testing.T) {
	n := newNetwork(t, 2, nil)
	n.lead(1)
	n.mustPublish(1, "room", "a", nil)
	n.down[2] = true
	if err := n.at(1).Recover(1, []uint64{2}); err != nil {
		t.Fatal(err)
	}
	n.at(1).Advance()
	if err := n.at(1).Campaign(); err != nil {
		t.Fatal(err)
	}
	messages := n.at(1).Advance().Messages
	if len(messages) == 0 {
		t.Fatal("the learner is told nothing")
	}
	for _, m := range messages {
		if m.To() == 2 && !slot.Later(m.Life(), n.at(2).Status().Life) {
			t.Errorf("a message to the learner is for life %d, it had life %d", m.Life(), n.at(2).Status().Life)
		}
	}
}
