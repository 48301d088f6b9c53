package host_test

import (
	"bytes"
	"fmt"
	"testing"

	"halley/pushnode/host"
)

// poison makes of a publication, on its way to some copies, an entry that they cannot apply.
func (m *mesh) poison(id string, at ...uint64) {
	m.drop = func(_, to uint64, frame []byte) bool {
		place := bytes.Index(frame, []byte(id))
		for _, victim := range at {
			if to == victim && host.IsRaft(frame) && place > 0 {
				frame[place-1] = 0x7f // the length of the id
			}
		}
		return false
	}
}

// TestBrokenCopyIsReplaced breaks the copy of a follower, and that of all followers: their nodes live, and get other copies in later lives.
// With a majority left nobody notices; without one the slot is recovered with what is left, and a later epoch says so.
func TestBrokenCopyIsReplaced(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		size    int
		victims int
		breaks  bool // the epoch
	}{
		{"one of three", 3, 1, false},
		{"two of three", 3, 2, true},
		{"one of two", 2, 1, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := newMesh(t, test.size, host.Strict)
			leader := m.at(1).Status(0).Leader
			var victims []uint64
			for i := range test.size {
				if instance := uint64(i + 1); instance != leader && len(victims) < test.victims {
					victims = append(victims, instance)
				}
			}
			first := m.mustPublish(leader, "before")
			lives := make(map[uint64]uint32)
			for _, victim := range victims {
				lives[victim] = m.at(victim).LifeOf(0)
			}
			m.poison("poison", victims...)
			_ = m.publish(leader, "poison") // with the others it is as good as any
			m.drop = nil
			for _, victim := range victims {
				if got := m.at(victim).Fallen(); got != 1 {
					t.Fatalf("at %d %d copies fell, want one", victim, got)
				}
			}
			if !test.breaks {
				m.mustPublish(leader, "meanwhile") // at once
			}
			m.pass(30_000)
			after := m.mustPublish(victims[0], "after")
			if got := after.Epoch != first.Epoch; got != test.breaks {
				t.Errorf("the epoch is another: %v, want %v", got, test.breaks)
			}
			m.pass(1000)
			hashes := make(map[string]bool)
			for i := range test.size {
				status := m.hosts[i].Status(0)
				hashes[fmt.Sprint(status.Applied, status.Hash)] = true
				if len(status.Voters) != test.size || !status.Copy || status.Waiting > 0 {
					t.Errorf("at %d: %+v, want %d voters", i+1, status, test.size)
				}
			}
			if len(hashes) != 1 {
				t.Errorf("the copies differ: %v", hashes)
			}
			for _, victim := range victims {
				if life := m.at(victim).LifeOf(0); life == lives[victim] || m.at(victim).Fallen() != 1 {
					t.Errorf("at %d: life %d after %d, %d fell; want another that stands", victim, life, lives[victim], m.at(victim).Fallen())
				}
			}
		})
	}
}

// TestBrokenLeaderIsFollowedAtOnce has the others hear that the copy of the leader fell, whose node lives on: they do not wait until they
// miss it.
func TestBrokenLeaderIsFollowedAtOnce(t *testing.T) {
	t.Parallel()
	m := newMesh(t, 3, host.Strict)
	leader := m.at(1).Status(0).Leader
	status := m.at(leader).Status(0)
	word := host.FallenFrame(0, status.Generation, m.at(leader).LifeOf(0))
	for instance := uint64(1); instance <= 3; instance++ {
		if instance == leader {
			continue
		}
		if err := m.at(instance).Receive(m.now, leader, word); err != nil {
			t.Fatal(err)
		}
	}
	m.drop = func(from, _ uint64, frame []byte) bool {
		return from == leader && (host.IsRaft(frame) || host.IsPulse(frame))
	}
	m.pass(500)
	other := leader%3 + 1
	if status := m.at(other).Status(0); status.Leader == leader || status.Leader == 0 {
		t.Errorf("after half a second the leader is %x: %+v", status.Leader, status)
	}
	m.mustPublish(other, "after")
}

// TestBrokenCopiesOfAll leaves no copy of a slot, on nodes of which most live: it begins anew, empty, and says so by its epoch.
func TestBrokenCopiesOfAll(t *testing.T) {
	t.Parallel()
	m := newMesh(t, 3, host.Strict)
	leader := m.at(1).Status(0).Leader
	first := m.mustPublish(leader, "before")
	m.poison("poison", 1, 2, 3)
	_ = m.publish(leader, "poison")
	m.kill(leader) // who alone could apply it
	m.bury(leader%3+1, leader)
	m.drop = nil
	m.pass(30_000)
	after := m.mustPublish(leader%3+1, "after")
	if after.Epoch == first.Epoch || after.Offset != 1 {
		t.Errorf("got %+v after %+v, want a slot that began anew", after, first)
	}
}
