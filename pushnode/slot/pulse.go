package slot

import (
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/tracker"
)

// A slot is at rest when its leader has nothing to tell: all copies hold all of the log, all of it is committed, and all of them have
// answered lately. Then raft is given no time. In the place of its heartbeats the host carries a pulse to each copy, many slots' in one
// frame, and brings back whether the copy follows. Whatever happens, or does not come back, ends the rest: raft gets its ticks again, and
// with them heartbeats and the check of a quorum.

// Pulse is what the leader of a slot at rest says to one copy, and what comes back from it.
type Pulse struct {
	Generation uint32
	Life       uint32 // of the copy
	Term       uint64
	Applied    uint64 // up to where the leader has applied the log, which is all of it
	Tick       uint64 // the leader's; see stamp
}

// AddressedPulse is a pulse and the instance that it is for.
type AddressedPulse struct {
	To uint64
	Pulse
}

// Pulse takes the place of Tick on a leader whose slot is at rest: it appends a pulse for each other copy to dst, and there is nothing to
// Advance. Where the slot is not at rest it does nothing, and the host must Tick. Advance must have been called since the latest other call.
func (s *Slot) Pulse(dst []AddressedPulse) (pulses []AddressedPulse, rests bool) {
	if !s.rests() {
		return dst, false
	}
	s.lead.ticks++
	for _, id := range s.lead.rest.others {
		pulse := Pulse{Generation: s.generation, Life: lifeOf(id), Term: s.term, Applied: s.applied, Tick: s.lead.ticks}
		dst = append(dst, AddressedPulse{To: instanceOf(id), Pulse: pulse})
	}
	return dst, true
}

// rest is what the leader found when it last looked whether it has anything to tell. Every Advance, and a peer that is lost, have it look
// again.
type rest struct {
	known  bool // it has nothing to tell to the others
	others []copyID
}

// rests reports whether the leader has nothing to tell to anybody, and all have answered lately.
func (s *Slot) rests() bool {
	if s.fault != nil {
		return false
	}
	if !s.lead.rest.known {
		s.lead.rest = s.look()
	}
	return s.lead.rest.known && !slices.ContainsFunc(s.lead.rest.others, func(id copyID) bool { return !s.heardLately(id) })
}

func (s *Slot) look() rest {
	if !s.agreed() || s.lead.transferee != raft.None || s.storage.last() != s.applied || s.node.HasReady() {
		return rest{}
	}
	found := rest{known: true}
	s.node.WithProgress(func(id copyID, _ raft.ProgressType, p tracker.Progress) {
		if id != s.self {
			found.known = found.known && p.Match == s.applied && p.State == tracker.StateReplicate
			found.others = append(found.others, id)
		}
	})
	return found
}

// Follows reports whether this copy follows the leader that a pulse is from, and has applied the log as far as that had. Such a copy is as
// good as one that has answered a heartbeat: in one term only its leader adds to the log. One that has gone further is told so late.
func (s *Slot) Follows(from uint64, p Pulse) bool {
	return s.fault == nil && s.role.RaftState == raft.StateFollower && instanceOf(s.role.Lead) == from && p.Life == s.config.Life &&
		p.Generation == s.generation && p.Term == s.term && p.Applied <= s.applied
}

// Answered takes in what a copy says to a pulse. One that does not follow is given a heartbeat at once: the slot ticks, once for each
// round of pulses. ticked: there is something to Advance.
func (s *Slot) Answered(from uint64, p Pulse, follows bool) (ticked bool) {
	id := s.find(from)
	if s.fault != nil || s.role.RaftState != raft.StateLeader || id == raft.None || p.Life != lifeOf(id) || p.Generation != s.generation ||
		p.Term != s.term || p.Tick > s.lead.ticks {
		return false
	}
	if follows {
		s.lead.heard[id] = max(s.lead.heard[id], p.Tick)
		return false
	}
	if p.Tick == s.lead.ticks {
		s.Tick()
		return true
	}
	return false
}
