package channel

import "time"

// idleTTL is how long a channel is kept that holds nothing any more, so that one which comes and goes is not built anew each
// time.
const idleTTL = time.Minute

// channelState is a channel that the slot holds.
type channelState struct {
	numbering
	timer
	retention Retention // of the latest publish
	history   history
	ids       dedupe
	members   *members // nil: nobody
	version   uint64   // of presence
	touched   int64    // when it was last published to or its presence changed
}

// tombstone is what is left of a channel that was dropped: a publish before the deadline goes on with its numbers.
type tombstone struct {
	numbering
	timer
	version uint64
	until   int64
}

// hold returns the channel, which it begins, or takes up again, where it is not held.
func (s *State) hold(id ID) *channelState {
	if held := s.channels[id]; held != nil {
		return held
	}
	id = id.cloned()
	held := &channelState{timer: timer{id: id, kind: kindChannel}}
	if dropped := s.tombstones[id]; dropped != nil {
		held.numbering, held.version = dropped.numbering, dropped.version
		s.timers.remove(&dropped.timer)
		delete(s.tombstones, id)
		s.usage.Tombstones--
	} else {
		held.numbering = s.unbegun(id)
	}
	s.channels[id] = held
	s.usage.Channels++
	return held
}

// unbegun is the numbering that the channel would begin with now.
func (s *State) unbegun(id ID) numbering {
	return numbering{generation: s.generation, incarnation: *s.eras.of(id)}
}

// dedupeWindow is how long ids are remembered.
func (c *channelState) dedupeWindow() int64 {
	return max(DedupeWindow, c.retention.Age).Milliseconds()
}

func (c *channelState) deadline() int64 {
	at := int64(never)
	if c.history.len() > 0 {
		at = c.history.ring.at(0).Time + c.retention.Age.Milliseconds()
	}
	if c.ids.order.len() > 0 {
		at = min(at, c.ids.order.at(0).time+c.dedupeWindow())
	}
	if at == never && c.members.size() == 0 {
		return c.touched + idleTTL.Milliseconds()
	}
	return at
}

func (c *channelState) expire(s *State) {
	s.trim(c)
	deadline := c.deadline()
	if deadline > s.now {
		s.timers.reset(&c.timer, deadline)
		return
	}
	s.drop(c)
}

// trim lets go what the channel must not keep any longer.
func (s *State) trim(c *channelState) {
	publications, bytes := c.history.trim(c.retention, s.now)
	s.usage.Publications -= publications
	s.usage.Bytes -= bytes
	s.usage.DedupeIDs -= c.ids.trim(s.now - c.dedupeWindow())
}

// drop leaves a tombstone in the channel's place.
func (s *State) drop(c *channelState) {
	s.timers.remove(&c.timer)
	delete(s.channels, c.id)
	s.usage.Channels--
	dropped := &tombstone{
		numbering: c.numbering,
		timer:     timer{id: c.id, kind: kindTombstone},
		version:   c.version,
		until:     s.now + TombstoneTTL.Milliseconds(),
	}
	s.bury(dropped)
}

func (s *State) bury(dropped *tombstone) {
	s.tombstones[dropped.id] = dropped
	s.usage.Tombstones++
	s.timers.set(&dropped.timer, dropped.until)
}

func (t *tombstone) deadline() int64 { return t.until }

func (t *tombstone) expire(s *State) {
	s.timers.remove(&t.timer)
	delete(s.tombstones, t.id)
	s.usage.Tombstones--
	s.eras.forget(t.id, t.incarnation)
}
