package channel

// Remaining is one publication of a copy that nothing is applied to any more, and the position that it was told under.
type Remaining struct {
	Position    Position
	Publication *Publication
}

// Held returns the ids of all channels that the state holds, in order.
func (s *State) Held() []ID { return sorted(s.channels) }

// Remains returns what a held channel keeps, oldest first, and by which retention. It is for a copy whose generation of the slot has
// lost, and which hands over what the one that won does not have.
func (s *State) Remains(id ID) ([]Remaining, Retention) {
	held := s.channels[id]
	if held == nil {
		return nil, Retention{}
	}
	remains := make([]Remaining, held.history.len())
	for i := range remains {
		publication := held.history.ring.at(i)
		epoch := s.epoch(&held.numbering)
		epoch.Generation = held.given(publication.Offset)
		remains[i] = Remaining{Position: Position{Epoch: epoch, Offset: publication.Offset}, Publication: publication}
	}
	return remains, held.retention
}
