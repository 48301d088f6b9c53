package slot_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"halley/pushnode/channel"
	"halley/pushnode/slot"
)

// TestFaults lets copies go away and come back, messages get lost, come late, twice and in another order, and leaders change,
// while messages are published. Copies at the same entry are equal at every moment; what was acknowledged is never lost nor
// numbered anew.
func TestFaults(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := &faults{
			network: newNetwork(t, 3, func(c *slot.Config) { c.LogEntries = 6 }),
			acked:   map[string]uint64{}, hashes: map[uint64]uint64{}, pending: map[string]string{},
		}
		t.Repeat(map[string]func(*rapid.T){
			"publish":  f.publishSome,
			"step":     f.stepSome,
			"campaign": f.campaign,
			"outage":   f.outage,
			"tick":     func(t *rapid.T) { f.each(func(one *slot.Slot) { one.Tick() }) },
			"":         f.check,
		})
		f.heal(t)
	})
}

type faults struct {
	*network
	minted  int
	pending map[string]string // instance and ticket: id
	acked   map[string]uint64 // id: offset
	hashes  map[uint64]uint64 // index: hash of the copies that have applied it
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
			id := f.pending[fmt.Sprint(i+1, outcome.Ticket)]
			f.acked[id] = outcome.Results[0].Position.Offset
		}
		f.outcomes = nil
	}
}

func (f *faults) publishSome(t *rapid.T) {
	f.each(func(one *slot.Slot) {
		f.minted++
		id := fmt.Sprint("m", f.minted)
		if ticket, err := f.publish(one.Status().Self, "room", id, []byte("1")); err == nil {
			f.pending[fmt.Sprint(one.Status().Self, ticket)] = id
		}
	})
}

// stepSome delivers some of the messages that are on their way, any of them first; some stay, and some come twice.
func (f *faults) stepSome(t *rapid.T) {
	for range rapid.IntRange(0, 8).Draw(t, "messages") {
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
			if err := f.at(m.To()).Step(m); err != nil {
				t.Fatal(err)
			}
		}
		if m.Snapshot() { // any other message may be lost unseen
			f.at(m.From()).SnapshotDone(m.To(), reached)
		}
		f.each(func(*slot.Slot) {})
	}
}

func (f *faults) campaign(t *rapid.T) {
	candidate := rapid.Uint64Range(1, 3).Draw(t, "candidate")
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

func (f *faults) outage(t *rapid.T) {
	instance := rapid.Uint64Range(1, 3).Draw(t, "instance")
	f.down[instance] = !f.down[instance]
}

func (f *faults) check(t *rapid.T) {
	leaders := map[uint64]uint64{}
	for _, one := range f.copies {
		status := one.Status()
		if hash, known := f.hashes[status.Applied]; known && hash != status.Hash {
			t.Fatalf("instance %d at entry %d has hash %x, another had %x", status.Self, status.Applied, status.Hash, hash)
		}
		f.hashes[status.Applied] = status.Hash
		if other, has := leaders[status.Term]; has && status.Leads {
			t.Fatalf("instances %d and %d lead in term %d", other, status.Self, status.Term)
		} else if status.Leads {
			leaders[status.Term] = status.Self
		}
	}
}

// heal ends all faults, and looks whether everything acknowledged is there.
func (f *faults) heal(t *rapid.T) {
	clear(f.down)
	f.settle()
	f.tick(2)
	leader := f.elect()
	f.tick(5)
	f.equal()
	for id, offset := range f.acked {
		got := f.mustPublish(leader, "room", id, nil)
		if !got.Duplicate || got.Position.Offset != offset {
			t.Fatalf("message %s was acknowledged at %d, now it is %+v", id, offset, got)
		}
	}
	f.equal()
	if state := f.at(leader).State(); state.Usage().DedupeIDs > 0 {
		info, _ := state.Info(channel.ID{App: "app", Name: "room"})
		if int(info.Position.Offset) < len(f.acked) {
			t.Fatalf("the head is %d, %d messages were acknowledged", info.Position.Offset, len(f.acked))
		}
	}
}
