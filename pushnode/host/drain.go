package host

import "slices"

// Drain hands over what this node leads, as far as another copy is level, and keeps doing so: placement gives a node that drains
// nothing. It reports how many slots it leads still.
func (h *Host) Drain(now int64) (leads int) {
	for i := range h.seats {
		s := &h.seats[i]
		s.enter(now)
		if s.status.Leads {
			leads++
			s.abdicate()
		}
		s.leave()
	}
	return leads
}

// abdicate gives the lead to the copy that should have it of those that can.
func (s *seat) abdicate() {
	v := s.host.view.Load()
	if s.status.Transferring {
		return
	}
	for _, instance := range slices.Concat(v.target[s.index], s.copy.Copies().Voters) {
		if instance != s.host.config.Self && v.linked[instance] && v.able(instance) {
			s.transfer(instance)
			return
		}
	}
}
