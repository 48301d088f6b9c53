package host

import "slices"

// Status is one slot as a node sees it.
type Status struct {
	Slot       int
	Leader     uint64 // as far as is known; 0: nobody
	Generation uint32
	Term       uint64
	Voters     []uint64 // as the leader told
	Learners   []uint64
	Copy       bool // this node has one
	Leads      bool
	Settled    bool
	Changing   bool // it leads, and its copies are changing
	Applied    uint64
	Hash       uint64
	Waiting    int // requests of this node without an outcome
	// Stuck means that this node has a copy, and that no majority of its voters is within reach of it: nothing can be stored from here.
	// Lost means that there can never be one again: proven, or by evidence where that counts. Waits are the voters that are neither
	// reached nor dead: for an operator to bring back, or to call dead (Host.Recover).
	Stuck   bool
	Lost    bool
	Waits   []uint64
	Shy     bool   // this node should rather lead nothing for a while
	Shuns   uint64 // it leads, and does not give the lead to that instance for a while; 0: nobody
	Estates int    // copies of earlier generations that are being handed over to the later one's leader
}

// Status returns what is known of a slot.
func (h *Host) Status(index int) Status {
	s := &h.seats[index]
	s.mu.Lock()
	defer s.mu.Unlock()
	status := Status{
		Slot: index, Leader: s.route.leader, Generation: s.route.generation, Term: s.route.term,
		Voters: slices.Clone(s.route.voters), Learners: slices.Clone(s.route.learners),
		Copy: s.copy != nil, Leads: s.status.Leads, Settled: s.status.Settled, Applied: s.status.Applied, Hash: s.status.Hash,
		Waiting: len(s.requests), Lost: s.recovery.lost, Waits: slices.Clone(s.recovery.waits), Estates: len(s.estates),
	}
	status.Shy = h.shy(s.now)
	if s.now < s.handed.shunned {
		status.Shuns = s.handed.to
	}
	if s.copy != nil {
		status.Generation, status.Term = s.status.Generation, s.status.Term
		status.Changing = s.copy.Changing()
		status.Stuck, status.Waits = s.outOfReach()
	}
	return status
}

// Level reports whether this node holds all that it should hold as far as it can see, and knows all leaders.
func (h *Host) Level() bool {
	target := h.view.Load().target
	for i := range h.seats {
		s := &h.seats[i]
		s.mu.Lock()
		level := s.route.leader != 0 &&
			(!slices.Contains(target[i], h.config.Self) || slices.Contains(s.route.voters, h.config.Self))
		s.mu.Unlock()
		if !level {
			return false
		}
	}
	return len(h.view.Load().nodes) > 0
}
