package host

import "halley/pushnode/slot"

// lived is the latest life (package slot) that this node's copy of a slot had and that is over. A life in which the copy held something
// has promised something, and does not begin again: an old leader that does not know that it is over would take the answers of an empty
// copy for those of the one that was. An empty copy has promised nothing, and may.
type lived struct {
	generation uint32
	life       uint32 // 0: that of a founder, or none
	fell       bool   // it ended by a fault, and others may count on it still
}

// begins reports whether a message gives this node an empty copy, in the place of the one that it has, if it has one: it comes from a
// leader that wants a copy in a later life, or of a later generation. The copy in its place is none of the slot's any more, and nobody
// needs its vote: slot.Change adds nobody before that is so.
func (s *seat) begins(m slot.Message) bool {
	last := s.lived
	if s.copy != nil {
		last = lived{generation: s.status.Generation, life: s.status.Life}
	}
	switch {
	case !m.Begins() || m.Life() == 0:
		return false
	case m.Generation() != last.generation:
		return m.Generation() > last.generation
	default:
		return slot.Later(m.Life(), last.life)
	}
}

// discard lets go of our copy, whatever it holds.
func (s *seat) discard() {
	if s.copy == nil {
		return
	}
	if !s.status.Empty {
		s.lived = lived{generation: s.status.Generation, life: s.status.Life}
	}
	s.copy, s.status = nil, slot.Status{}
	s.host.learning.Add(int64(-s.learners))
	s.learners = 0
	s.lose(true, 0)
	s.lost()
	s.followers.gone(s)
	s.chooseSource()
}
