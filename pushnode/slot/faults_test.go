package slot_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"halley/pushnode/channel"
	"halley/pushnode/slot"
)

// TestFaults lets copies go away and come back, die and be replaced by new instances or be removed and added again, messages get lost,
// come late, twice and in another order, and leaders and copies change, while messages are published. Copies at the same entry are equal at every moment,
// their configuration included; what was acknowledged is never lost nor numbered anew.
func TestFaults(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { newFaults(t).heal(t) })
}

// TestFaultsAndRecovery ends the same with the death of some instances at once, and with a recovery by the survivor with the most
// complete log. Where it says that the survivors cover the slot, nothing acknowledged is missing.
func TestFaultsAndRecovery(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { newFaults(t).recoverSome(t) })
}

// newFaults lets things happen to a new slot.
func newFaults(t *rapid.T) *faults {
	size := rapid.IntRange(1, 3).Draw(t, "voters")
	f := &faults{
		network: newNetwork(t, size, func(c *slot.Config) { c.LogEntries = 6 }),
		dead:    map[uint64]bool{}, acked: map[string]uint64{}, seen: map[uint64]string{}, pending: map[string]string{},
	}
	f.lead(1) // or most of what happens happens to nobody
	t.Repeat(map[string]func(*rapid.T){
		"publish":  f.publishSome,
		"step":     f.stepSome,
		"calm":     func(*rapid.T) { f.calm() },
		"campaign": f.campaign,
		"transfer": f.transfer,
		"change":   f.changeSome,
		"die":      f.die,
		"notice":   func(*rapid.T) { f.notice() },
		"drop":     f.drop,
		"outage":   f.outage,
		"tick":     func(*rapid.T) { f.each((*slot.Slot).Tick) },
		"pulse":    f.pulseSome,
		"":         f.check,
	})
	return f
}

type faults struct {
	*network
	dead    map[uint64]bool // down for ever
	notices []notice
	minted  int
	pending map[string]string // instance, life and ticket: id
	acked   map[string]uint64 // id: offset
	pulses  []onTheWay
	seen    map[uint64]string // index: what the copies are like that have applied it
}

// mostInstances bounds how many instances there ever are.
const mostInstances = 9

func (f *faults) instance(t *rapid.T) uint64 {
	return rapid.Uint64Range(1, uint64(len(f.copies))).Draw(t, "instance")
}

// each does something on all copies that are up, and collects what comes out.
func (f *faults) each(do func(*slot.Slot)) {
	for i, one := range f.copies {
		if f.down[uint64(i+1)] {
			continue
		}
		do(one)
		f.collect(i, one.Advance())
		for _, outcome := range f.outcomes {
			id := f.pending[ticketOf(one, outcome.Ticket)]
			f.acked[id] = outcome.Results[0].Position.Offset
		}
		f.outcomes = nil
	}
}

func ticketOf(one *slot.Slot, ticket uint64) string {
	status := one.Status()
	return fmt.Sprintf("%d/%d: %d", status.Self, status.Life, ticket)
}

func (f *faults) publishSome(*rapid.T) {
	f.each(func(one *slot.Slot) {
		f.minted++
		id := fmt.Sprint("m", f.minted)
		if ticket, err := f.publish(one.Status().Self, "room", id, []byte("1")); err == nil {
			f.pending[ticketOf(one, ticket)] = id
		}
	})
}

// stepSome delivers some of the messages that are on their way, any of them first; some stay, and some come twice.
func (f *faults) stepSome(t *rapid.T) {
	for range rapid.IntRange(0, 12).Draw(t, "messages") {
		if len(f.queue) == 0 {
			return
		}
		i := rapid.IntRange(0, min(3, len(f.queue)-1)).Draw(t, "which")
		m := f.queue[i]
		if rapid.IntRange(0, 9).Draw(t, "fate") > 0 {
			f.queue = append(f.queue[:i:i], f.queue[i+1:]...)
		}
		reached := !f.down[m.To()]
		if reached {
			if err := f.step(m); err != nil {
				t.Fatal(err)
			}
		}
		if m.Snapshot() { // any other message may be lost unseen
			f.at(m.From()).SnapshotDone(m.To(), reached)
		}
		f.each(func(*slot.Slot) {})
	}
}

