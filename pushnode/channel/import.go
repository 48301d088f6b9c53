package channel

// importAll appends what the channel does not have. Its order is that of the command: times are bent to it, for what is kept is
// let go by age from the oldest on.
func (s *State) importAll(c Import) Result {
	s.digest.text(c.Channel.Name)
	if len(c.Publications) > 0 {
		held := s.hold(c.Channel)
		for i := range c.Publications {
			s.importOne(held, &c.Publications[i], c.Retention)
		}
	}
	seen := s.look(c.Channel)
	return Result{Position: Position{Epoch: s.epoch(&seen.numbering), Offset: seen.head}}
}

func (s *State) importOne(held *channelState, one *Imported, keep Retention) {
	key := keyOf(one.ID)
	s.digest.bytes(key[:8])
	if _, seen := held.ids.find(key); seen {
		return
	}
	at := min(one.Timestamp, s.now) // the other cluster's clock may be ahead
	if kept := held.history.len(); kept > 0 {
		at = max(at, held.history.ring.at(kept-1).Time)
	}
	s.digest.number(uint64(at))
	publication := &Publication{
		ID: one.ID, Event: one.Event, Data: one.Data, Exclude: one.Exclude, ClientID: one.ClientID, Time: at,
	}
	s.append(held, seenID{key: key, time: s.now}, publication, keep)
}
