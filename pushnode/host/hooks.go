package host

import (
	"math"
	"slices"
	"strings"

	"halley/pushnode/channel"
)

// Webhooks tell an app who came and who went. What it has been told is in the slot's state (channel/hooks.go); who is there is what the
// leader sees: subscribers by the counts of the nodes, members by the presence set. Where the two differ it proposes what it sees, at
// once where somebody came, after a while where nobody is there. It may be late to say that somebody is gone, never early: what a node
// does not tell, because it died, because its link broke, or because the lead is new, is no sign that nobody is there.

// Times in milliseconds.
const (
	// vacantAfter is how long nobody must have been there: who comes back sooner was never gone.
	vacantAfter = 3000
	// graceAfter is the same for the clients of a node that was lost, and those that a former leader knew: as with their presence.
	graceAfter = int64(channel.LostGrace / 1e6)
	// lookAgain is when to look once more where something is in the way of a decision.
	lookAgain = 1000
)

// attendance is somebody in a channel: a member's client, or, without one, anybody who follows it.
type attendance struct {
	id       channel.ID
	clientID string
}

func (a attendance) compare(b attendance) int {
	if order := a.id.Compare(b.id); order != 0 {
		return order
	}
	return strings.Compare(a.clientID, b.clientID)
}

// hooks is what a leader has to look at for apps that want to be told. It is gone with the lead.
type hooks struct {
	told   uint64               // number of the latest hook that was handed on
	seen   uint64               // number of the latest one that was reviewed
	due    map[attendance]int64 // who seems to be gone, or was not taken note of: when to look
	doubts map[channel.ID]int64 // channels whose subscribers may not all be told of, until when
}

func (k *hooks) init() {
	*k = hooks{due: make(map[attendance]int64), doubts: make(map[channel.ID]int64)}
}

// beginHooks is called when this node leads the slot: it looks at everybody of whom the state says, or should say, that they are there.
func (s *seat) beginHooks() {
	s.hooks.init()
	state := s.copy.State()
	state.EachPresent(func(id channel.ID, clientID string) {
		if clientID == "" {
			s.hooks.doubts[id] = s.now + graceAfter
		}
		s.noticeGone(attendance{id, clientID})
	})
	if state.Usage().Members == 0 {
		return
	}
	state.EachMember(math.MaxInt64, func(id channel.ID, one channel.Member, _ uint64) bool {
		s.notice(attendance{id, one.ClientID})
		return true
	})
}

// noticeCounts takes in what a node told of the subscribers of channels there: now, and before, which may have been all.
func (s *seat) noticeCounts(before map[channel.ID]int, now []subscribers) {
	for _, one := range now {
		s.noticeCount(one.id)
	}
	for _, id := range sortedIDs(before) {
		s.notice(attendance{id: id})
	}
}

func (s *seat) noticeCount(id channel.ID) {
	s.notice(attendance{id: id})
	if s.host.outside.Watched(id.App) {
		s.host.outside.Counted(id, s.subscribers(id))
	}
}

// noticeMember takes in that a client became a member, or is none any more.
func (s *seat) noticeMember(change channel.PresenceChanged) {
	if s.status.Settled && change.Only && change.Action != channel.ActionUpdate {
		s.notice(attendance{change.Channel, change.Member.ClientID})
	}
}

// noticeLost takes in that a node will not tell, or not for a while, how many subscribers channels have there.
func (s *seat) noticeLost(edge uint64, while int64) {
	if !s.status.Settled {
		return
	}
	for id := range s.followers.counts[edge] {
		if s.host.outside.Watched(id.App) {
			s.hooks.doubts[id] = max(s.hooks.doubts[id], s.now+while)
			s.noticeGone(attendance{id: id})
		}
	}
}

// notice looks at somebody who came, and has a look planned at who seems to be gone. It costs a look-up for apps that want nothing.
func (s *seat) notice(who attendance) {
	switch {
	case channel.Hidden(who.id.Name):
	case !s.host.outside.Watched(who.id.App) && !s.copy.State().Present(who.id, who.clientID):
	case s.isThere(who):
		s.look(who)
	default:
		s.noticeGone(who)
	}
}

// noticeGone has a look planned, unless a later one is.
func (s *seat) noticeGone(who attendance) {
	at := s.now + vacantAfter
	if who.clientID == "" {
		at = max(at, s.hooks.doubts[who.id])
	}
	s.hooks.due[who] = max(at, s.hooks.due[who])
}

func (s *seat) isThere(who attendance) bool {
	if who.clientID == "" {
		return s.subscribers(who.id) > 0
	}
	return s.copy.State().IsMember(who.id, who.clientID)
}

// look compares what there is with what was told, and proposes what is news. A proposal ends in the state, or with the lead.
func (s *seat) look(who attendance) {
	delete(s.hooks.due, who)
	there := s.isThere(who)
	if there == s.copy.State().Present(who.id, who.clientID) {
		return
	}
	if !there && who.clientID == "" && !s.hearsAll() {
		s.hooks.due[who] = s.now + lookAgain
		return
	}
	if _, err := s.propose(channel.Occupy{Channel: who.id, ClientID: who.clientID, Present: there}); err != nil {
		s.hooks.due[who] = s.now + lookAgain // its log takes nothing now
	}
}

// hearsAll reports whether a link reaches every node that there is: of others it is not known whether they have subscribers.
func (s *seat) hearsAll() bool {
	v := s.host.view.Load()
	return !slices.ContainsFunc(v.nodes, func(one Node) bool {
		return one.Instance != s.host.config.Self && !v.linked[one.Instance]
	})
}

// sweepHooks takes the looks that are due, and hands on what was not taken before.
func (s *seat) sweepHooks() {
	var due []attendance
	for who, at := range s.hooks.due {
		if at <= s.now {
			due = append(due, who)
		}
	}
	slices.SortFunc(due, attendance.compare)
	for _, who := range due {
		s.look(who)
	}
	for id, until := range s.hooks.doubts {
		if until <= s.now {
			delete(s.hooks.doubts, id)
		}
	}
	s.handHooks()
}

// handHooks gives hooks that became known to whoever tells them.
func (s *seat) handHooks() {
	if !s.status.Settled || s.copy.State().HookHead() == s.hooks.told {
		return
	}
	s.review()
	news := s.copy.State().HooksAfter(s.hooks.told, channel.MaxHooks)
	if len(news) == 0 {
		s.hooks.told = s.copy.State().HookHead()
		return
	}
	if taken := s.host.outside.Hooked(s.index, news); taken > 0 {
		s.hooks.told = news[taken-1].Number
	}
}

// review looks once at whoever the latest hooks are about: they may have come or gone while what the hook says was on its way into the
// log.
func (s *seat) review() {
	for _, one := range s.copy.State().HooksAfter(s.hooks.seen, channel.MaxHooks) {
		s.hooks.seen = one.Number
		if who := (attendance{one.Channel, one.ClientID}); s.isThere(who) != one.Present {
			s.notice(who)
		}
	}
}

// HookWaits reports whether a hook that was handed over is still this node's to tell: it leads the slot, and nobody has announced it.
func (h *Host) HookWaits(index int, number uint64) bool {
	s := &h.seats[index]
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status.Settled && s.copy != nil && s.copy.State().HookWaits(number)
}
