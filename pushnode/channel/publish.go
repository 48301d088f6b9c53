package channel

// publish appends a publication, or answers with the position that its id has already.
func (s *State) publish(c Publish) Result {
	held := s.hold(c.Channel)
	s.digest.text(c.Channel.Name)
	key := keyOf(c.ID)
	s.digest.bytes(key[:8])
	if offset, seen := held.ids.find(key); seen {
		again := held.ids.storedBy(c.Attempt, offset, held.head)
		return Result{ID: c.ID, Position: Position{Epoch: s.epoch(&held.numbering), Offset: offset}, Duplicate: !again}
	}
	publication := &Publication{ID: c.ID, Event: c.Event, Data: c.Data, Exclude: c.Exclude, ClientID: c.ClientID, Time: s.now}
	epoch := s.append(held, seenID{key: key, attempt: c.Attempt, time: s.now}, publication, c.Retention)
	return Result{ID: c.ID, Position: Position{Epoch: epoch, Offset: held.head}}
}

// append gives a publication the channel's next offset. It returns the epoch. What is seen is its id, which is remembered from now on,
// whatever the publication's own time.
func (s *State) append(held *channelState, seen seenID, publication *Publication, keep Retention) Epoch {
	held.head++
	held.retention = keep
	held.touched = s.now
	publication.Offset = held.head
	s.digest.bytes(publication.Data)
	s.digest.text(publication.ClientID)
	s.keep(held, publication)
	held.ids.add(seen, held.head)
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
