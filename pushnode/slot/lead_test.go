package slot_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"halley/pushnode/slot"
)

// TestOnlyEvidenceElects holds that time alone makes nobody stand for election, and that no time is needed to elect.
func TestOnlyEvidenceElects(t *testing.T) {
	n := newNetwork(t, 3, nil)
	n.tick(1000)
	for _, one := range n.copies {
		if got := one.Status(); got.Term != 1 || got.Leader != 0 {
			t.Fatalf("after 1000 ticks: %+v, want that nothing has happened", got)
		}
	}
	n.lead(1)
	n.down[1] = true
	n.tick(1000)
	for _, one := range n.copies[1:] {
		if got := one.Status(); got.Term != 2 || got.Leader != 1 {
			t.Fatalf("1000 ticks after the leader was last heard: %+v, want that it is not suspected", got)
		}
	}

	// A voter that still takes the leader for alive does not vote.
	if err := n.at(2).Campaign(); err != nil {
		t.Fatal(err)
	}
	n.settle()
	if n.at(2).Status().Leads || n.at(3).Status().Leader != 1 {
		t.Fatalf("2: %+v, 3: %+v, want no vote of one who does not suspect the leader", n.at(2).Status(), n.at(3).Status())
	}
	if err := n.at(3).SuspectLeader(); err != nil {
		t.Fatal(err)
	}

	// Votes that are lost on their way, first those before the election, then those in it. The candidate can try again at once.
	for _, lostKind := range []int{1, 2} {
		if err := n.at(2).Campaign(); err != nil {
			t.Fatal(err)
		}
		for range lostKind {
			n.collect(1, n.at(2).Advance())
			n.deliver()
			n.collect(2, n.at(3).Advance())
			if lostKind == 1 {
				break
			}
			n.deliver()
		}
		if len(n.queue) == 0 && lostKind == 1 {
			t.Fatal("no votes were on their way")
		}
		n.queue = nil
	}
	if err := n.at(2).Campaign(); err != nil {
		t.Fatal(err)
	}
	n.settle()
	if got := n.at(2).Status(); !got.Settled || got.Leader != 2 {
		t.Fatalf("after a third attempt: %+v, want that it leads", got)
	}
}

// TestFresh follows the word of a quorum: there at once, gone two ticks after the others were heard last, and not brought back by
// answers that were long under way.
func TestFresh(t *testing.T) {
	n := newNetwork(t, 3, nil)
	n.lead(1)
	if !n.at(1).Status().Fresh {
		t.Fatal("a majority has just committed its first entry, and its word is not fresh")
	}
	n.tick(4)
	if !n.at(1).Status().Fresh || n.at(2).Status().Fresh {
		t.Fatal("a leader whose heartbeats are answered is fresh, and nobody else")
	}

	// The answers to one heartbeat are held back.
	n.at(1).Tick()
	for i, one := range n.copies {
		n.collect(i, one.Advance())
	}
	if slices.ContainsFunc(n.queue, func(m slot.Message) bool { return !m.Control() }) {
		t.Error("a heartbeat is to be queued behind appends")
	}
	n.deliver()
	for i, one := range n.copies[1:] {
		n.collect(i+1, one.Advance())
	}
	held := n.queue
	n.queue = nil
	fresh := func() bool { return n.at(1).Status().Fresh }
	if len(held) == 0 || !fresh() {
		t.Fatalf("%d answers are held back, fresh %t, want some, and true for one more tick", len(held), fresh())
	}
	n.at(1).Tick()
	n.at(1).Advance()
	if fresh() {
		t.Error("two ticks after the last heartbeat that was answered, it is fresh still")
	}
	n.at(1).Tick()
	n.at(1).Advance()
	n.queue = held
	n.deliver()
	n.at(1).Advance()
	if !n.at(1).Status().Leads || fresh() {
		t.Errorf("an answer to a heartbeat of three ticks ago: %+v, want that it leads and is not fresh", n.at(1).Status())
	}
	n.tick(1)
	if !fresh() {
		t.Error("its heartbeats are answered again, and it is not fresh")
	}
}

// TestContact counts on a follower what it hears of the present leader, and of no other.
func TestContact(t *testing.T) {
	n := newNetwork(t, 3, nil)
	n.lead(1)
	contact := func() uint64 { return n.at(3).Status().Contact }
	before := contact()
	n.tick(1)
	if contact() <= before {
		t.Fatal("a heartbeat is no contact")
	}
	before = contact()
	n.mustPublish(1, "room", "a", nil)
	if contact() <= before {
		t.Fatal("an append is no contact")
	}
	before = contact()
	n.down[1] = true
	n.tick(5)
	if contact() != before {
		t.Fatal("contact with a leader that is away")
	}
	n.lead(2)
	before = contact()
	n.down[1], n.down[2] = false, true
	n.at(1).Tick()
	n.collect(0, n.at(1).Advance())
	n.deliver()
	n.at(3).Advance()
	if contact() != before {
		t.Fatal("contact with a leader of an earlier term")
	}
	if n.at(2).Status().Contact == 0 || n.at(1).Status().Contact != 0 {
		t.Error("a leader counts contact with itself, or a former follower has lost its count")
	}
}

