package slot

import (
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/raft/v3/raftpb"
)

// Last returns the position of the log's last entry, committed or not. Of two copies of a generation the one with the later term,
// in the same term with the higher index, has the more complete log.
func (s *Slot) Last() (term, index uint64) {
	index = s.storage.last()
	term, _ = s.storage.Term(index) // of a position in the log there always is one
	return term, index
}

// Covers reports whether nothing acknowledged can be missing if, of the participants, the copy with the most complete log is this
// one and recovers the slot: that is so when every majority that could have acknowledged something has a participant in it. Of
// two voters either is enough, of three it takes two. Each participant must have stopped: what it takes in after its log was
// compared does not count. Otherwise the host proposes channel.BreakEpoch once the recovered slot leads, so that clients are told.
//
// Lives do not matter: an instance that was removed and holds a state again has what it held before, and more. It is cautious: with a change of the copies in the log that is not applied, it wants everyone who is known.
func (s *Slot) Covers(participants []uint64) bool {
	config := s.storage.config
	if s.storage.empty() {
		return false
	}
	if s.storage.changing > s.applied {
		return blocks(participants, config.Voters, len(config.Voters)) &&
			blocks(participants, config.VotersOutgoing, len(config.VotersOutgoing))
	}
	return meets(participants, config.Voters) || s.storage.joint() && meets(participants, config.VotersOutgoing)
}

// meets reports whether every majority of the voters has a participant in it.
func meets(participants []uint64, voters []copyID) bool {
	return blocks(participants, voters, (len(voters)+1)/2)
}

// blocks reports whether so many of the voters take part.
func blocks(participants []uint64, voters []copyID, count int) bool {
	for _, voter := range voters {
		if slices.Contains(participants, instanceOf(voter)) {
			count--
		}
	}
	return count <= 0
}

// Recover makes this copy's log, all of it, committed or not, the beginning of a new group of copies: a later generation, of which
// this copy is the only voter and others are learners, each in a new life. It is for a slot that has lost its majority (note on the cluster, 3.10), and
// safe only if no majority of the old generation can ever act again. Then Advance applies what was not committed, and after that
// Campaign takes the lead in a later term. The other instances, if they hold a copy, drop it, as ErrLaterGeneration tells them to,
// and begin with an empty one; they become voters by Change when they are level. Covers says whether something acknowledged can be
// missing.
//
// Changes of the copies that the log holds beyond the applied entries are void. Advance must have been called since the latest
// other call. Errors: an empty copy, a generation that is not later, instances that cannot be.
func (s *Slot) Recover(generation uint32, learners []uint64) (err error) {
	defer s.contain(&err)
	if s.fault != nil {
		return s.fault
	}
	err = Copies{Voters: []uint64{s.config.Self}, Learners: learners}.validate()
	switch {
	case s.storage.empty():
		err = errors.New("the copy is empty")
	case generation <= s.generation:
		err = fmt.Errorf("generation %d does not follow %d", generation, s.generation)
	case s.node.HasReady():
		err = errors.New("there is something to Advance")
	}
	if err != nil {
		return fmt.Errorf("slot %d: recover: %w", s.id, err)
	}
	s.generation = generation
	s.change = change{void: s.storage.last()}
	s.lead, s.contact = lead{ticks: s.lead.ticks}, contact{count: s.contact.count}
	copies := members{voters: []copyID{s.self}}
	for _, instance := range learners {
		copies.learners = append(copies.learners, idOf(instance, lifeAt(s.storage.last()+1)))
	}
	s.storage.recover(s.term, copies)
	return s.start()
}

// recover makes the log one that is committed to its end, in a configuration of its own.
func (s *storage) recover(term uint64, copies members) {
	s.config, s.changing = configOf(copies), 0
	s.begin = &raftpb.HardState{Term: new(term), Commit: new(s.last())}
}
