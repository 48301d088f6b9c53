package channel

import (
	"bytes"
	"slices"
	"strings"
)

// enter makes a member or changes its data. To enter again with the same data is no event: a session has moved, or a client asks again
// that does not know what came of it (section 4.2 of web/docs/protocol.md).
func (s *State) enter(c EnterPresence) Result {
	s.digest.text(c.Channel.Name)
	s.digest.text(c.ClientID)
	s.digest.bytes(c.Data)
	s.digest.number(c.Attempt)
	key := memberKey{clientID: c.ClientID, session: c.Session}
	if s.departed(c.Channel, key, c.Generation) {
		return Result{Err: ErrGeneration, Version: s.look(c.Channel).version}
	}
	var known *member
	held := s.channels[c.Channel]
	if held != nil {
		known = held.members.find(key)
	}
	switch {
	case known == nil && held != nil && c.Max > 0 && held.members.size() >= c.Max:
		return Result{Err: ErrPresenceFull, Version: held.version}
	case known == nil:
		return s.enterNew(s.hold(c.Channel), c)
	case c.Generation < known.generation:
		return Result{Err: ErrGeneration, Version: held.version}
	case c.Attempt != 0 && c.Attempt == known.attempt && c.Generation == known.generation:
		return Result{Version: held.version}
	}
	quiet := bytes.Equal(c.Data, known.data)
	known.generation, known.attempt, known.since = c.Generation, c.Attempt, s.now
	if quiet {
		return Result{Version: held.version}
	}
	known.data = bytes.Clone(c.Data)
	s.presenceChanged(held, ActionUpdate, present{c.ClientID, known}, held.members.only(c.ClientID))
	return Result{Version: held.version}
}

func (s *State) enterNew(held *channelState, c EnterPresence) Result {
	clientID := strings.Clone(c.ClientID)
	entered := &member{
		session: strings.Clone(c.Session), generation: c.Generation, attempt: c.Attempt, since: s.now, data: bytes.Clone(c.Data),
	}
	s.join(held, clientID, entered)
	s.presenceChanged(held, ActionEnter, present{clientID, entered}, held.members.only(clientID))
	return Result{Version: held.version}
}

// join puts a member into the set.
func (s *State) join(held *channelState, clientID string, entered *member) {
	if held.members == nil {
		held.members = &members{clients: make(map[string]*member)}
	}
	held.members.add(clientID, entered)
	s.usage.Members++
}

// leave ends a membership, unless the session has entered again under a later generation.
func (s *State) leave(c LeavePresence) Result {
	s.digest.text(c.Channel.Name)
	s.digest.text(c.ClientID)
	key := memberKey{clientID: c.ClientID, session: c.Session}
	if c.Final {
		s.digest.number(c.Generation)
		s.departures.add(departure{key: departureKey(c.Channel, key), generation: c.Generation, time: s.now})
	}
	held := s.channels[c.Channel]
	if held == nil {
		return Result{Version: s.look(c.Channel).version}
	}
	known := held.members.find(key)
	if known == nil {
		return Result{Version: held.version}
	}
	if c.Generation < known.generation {
		return Result{Err: ErrGeneration, Version: held.version}
	}
	left, only := *known, held.members.only(c.ClientID)
	held.members.remove(key)
	s.usage.Members--
	if held.members.size() == 0 {
		held.members = nil // a map does not shrink by itself
	}
	s.presenceChanged(held, ActionLeave, present{c.ClientID, &left}, only)
	return Result{Version: held.version}
}

func (s *State) presenceChanged(held *channelState, action Action, who present, only bool) {
	held.version++
	held.touched = s.now
	s.digest.number(uint64(held.members.users()))
	s.timers.set(&held.timer, held.deadline())
	s.emit(PresenceChanged{
		Channel: held.id,
		Action:  action,
		Member:  who.public(),
		Only:    only,
		Version: held.version,
	})
}

// Members returns a channel's presence set, ordered by client id and session, and its version. The data is shared: not to be
// changed.
func (s *State) Members(id ID) ([]Member, uint64) {
	seen := s.look(id)
	var list []Member
	for _, one := range seen.members.sorted() {
		list = append(list, one.public())
	}
	return list, seen.version
}

// EachMember calls do for each member of the slot's channels that last entered before a moment (Unix milliseconds), ordered by
// channel, client id and session, until it returns false. The leader asks the slots of the sessions about them. It looks at every
// channel of the slot. The data is shared: not to be changed.
func (s *State) EachMember(before int64, do func(id ID, one Member, generation uint64) bool) {
	for _, held := range s.peopled() {
		for _, one := range held.members.sorted() {
			if one.since < before && !do(held.id, one.public(), one.generation) {
				return
			}
		}
	}
}

// peopled is the channels that have members, in order.
func (s *State) peopled() []*channelState {
	var found []*channelState
	for _, held := range s.channels {
		if held.members.size() > 0 {
			found = append(found, held)
		}
	}
	slices.SortFunc(found, func(a, b *channelState) int { return a.id.Compare(b.id) })
	return found
}
