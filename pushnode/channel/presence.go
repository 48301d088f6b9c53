package channel

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// memberKey is what a member is unique by in its channel.
type memberKey struct {
	clientID string
	session  string
}

type member struct {
	generation uint64 // of the session, when it last entered
	data       []byte
}

// enter makes a member or changes its data. To come back under a later generation with the same data is no event: nobody but the
// slot needs to know that a session has moved.
func (s *State) enter(c EnterPresence) Result {
	s.digest.text(c.Channel.Name)
	s.digest.text(c.ClientID)
	s.digest.bytes(c.Data)
	key := memberKey{clientID: c.ClientID, session: c.Session}
	var known *member
	held := s.channels[c.Channel]
	if held != nil {
		known = held.members[key]
	}
	switch {
	case known == nil && held != nil && c.Max > 0 && len(held.members) >= c.Max:
		return Result{Err: ErrPresenceFull, Version: held.version}
	case known == nil:
		return s.enterNew(s.hold(c.Channel), c)
	case c.Generation < known.generation:
		return Result{Err: ErrGeneration, Version: held.version}
	case c.Generation > known.generation && bytes.Equal(c.Data, known.data):
		known.generation = c.Generation
		return Result{Version: held.version}
	}
	known.generation, known.data = c.Generation, bytes.Clone(c.Data)
	s.presenceChanged(held, ActionUpdate, key, known.data)
	return Result{Version: held.version}
}

func (s *State) enterNew(held *channelState, c EnterPresence) Result {
	key := memberKey{clientID: strings.Clone(c.ClientID), session: strings.Clone(c.Session)}
	entered := &member{generation: c.Generation, data: bytes.Clone(c.Data)}
	s.join(held, key, entered)
	s.presenceChanged(held, ActionEnter, key, entered.data)
	return Result{Version: held.version}
}

// join puts a member into the set.
func (s *State) join(held *channelState, key memberKey, entered *member) {
	if held.members == nil {
		held.members = make(map[memberKey]*member)
	}
	held.members[key] = entered
	s.usage.Members++
}

// leave ends a membership, unless the session has entered again under a later generation.
func (s *State) leave(c LeavePresence) Result {
	s.digest.text(c.Channel.Name)
	s.digest.text(c.ClientID)
	held := s.channels[c.Channel]
	if held == nil {
		return Result{Version: s.look(c.Channel).version}
	}
	key := memberKey{clientID: c.ClientID, session: c.Session}
	known := held.members[key]
	if known == nil {
		return Result{Version: held.version}
	}
	if c.Generation < known.generation {
		return Result{Err: ErrGeneration, Version: held.version}
	}
	delete(held.members, key)
	s.usage.Members--
	if len(held.members) == 0 {
		held.members = nil // a map does not shrink by itself
	}
	s.presenceChanged(held, ActionLeave, key, known.data)
	return Result{Version: held.version}
}

func (s *State) presenceChanged(held *channelState, action Action, key memberKey, data []byte) {
	held.version++
	held.touched = s.now
	s.timers.set(&held.timer, held.deadline())
	s.emit(PresenceChanged{
		Channel: held.id,
		Action:  action,
		Member:  Member{ClientID: key.clientID, Session: key.session, Data: data},
		Version: held.version,
	})
}

// Members returns a channel's presence set, ordered by client id and session, and its version. The data is shared: not to be
// changed.
func (s *State) Members(id ID) ([]Member, uint64) {
	seen := s.look(id)
	var members []Member
	for key, one := range seen.members {
		members = append(members, Member{ClientID: key.clientID, Session: key.session, Data: one.data})
	}
	slices.SortFunc(members, func(a, b Member) int {
		return cmp.Or(strings.Compare(a.ClientID, b.ClientID), strings.Compare(a.Session, b.Session))
	})
	return members, seen.version
}
