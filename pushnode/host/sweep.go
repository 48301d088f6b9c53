package host

import (
	"halley/pushnode/channel"
)

// sweepInterval is how often a leader looks after its slot, in milliseconds.
const sweepInterval = 1000

// edgeLostAfter is how long (milliseconds) a node must be no member before the sessions that it held count as detached.
const edgeLostAfter = 2000

// sweep lets what is too old go, notices nodes that died with sessions, and moves copies to where they belong.
func (s *seat) sweep() {
	if !s.status.Settled {
		return
	}
	s.move()
	if s.now < s.swept+sweepInterval {
		return
	}
	s.swept = s.now
	if s.host.shy(s.now) {
		s.abdicate(true)
	}
	state := s.copy.State()
	if deadline, due := state.NextDeadline(); due && deadline <= s.now {
		_, _ = s.propose(channel.Advance{}) // what cannot be taken now is proposed at the next sweep
	}
	for _, edge := range state.Edges() {
		if s.host.missedFor(s.now, edge) >= edgeLostAfter {
			_, _ = s.propose(channel.EdgeLost{Edge: edge})
		}
	}
	s.inquire()
	s.sweepHooks()
	for _, edge := range sortedKeys(s.followers.counts) {
		if s.host.missedFor(s.now, edge) >= edgeLostAfter {
			s.noticeLost(edge, graceAfter)
			delete(s.followers.counts, edge)
		}
	}
}
