package channel

// publish appends a publication, or answers with the position that its id has already.
func (s *State) publish(c Publish) Result {
	held := s.hold(c.Channel)
	s.digest.text(c.Channel.Name)
	key := keyOf(c.ID)
	s.digest.bytes(key[:8])
	if offset, seen := held.ids.offsets[key]; seen {
		return Result{ID: c.ID, Position: Position{Epoch: s.epoch(&held.numbering), Offset: offset}, Duplicate: true}
	}
	publication := &Publication{ID: c.ID, Event: c.Event, Data: c.Data, Exclude: c.Exclude, Time: s.now}
	epoch := s.append(held, key, publication, c.Retention)
	return Result{ID: c.ID, Position: Position{Epoch: epoch, Offset: held.head}}
}

// append gives a publication the channel's next offset. It returns the epoch. The key is that of its id, which is remembered from
// now on, whatever the publication's own time.
func (s *State) append(held *channelState, key idKey, publication *Publication, keep Retention) Epoch {
	held.head++
	held.retention = keep
	held.touched = s.now
	publication.Offset = held.head
	s.digest.bytes(publication.Data)
	s.keep(held, publication)
	held.ids.add(key, s.now, held.head)
	s.usage.DedupeIDs++
	s.trim(held)
	s.timers.set(&held.timer, held.deadline())
	epoch := s.epoch(&held.numbering)
	s.emit(Published{Channel: held.id, Epoch: epoch, Publication: publication})
	return epoch
}

// keep puts a publication into the history.
func (s *State) keep(held *channelState, publication *Publication) {
	held.history.push(publication)
	s.usage.Publications++
	s.usage.Bytes += publication.size()
}