// calm delivers all messages to those that are up, in order.
func (f *faults) calm() {
	for len(f.queue) > 0 {
		f.deliver()
		f.each(func(*slot.Slot) {})
	}
}

func (f *faults) campaign(t *rapid.T) {
	candidate := f.instance(t)
	f.each(func(one *slot.Slot) {
		if err := one.SuspectLeader(); err != nil {
			t.Fatal(err)
		}
		if one.Status().Self == candidate {
			if err := one.Campaign(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func (f *faults) transfer(t *rapid.T) {
	to := f.instance(t)
	f.each(func(one *slot.Slot) { _ = one.Transfer(to) }) // refused by all but a leader, to all but its voters
}

// changeSome lets every leader propose one of the steps that a host takes.
func (f *faults) changeSome(t *rapid.T) {
	step := rapid.SampledFrom([]string{"learner", "voter", "replace", "remove"}).Draw(t, "step")
	pick := rapid.IntRange(0, 5).Draw(t, "pick")
	f.each(func(one *slot.Slot) {
		to := one.Copies()
		if !one.Status().Leads || one.Changing() {
			return
		}
		victim := to.Voters[pick%len(to.Voters)]
		switch {
		case step == "learner" && len(f.alive(to.Learners)) == 0:
			to.Learners = f.candidate(to, pick)
		case step == "voter" && len(to.Voters) < 3:
			to = slot.Copies{Voters: append(to.Voters, to.Learners...)}
		case step == "replace" && len(to.Learners) > 0:
			to = slot.Copies{Voters: append(remove(to.Voters, victim), to.Learners...)}
		case step == "remove" && len(to.Voters) == 3:
			to.Voters = remove(to.Voters, victim)
		}
		if len(f.alive(to.Voters)) > len(to.Voters)/2 {
			_ = one.Change(to) // refused where a learner holds nothing yet
		}
	})
}

// candidate is an instance that holds no copy: one that did before, if there is one, or a new one.
func (f *faults) candidate(copies slot.Copies, pick int) []uint64 {
	var free []uint64
	for _, one := range f.copies {
		if self := one.Status().Self; !f.dead[self] && !slices.Contains(members(copies), self) {
			free = append(free, self)
		}
	}
	switch {
	case len(free) > 0:
		return free[pick%len(free):][:1]
	case len(f.copies) < mostInstances:
		return []uint64{f.add(slot.Config{})}
	default:
		return nil
	}
}

func (f *faults) alive(instances []uint64) []uint64 {
	return slices.DeleteFunc(slices.Clone(instances), func(one uint64) bool { return f.dead[one] })
}

// die ends an instance for ever, unless too few would be left of the voters that any copy knows of to go on.
func (f *faults) die(t *rapid.T) {
	victim := f.instance(t)
	for instance, one := range f.copies {
		if one.Changing() {
			return
		}
		voters := one.Copies().Voters
		left := f.alive(remove(voters, victim))
		if !f.dead[uint64(instance+1)] && len(voters) > 0 && len(left) <= len(voters)/2 {
			return
		}
	}
	f.dead[victim], f.down[victim] = true, true
}

// notice is what an agreed leader tells the hosts of all copies.
type notice struct {
	copies        slot.Copies
	term, applied uint64
}

func (f *faults) notice() {
	for _, one := range f.copies {
		if status := one.Status(); status.Agreed && !f.down[status.Self] {
			f.notices = append(f.notices, notice{copies: one.Copies(), term: status.Term, applied: status.Applied})
		}
	}
}

// drop lets a notice, however old, reach the host of a copy, which lets the copy go if that is none of the slot's. A life in which
// the copy held something is over for ever; what takes its place stands for none.
func (f *faults) drop(t *rapid.T) {
	if len(f.notices) == 0 {
		return
	}
	told := f.notices[rapid.IntRange(0, len(f.notices)-1).Draw(t, "notice")]
	status := f.at(f.instance(t)).Status()
	removed := !slices.Contains(members(told.copies), status.Self) && status.Term <= told.term && status.Applied <= told.applied
	if !status.Empty && removed && !f.down[status.Self] {
		f.start(slot.Config{Self: status.Self, Life: status.Life + 1}) // nobody is added at the entry behind that of an addition
	}
}

func (f *faults) outage(t *rapid.T) {
	if instance := f.instance(t); !f.dead[instance] {
		f.down[instance] = !f.down[instance]
	}
}

func (f *faults) check(t *rapid.T) {
	leaders := map[uint64]uint64{}
	for _, one := range f.copies {
		status := one.Status()
		if status.Empty {
			continue
		}
		looks := fmt.Sprintf("hash %x, copies %v", status.Hash, one.Copies())
		if seen, known := f.seen[status.Applied]; known && seen != looks {
			t.Fatalf("instance %d at entry %d has %s, another had %s", status.Self, status.Applied, looks, seen)
		}
		f.seen[status.Applied] = looks
		if other, has := leaders[status.Term]; has && status.Leads {
			t.Fatalf("instances %d and %d lead in term %d", other, status.Self, status.Term)
		} else if status.Leads {
			leaders[status.Term] = status.Self
		}
	}
}

// heal ends all faults but deaths, and wants a leader that everything acknowledged is with.
func (f *faults) heal(t *rapid.T) {
	for instance := range f.down {
		f.down[instance] = f.dead[instance]
	}
	f.settle()
	f.tick(2)
	leader := f.elect()
	if f.tick(5); f.at(leader).Status().Removed { // by the change that it has only now brought to its end
		leader = f.elect()
		f.tick(5)
	}
	if !f.at(leader).Status().Agreed {
		t.Fatalf("after all faults the copies still change: %+v", f.at(leader).Status())
	}
	f.outcomes = nil
	f.equal()
	f.complete(t, leader)
	f.equal()
}

// recoverSome lets a part of the instances survive, and the best of them recover the slot.
func (f *faults) recoverSome(t *rapid.T) {
	var best *slot.Slot
	var bestTerm, bestIndex uint64
	var participants []uint64
	for _, one := range f.copies {
		status := one.Status()
		if f.dead[status.Self] || status.Empty || !rapid.Bool().Draw(t, "survives") {
			f.down[status.Self] = true
			continue
		}
		participants = append(participants, status.Self)
		if term, index := one.Last(); best == nil || term > bestTerm || term == bestTerm && index > bestIndex {
			best, bestTerm, bestIndex = one, term, index
		}
	}
	if best == nil || !best.Covers(participants) {
		return
	}
	self := best.Status().Self
	f.down[self] = false
	f.queue = nil
	f.recover(self, 1)
	f.outcomes = nil
	f.complete(t, self)
}

// complete looks whether everything acknowledged is there.
func (f *faults) complete(t *rapid.T, leader uint64) {
	for id, offset := range f.acked {
		got := f.mustPublish(leader, "room", id, nil)
		if !got.Duplicate || got.Position.Offset != offset {
			t.Fatalf("message %s was acknowledged at %d, now it is %+v", id, offset, got)
		}
	}
	if state := f.at(leader).State(); state.Usage().DedupeIDs > 0 {
		info, _ := state.Info(channel.ID{App: "app", Name: "room"})
		if int(info.Position.Offset) < len(f.acked) {
			t.Fatalf("the head is %d, %d messages were acknowledged", info.Position.Offset, len(f.acked))
		}
	}
}
