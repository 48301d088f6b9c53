package host

// Report is what an operator wants to know of this node's slots.
type Report struct {
	Slots      int         `json:"slots"`      // of the cluster
	Leads      int         `json:"leads"`      // here
	Copies     int         `json:"copies"`     // here
	Leaderless int         `json:"leaderless"` // as far as this node knows
	Stuck      int         `json:"stuck"`      // copies here that reach no majority
	Lost       int         `json:"lost"`       // of them, those that never will
	Waits      []uint64    `json:"-"`          // instances whose death or return would let lost slots go on
	Changing   int         `json:"changing"`   // led here, with copies on the move
	Waiting    int         `json:"waiting"`    // requests without an outcome
	Shy        bool        `json:"shy"`        // it should lead nothing for a while
	Hooks      int         `json:"-"`          // of slots that are led here: what apps are still to be told
	LostHooks  uint64      `json:"-"`          // likewise: let go of untold, as long as the slots remember
	Followers  []Followers `json:"-"`          // copies elsewhere of slots that are led here, by instance
}

// Followers is how far an instance's copies of the slots led here have come.
type Followers struct {
	Instance  uint64
	Copies    int
	Behind    int    // copies that lack something committed
	Suspended int    // copies that get, or wait for, a whole state
	Entries   uint64 // that they lack
	Bytes     int
}

// Report looks at all slots.
func (h *Host) Report(now int64) Report {
	report := Report{Slots: len(h.seats), Waiting: int(h.waiting.Load()), Shy: h.shy(now)}
	waits, followers := make(map[uint64]bool), make(map[uint64]*Followers)
	for i := range h.seats {
		status := h.Status(i)
		for _, instance := range status.Waits {
			waits[instance] = true
		}
		report.Leaderless += one(status.Leader == 0)
		report.Leads += one(status.Leads)
		report.Copies += one(status.Copy)
		report.Stuck += one(status.Stuck)
		report.Lost += one(status.Lost)
		report.Changing += one(status.Changing)
		h.seats[i].addFollowers(followers)
		h.seats[i].addHooks(&report)
	}
	report.Waits = sortedKeys(waits)
	for _, instance := range sortedKeys(followers) {
		report.Followers = append(report.Followers, *followers[instance])
	}
	return report
}

func one(counts bool) int {
	if counts {
		return 1
	}
	return 0
}

// addHooks adds what apps are still to be told of a slot that is led here.
func (s *seat) addHooks(report *Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.copy == nil || !s.status.Leads {
		return
	}
	waiting, lost := s.copy.State().WaitingHooks()
	report.Hooks += waiting
	report.LostHooks += lost
}

// addFollowers adds the copies elsewhere of a slot that is led here.
func (s *seat) addFollowers(all map[uint64]*Followers) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.copy == nil {
		return
	}
	for _, progress := range s.copy.Progress() {
		if progress.Instance == s.host.config.Self {
			continue
		}
		f := all[progress.Instance]
		if f == nil {
			f = &Followers{Instance: progress.Instance}
			all[progress.Instance] = f
		}
		f.Copies++
		f.Behind += one(!progress.Level)
		f.Suspended += one(progress.Suspended)
		f.Entries += progress.Entries
		f.Bytes += progress.Bytes
	}
}
