package slot

import "go.etcd.io/raft/v3"

// Status is a slot at a glance, as of the latest Advance.
type Status struct {
	ID      int
	Self    uint64
	Term    uint64
	Leader  uint64 // instance id; 0: none is known
	Leads   bool   // this copy is the leader
	Settled bool   // it leads and has committed an entry of its term: what it holds is all that was ever acknowledged
	Applied uint64 // index of the entry applied last
	Hash    uint64 // channel.State.Hash: equal on all copies that have applied the same index

	LogEntries int // kept in memory
	LogBytes   int
}

// Status returns the slot's status. It costs nothing.
func (s *Slot) Status() Status {
	leads := s.role.RaftState == raft.StateLeader
	return Status{
		ID: s.id, Self: s.self, Term: s.term, Leader: s.role.Lead,
		Leads: leads, Settled: leads && s.appliedTerm == s.term,
		Applied: s.applied, Hash: s.state.Hash(),
		LogEntries: len(s.storage.entries), LogBytes: s.storage.bytes,
	}
}
