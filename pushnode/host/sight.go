package host

// blindAfter is how long (milliseconds) nothing may be heard of a slot before those who follow its channels are told so.
const blindAfter = 2000

// Sight is how much of the cluster a node hears of.
type Sight struct {
	Blind      []int // slots with channels that are followed here, of which nothing has been heard for 2 s
	Leaderless int   // slots whose leader this node neither is nor hears, nor has a link to
}

// Sight returns what this node hears of. It looks at every slot.
func (h *Host) Sight(now int64) (sight Sight) {
	v := h.view.Load()
	for i := range h.seats {
		s := &h.seats[i]
		s.mu.Lock()
		if since := s.interest.blind; since != 0 && now >= since+blindAfter {
			sight.Blind = append(sight.Blind, i)
		}
		if !v.linked[s.route.leader] && !s.hearsLeader(now) {
			sight.Leaderless++
		}
		s.mu.Unlock()
	}
	return sight
}

// hearsLeader reports whether our own copy leads, or hears its leader.
func (s *seat) hearsLeader(now int64) bool {
	return s.copy != nil && s.status.Leader != 0 && (s.status.Leads || now < s.election.heardAt+deaf)
}

// noteSight notes since when channels are followed here without a source.
func (s *seat) noteSight() {
	i := &s.interest
	switch {
	case i.source != 0 || len(i.channels) == 0:
		i.blind = 0
	case i.blind == 0:
		i.blind = s.now
	}
}
