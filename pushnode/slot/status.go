package slot

import "go.etcd.io/raft/v3"

// Status is a copy of a slot at a glance, as of the latest Advance.
type Status struct {
	ID         int
	Self       uint64
	Life       uint32 // of Self in this slot; see Later
	Generation uint32
	Term       uint64
	Leader     uint64 // instance id; 0: none is known
	Leads      bool   // this copy is the leader
	Settled    bool   // it leads and has committed an entry of its term: what it holds is all that was ever acknowledged
	// Fresh means that it is settled, hands the lead to nobody, and that a majority of the voters, itself included, has followed it
	// within its last two ticks. With one voter that is always so. A host that slept must Tick twice before it believes it.
	Fresh        bool
	Transferring bool // it hands the lead over
	// Agreed means that it leads, that no change is under way, and that nobody can lead any more who does not know its Copies. Only
	// then may the host of a copy that is none of them drop it: before, its vote may be needed.
	Agreed  bool
	Contact uint64 // rises when the leader of the present term was heard: at most once by each Advance

	Empty   bool // it has no state yet, and no say
	Voter   bool // it decides, also in a change that is to end that
	Learner bool
	Removed bool // it was one of the copies and is none any more; see Agreed
	Copies  int  // voters in force: what is acknowledged is in the memory of a majority of them

	Applied uint64 // index of the entry applied last
	Hash    uint64 // channel.State.Hash: equal on all copies that have applied the same index

	LogEntries int // kept in memory
	LogBytes   int
}

// Status returns the slot's status. It costs next to nothing.
func (s *Slot) Status() Status {
	return Status{
		ID: s.id, Self: s.config.Self, Life: s.config.Life, Generation: s.generation, Term: s.term, Leader: instanceOf(s.role.Lead),
		Leads: s.role.RaftState == raft.StateLeader, Settled: s.settled(), Fresh: s.Fresh(),
		Transferring: s.lead.transferee != raft.None, Agreed: s.agreed(), Contact: s.contact.count,
		Empty: s.storage.empty(), Voter: s.voter(), Learner: s.learner(), Removed: s.removed(), Copies: len(s.storage.config.Voters),
		Applied: s.applied, Hash: s.state.Hash(),
		LogEntries: len(s.storage.entries), LogBytes: s.storage.bytes,
	}
}
