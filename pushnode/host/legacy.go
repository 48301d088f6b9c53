package host

import "halley/pushnode/channel"

// Legacy is what the copies of a node held of a cluster that it leaves for another one, because both were founded apart and have met: the
// publications are imported there. It is to be given to the Config of the node's next host.
type Legacy struct{ bequests []bequest }

// bequest is what one copy held.
type bequest struct {
	slot  int
	state *channel.State
}

// Empty reports whether nothing was held.
func (l *Legacy) Empty() bool { return l == nil || len(l.bequests) == 0 }

// Legacy takes all that the copies of this node hold, and its estates. The host must not be used any more.
func (h *Host) Legacy() *Legacy {
	legacy := new(Legacy)
	for i := range h.seats {
		s := &h.seats[i]
		s.mu.Lock()
		estates := s.estates
		if s.copy != nil && !s.status.Empty {
			estates = append(estates, newEstate(s, s.copy, s.status.Generation))
		}
		for _, e := range estates {
			if len(e.state.Held()) > 0 {
				legacy.bequests = append(legacy.bequests, bequest{slot: i, state: e.state})
			}
		}
		s.mu.Unlock()
	}
	return legacy
}

// inherit has the estates of a legacy handed over as soon as their slots have leaders.
func (h *Host) inherit(legacy *Legacy) {
	if legacy == nil {
		return
	}
	for _, one := range legacy.bequests {
		s := &h.seats[one.slot]
		s.estates = append(s.estates, &estate{seat: s, state: one.state, foreign: true})
	}
}

// bequeaths reports whether something is still to be handed over that nobody else may have.
func (s *seat) bequeaths() bool {
	for _, e := range s.estates {
		if !e.done {
			return true
		}
	}
	return false
}
