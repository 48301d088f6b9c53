package host

import "slices"

// Drain hands over what this node leads, as far as another copy is level. It wants to be called again and again: it reports how many
// slots this node leads still, and of how many it has a copy that somebody may count on, or an estate that nobody else has. A node whose
// peers know that it leaves gets rid of both; a node that is alone gets rid of neither.
func (h *Host) Drain(now int64) (leads, holds int) {
	for i := range h.seats {
		s := &h.seats[i]
		s.enter(now)
		if s.copy != nil || s.bequeaths() {
			holds++
		}
		if s.status.Leads {
			leads++
			s.abdicate(false)
		}
		s.leave()
	}
	return leads, holds
}

// abdicate gives the lead to the copy that should have it of those that can. A node that only would rather not lead does not give it to
// one that has given it back: two of that kind would do nothing else.
func (s *seat) abdicate(choosy bool) {
	v := s.host.view.Load()
	if s.status.Transferring {
		return
	}
	for _, instance := range slices.Concat(v.target[s.index], s.copy.Copies().Voters) {
		if instance == s.host.config.Self || !v.linked[instance] || !v.able(instance) || choosy && s.shuns(instance) {
			continue
		}
		if s.transfer(instance) {
			return
		}
	}
}
