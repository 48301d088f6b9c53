package history

import (
	"maps"
	"slices"
	"time"
)

// sight is that somebody takes a session for a member.
type sight struct{ client, channel, session string }

// session is what its own client knows of it.
type session struct {
	away     time.Duration // since when it is disconnected; only if gone
	gone     bool
	ended    bool
	endedAt  time.Duration
	absences []absence
	channels []string // of which it is a member
}

// absence is a time for which a session's client had no connection.
type absence struct{ from, to time.Duration }

func (c *checker) session(id string) *session {
	s := c.sessions[id]
	if s == nil {
		s = &session{}
		c.sessions[id] = s
	}
	return s
}

// presence takes what happens to sessions and members.
func (c *checker) presence(e *Event) {
	switch e.Kind {
	case Connected:
		c.connected(e)
	case Disconnected:
		if s := c.session(e.Session); !s.gone {
			s.gone, s.away = true, e.At
		}
	case Entered:
		s := c.session(e.Session)
		if !slices.Contains(s.channels, e.Channel) {
			s.channels = append(s.channels, e.Channel)
		}
	case Ended:
		s := c.session(e.Session)
		s.ended, s.endedAt = true, e.At
	case MemberEnter:
		seen := sight{e.Client, e.Channel, e.Session}
		if c.sights[seen] && c.rules.Grace > 0 && !c.rules.Breaks {
			c.violate(Flapped, e, "it enters, and is a member already")
		}
		c.sights[seen] = true
	case MemberLeave:
		delete(c.sights, sight{e.Client, e.Channel, e.Session})
		c.leaves = append(c.leaves, *e)
	case Present:
		c.count(e.Channel)[e.Session] = true
	case Counted:
		c.count(e.Channel)
	}
}

func (c *checker) count(channel string) map[string]bool {
	if c.counted[channel] == nil {
		c.counted[channel] = make(map[string]bool)
	}
	return c.counted[channel]
}

func (c *checker) connected(e *Event) {
	s := c.session(e.Session)
	if e.Lost {
		if !c.rules.Breaks {
			c.violate(SessionLost, e, "it was asked for in time, and another one was given")
		}
		s.ended, s.endedAt = true, e.At
		return
	}
	if s.gone {
		s.absences = append(s.absences, absence{s.away, e.At})
		s.gone = false
	}
}

// judgePresence holds I15 (no leave of a session that came back within its grace, and at rest the members are the sessions) and I16
// (no ghosts).
func (c *checker) judgePresence() {
	if c.rules.Grace == 0 {
		return
	}
	for i := range c.leaves {
		if leave := &c.leaves[i]; !c.rules.Breaks && !c.session(leave.Session).mayLeave(leave.At, c.rules) {
			c.violate(Flapped, leave, "it leaves, and was never away for %v", c.rules.Grace)
		}
	}
	for _, channel := range slices.Sorted(maps.Keys(c.counted)) {
		listed := c.counted[channel]
		for _, id := range slices.Sorted(maps.Keys(c.sessions)) {
			s := c.sessions[id]
			shown := &Event{At: c.at, Channel: channel, Session: id}
			member := slices.Contains(s.channels, channel)
			switch {
			case member && !s.ended && !s.gone && !listed[id]:
				c.violate(Forgotten, shown, "it is connected, and not listed")
			case listed[id] && (s.ended || !member):
				c.violate(Ghost, shown, "it is listed, and has ended or never entered")
			}
		}
		for _, id := range slices.Sorted(maps.Keys(listed)) {
			if c.sessions[id] == nil {
				c.violate(Ghost, &Event{At: c.at, Channel: channel, Session: id}, "it is listed, and nobody is it")
			}
		}
	}
}

// mayLeave reports whether a leave that was seen at a time can be right.
func (s *session) mayLeave(at time.Duration, rules Rules) bool {
	if s.ended && s.endedAt <= at {
		return true
	}
	if s.gone && s.away-rules.Silence+rules.Grace <= at {
		return true
	}
	return slices.ContainsFunc(s.absences, func(a absence) bool {
		long := a.to-a.from+rules.Silence >= rules.Grace
		return long && a.from-rules.Silence+rules.Grace <= at
	})
}