// TestTransfer hands the lead over while messages are published: none is refused for long, none is lost.
func TestTransfer(t *testing.T) {
	n := newNetwork(t, 3, nil)
	n.lead(1)
	if err := n.at(2).Transfer(3); !errors.Is(err, slot.ErrNotLeader) {
		t.Errorf("a follower: %v, want ErrNotLeader", err)
	}
	for _, to := range []uint64{0, 1, 4} {
		if err := n.at(1).Transfer(to); err == nil || errors.Is(err, slot.ErrNotLeader) {
			t.Errorf("transfer to %d: %v, want an error of its own", to, err)
		}
	}
	for i := range 10 {
		if _, err := n.publish(1, "room", fmt.Sprint(i), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.at(1).Transfer(2); err != nil {
		t.Fatal(err)
	}
	if out := n.at(1).Advance(); !slices.ContainsFunc(out.Messages, func(m slot.Message) bool { return !m.Control() }) {
		t.Error("an append may overtake others")
	} else {
		n.collect(0, out)
	}
	if _, err := n.publish(1, "room", "late", nil); !errors.Is(err, slot.ErrOverloaded) {
		t.Errorf("while it hands over: %v, want ErrOverloaded", err)
	}
	if got := n.at(1).Status(); !got.Transferring || got.Fresh {
		t.Errorf("while it hands over: %+v", got)
	}
	if err := n.at(1).Change(voters(1, 2)); !errors.Is(err, slot.ErrOverloaded) {
		t.Errorf("a change while it hands over: %v, want ErrOverloaded", err)
	}
	n.settle()
	if got := n.at(2).Status(); !got.Settled || n.at(1).Status().Leads || n.at(1).Status().Transferring {
		t.Fatalf("1: %+v, 2: %+v, want that 2 leads", n.at(1).Status(), got)
	}
	n.outcomes = nil
	for i := range 10 {
		if got := n.mustPublish(2, "room", fmt.Sprint(i), nil); !got.Duplicate || got.Position.Offset != uint64(i+1) {
			t.Errorf("message %d: %+v, want the duplicate of offset %d", i, got, i+1)
		}
	}
	n.equal()
}

// TestTransferAborts hands the lead to a voter that is away: after two ticks the old leader goes on.
func TestTransferAborts(t *testing.T) {
	n := newNetwork(t, 3, nil)
	n.lead(1)
	n.down[3] = true
	n.mustPublish(1, "room", "a", nil)
	if err := n.at(1).Transfer(3); err != nil {
		t.Fatal(err)
	}
	n.tick(1)
	if _, err := n.publish(1, "room", "b", nil); !errors.Is(err, slot.ErrOverloaded) {
		t.Errorf("after one tick: %v, want ErrOverloaded", err)
	}
	n.tick(1)
	if n.at(1).Status().Transferring {
		t.Error("after two ticks it still hands over")
	}
	if got := n.mustPublish(1, "room", "b", nil); got.Position.Offset != 2 {
		t.Errorf("after the transfer was given up: %+v", got)
	}
}

// TestTransferAmidChange lets a transfer that fails keep raft from leaving a joint configuration. It is left later, also when
// nothing is published.
func TestTransferAmidChange(t *testing.T) {
	n := newNetwork(t, 3, nil)
	n.lead(1)
	n.down[3] = true
	n.mustPublish(1, "room", "a", nil)
	if err := n.at(1).Change(voters(1)); err != nil {
		t.Fatal(err)
	}
	if err := n.at(1).Transfer(3); err != nil {
		t.Fatal(err)
	}
	n.settle()
	if !n.at(1).Changing() || len(n.at(1).Copies().Voters) != 1 {
		t.Fatalf("changing %t to %v, want a joint configuration that cannot be left", n.at(1).Changing(), n.at(1).Copies())
	}
	n.tick(4)
	if got := n.at(1).Status(); n.at(1).Changing() || !got.Agreed || !slices.Equal(n.at(1).Copies().Voters, []uint64{1}) {
		t.Errorf("after the transfer was given up: changing %t, %+v", n.at(1).Changing(), got)
	}
}
