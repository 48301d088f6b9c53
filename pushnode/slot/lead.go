package slot

import (
	"encoding/binary"
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// lead is what a leader knows of its lead beside what raft does.
type lead struct {
	ticks      uint64            // that it has had in all its leads
	began      uint64            // ticks when the present one began
	heard      map[copyID]uint64 // by copy: the tick of the latest heartbeat, or pulse, that it answered
	transferee copyID            // 0: none
	rest       rest
}

func (l *lead) begin() {
	l.began, l.heard, l.transferee, l.rest = l.ticks, map[copyID]uint64{}, raft.None, rest{}
}

// freshTicks is how old the word of a quorum may be: a heartbeat is answered by the next tick but one, within a second.
const freshTicks = 2

// Transfer hands the lead over to another voter, as soon as that is level. Until it leads, or until two ticks have passed,
// proposals are refused with ErrOverloaded; then this copy goes on. Errors: ErrNotLeader, and another if the instance is no other
// voter.
func (s *Slot) Transfer(to uint64) (err error) {
	defer s.contain(&err)
	if s.fault != nil {
		return s.fault
	}
	if !s.leads() {
		return ErrNotLeader
	}
	heir := s.find(to)
	if heir == s.self || !slices.Contains(s.storage.copies().voters, heir) {
		return fmt.Errorf("slot %d: transfer the lead to instance %x, which is none of the other voters", s.id, to)
	}
	s.node.TransferLeader(heir)
	s.lead.transferee = heir
	return nil
}

// stamp numbers a heartbeat by the tick that sends it. Its answer carries the number back: it proves that the voter followed this
// leader then, however long the answer was under way.
func (s *Slot) stamp(m *raftpb.Message) {
	m.Context = binary.AppendUvarint(nil, s.lead.ticks)
}

// hear takes note of an answer in the present term. One without a number was given after the lead began.
func (s *Slot) hear(m *raftpb.Message) {
	if s.role.RaftState != raft.StateLeader || m.GetTerm() != s.term {
		return
	}
	tick := s.lead.began
	if number, size := binary.Uvarint(m.GetContext()); size > 0 && number <= s.lead.ticks {
		tick = max(tick, number)
	}
	s.lead.heard[m.GetFrom()] = max(s.lead.heard[m.GetFrom()], tick)
}

// settled reports whether the copy leads and has committed an entry of its term.
func (s *Slot) settled() bool { return s.role.RaftState == raft.StateLeader && s.appliedTerm == s.term }

// Fresh is what Status says by that name, at this moment.
func (s *Slot) Fresh() bool {
	return s.settled() && s.lead.transferee == raft.None &&
		s.heardMajority(s.storage.config.Voters) && s.heardMajority(s.storage.config.VotersOutgoing)
}

// heardMajority reports whether a majority of voters has answered lately; none are a majority of none.
func (s *Slot) heardMajority(voters []copyID) bool {
	count := 0
	for _, voter := range voters {
		if voter == s.self || s.heardLately(voter) {
			count++
		}
	}
	return len(voters) == 0 || count > len(voters)/2
}

// heardLately reports whether another copy has answered what one of the last ticks sent.
func (s *Slot) heardLately(id copyID) bool {
	heard, has := s.lead.heard[id]
	return has && heard+freshTicks > s.lead.ticks
}

// contact counts how often the leader was heard.
type contact struct {
	term  uint64 // of the latest message of a leader since the latest Advance
	count uint64
}

// settle counts one contact if a leader of the present term was heard.
func (c *contact) settle(term uint64, leads bool) {
	if c.term == term && c.term > 0 && !leads {
		c.count++
	}
	c.term = 0
}
