package host

import (
	"cmp"
	"errors"

	"halley/pushnode/channel"
)

const (
	// clearTime is how long the clearing of one session's presence may take before it is left to the next PresenceDue, in
	// milliseconds.
	clearTime = 10_000
	// maxClearing bounds how many sessions are cleared at a time. The others are asked for again by their slots.
	maxClearing = 4096
)

// clearing is the memberships of one session being ended, in the slots of their channels.
type clearing struct {
	host  *Host
	slot  int // of the session
	due   channel.PresenceDue
	begun int64
}

// clear ends the memberships of a session that stayed away beyond its grace, once the seat is free.
func (s *seat) clear(due channel.PresenceDue) {
	if s.host.clearing.Add(1) > maxClearing {
		s.host.clearing.Add(-1)
		return
	}
	c := &clearing{host: s.host, slot: s.index, due: due, begun: s.now}
	s.finished = append(s.finished, finished{done: func(Reply) { c.leave(0) }})
}

// leave ends the membership in one channel after the other.
func (c *clearing) leave(i int) {
	if i == len(c.due.Channels) {
		c.cleared()
		return
	}
	id := channel.ID{App: c.due.App, Name: c.due.Channels[i]}
	leave := channel.LeavePresence{
		Channel: id, Session: c.due.Session, Generation: c.due.Generation,
		ClientID: cmp.Or(c.due.ClientID, c.due.Session), // of an anonymous member the session id stands in
		Final:    true,
	}
	c.host.Propose(c.begun, c.host.SlotOf(id.App, id.Name), leave, c.begun+clearTime, func(reply Reply) {
		if reply.Err != nil && !errors.Is(reply.Err, channel.ErrGeneration) { // who came back and entered again stays
			c.host.clearing.Add(-1)
			return
		}
		c.leave(i + 1)
	})
}

// cleared tells the session's slot, which would ask again.
func (c *clearing) cleared() {
	report := channel.PresenceCleared{
		App: c.due.App, Session: c.due.Session, Channels: c.due.Channels, Generation: c.due.Generation,
	}
	c.host.Propose(c.begun, c.slot, report, c.begun+clearTime, func(Reply) { c.host.clearing.Add(-1) })
}
