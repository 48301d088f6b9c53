package slot

import (
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
)

// A copy is an instance in one of its lives in the slot. An instance that was removed and is added again has forgotten what it promised
// and what it held, so raft must not take it for the copy that it was: what the earlier life said, or was told, may still be under way.
// raft knows copies by the ids that this file makes; the callers of this package know instances alone. Of an instance at most one life
// is in force at a time.
type copyID = uint64

const (
	lifeBits = 20
	// lives is how many lives there are before one is used again: that many entries of the log later, when nothing of the first
	// can be under way any more.
	lives = 1<<lifeBits - 1
	// MaxInstance is the highest instance id. The one above it would give raft ids that it reserves.
	MaxInstance = 1<<(64-lifeBits) - 2
)

func idOf(instance uint64, life uint32) copyID { return instance<<lifeBits | uint64(life) }

func instanceOf(id copyID) uint64 { return id >> lifeBits }

func lifeOf(id copyID) uint32 { return uint32(id & (1<<lifeBits - 1)) }

// instancesOf are the instances of copies, in the order of those.
func instancesOf(ids []copyID) []uint64 {
	if len(ids) == 0 {
		return nil
	}
	instances := make([]uint64, len(ids))
	for i, id := range ids {
		instances[i] = instanceOf(id)
	}
	return instances
}

// lifeAt is the life of copies that are added at an entry: never 0, which is that of founders, and another one for each of the next
// lives entries.
func lifeAt(index uint64) uint32 { return uint32(index%lives) + 1 }

// Later reports whether a life of an instance began after another one of it, in the same generation of the slot. Lives rise with the
// log, and come round: one that is at most half the way round ahead counts as later.
func Later(life, than uint32) bool {
	switch {
	case life == 0 || than == 0:
		return life > than
	default:
		ahead := (life + lives - than) % lives
		return ahead > 0 && ahead <= lives/2
	}
}

// members are the copies of a slot by their ids.
type members struct {
	voters   []copyID
	learners []copyID
}

func (m members) has(id copyID) bool {
	return slices.Contains(m.voters, id) || slices.Contains(m.learners, id)
}

func (m members) sorted() members {
	return members{voters: slices.Sorted(slices.Values(m.voters)), learners: slices.Sorted(slices.Values(m.learners))}
}

// valid wants instances and lives that there can be, each instance once.
func valid(instances []uint64) error {
	seen := make(map[uint64]bool, len(instances))
	for _, instance := range instances {
		if instance == raft.None || instance > MaxInstance || seen[instance] {
			return fmt.Errorf("instance %x cannot be, or is named twice", instance)
		}
		seen[instance] = true
	}
	return nil
}

// LifeOf returns the life that a copy of an instance in force is in. false: it has none.
func (s *Slot) LifeOf(instance uint64) (life uint32, has bool) {
	id := s.find(instance)
	return lifeOf(id), id != raft.None
}

// find returns the copy of an instance among those in force, the old voters of a change that is half done included. 0: it has none.
func (s *Slot) find(instance uint64) copyID {
	config := s.storage.config
	for _, list := range [...][]copyID{config.Voters, config.Learners, config.LearnersNext, config.VotersOutgoing} {
		if i := slices.IndexFunc(list, func(id copyID) bool { return instanceOf(id) == instance }); i >= 0 {
			return list[i]
		}
	}
	return raft.None
}
