package host_test

import (
	"maps"
	"slices"

	"halley/pushnode/channel"
)

// room is the presence of a channel, as the events say that it is.
type room struct {
	version uint64
	members map[string]string // data by session
	events  []channel.PresenceChanged
	changed moment
}

func sortedTexts[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// checkAttached holds I17: generations rise, and no two attaches get the same.
func (w *world) checkAttached(m *member, generation uint64) {
	session := w.sessions[m.session]
	if generation <= session.generation {
		w.fail("I17", "%s is attached under generation %d, after %d", m.session, generation, session.generation)
	}
	session.generation = generation
	if from := m.away.from; from != 0 && w.now-from >= m.grace()-second {
		session.owed = true
	}
}

// presence takes in an event that some node saw. Nodes may see it late, never another one, and nobody sees it before those that
// come before it.
func (w *world) presence(event channel.PresenceChanged) {
	seen := w.rooms[event.Channel]
	if seen == nil {
		seen = &room{members: map[string]string{}}
		w.rooms[event.Channel] = seen
	}
	if event.Version <= seen.version {
		known := seen.events[event.Version-1]
		if known.Action != event.Action || known.Member.Session != event.Member.Session {
			w.fail("I15", "version %d of %s is %s of %s, and %s of %s", event.Version, event.Channel.Name,
				known.Action, known.Member.Session, event.Action, event.Member.Session)
		}
		return
	}
	if event.Version != seen.version+1 {
		w.fail("I15", "%s goes from version %d to %d", event.Channel.Name, seen.version, event.Version)
	}
	seen.version, seen.changed = event.Version, w.now
	seen.events = append(seen.events, event)
	w.log("presence %s: %s %s, version %d", event.Channel.Name, event.Action, event.Member.Session, event.Version)
	w.checkPresence(seen, event)
}

// checkPresence holds I15: nobody enters twice or leaves twice, and who came back within its grace does not leave.
func (w *world) checkPresence(seen *room, event channel.PresenceChanged) {
	session := event.Member.Session
	_, in := seen.members[session]
	if in == (event.Action == channel.ActionEnter) {
		w.fail("I15", "%s of %s, a member: %v", event.Action, session, in)
	}
	if event.Action != channel.ActionLeave {
		seen.members[session] = string(event.Member.Data)
		return
	}
	delete(seen.members, session)
	known := w.sessions[session]
	m := known.member
	away := m.away.until == 0 && m.away.from != 0 && w.now-m.away.from >= m.grace()-second
	if !away && !known.owed && known.left == 0 {
		w.fail("I15", "%s leaves, away from %v until %v, now %v", session, m.away.from, m.away.until, w.now)
	}
	known.owed = false
}

// restSlack is what the end of a grace may take beyond it: the death of the node, sweeps, a clearing that is asked for again.
const restSlack = 20 * second

// checkMembers holds I15 and I16 when the cluster has come to rest: who should be a member is one.
func (w *world) checkMembers() {
	for _, id := range w.channels {
		n := w.anyNode()
		w.query(n, n.host.SlotOf(id.App, id.Name), channel.MembersQuery{Channel: id}, n.clock()+2000, func(answer channel.Answer, err error) {
			if err != nil {
				w.fail("I19", "nobody tells the members of %s: %v", id.Name, err)
				return
			}
			w.compareMembers(id, answer.(channel.MemberSet))
		})
	}
	w.run(w.now + 3*second)
}

func (w *world) compareMembers(id channel.ID, set channel.MemberSet) {
	told := map[string]string{}
	for _, one := range set.Members {
		told[one.Session] = string(one.Data)
	}
	if seen := w.rooms[id]; seen != nil && (set.Version != seen.version || !maps.Equal(told, seen.members)) {
		w.fail("I15", "%s has %v at %d, its events make it %v at %d", id.Name, told, set.Version, seen.members, seen.version)
	}
	for _, s := range w.subscribers {
		for _, f := range s.subs {
			if f.id == id && (f.roster.version != set.Version || !maps.Equal(f.roster.members, told)) {
				w.fail("I15", "%s sees %v at %d in %s, where are %v at %d", s.name, f.roster.members, f.roster.version, id.Name, told, set.Version)
			}
		}
	}
	for _, m := range w.members {
		data, is := told[m.session]
		delete(told, m.session)
		if m.room != id || m.session == "" {
			continue
		}
		silent := w.now - max(m.away.from, w.led)
		switch {
		case m.held != nil && m.entered && !m.doubt && (!is || data != m.data):
			w.fail("I15", "%s is connected and entered %s with %s: member %v with %s", m.session, id.Name, m.data, is, data)
		case m.held == nil && m.entered && w.now-m.away.from < ownGrace-second && !is:
			w.fail("I15", "%s is away since %v, and no member", m.session, m.away.from)
		case m.held == nil && is && silent > lostGrace+restSlack:
			w.fail("I16", "%s is away since %v, and a member", m.session, m.away.from)
		case m.held == nil && is && w.sessions[m.session].detached > m.away.from && silent > ownGrace+restSlack:
			w.fail("I16", "%s hung up at %v, and is a member", m.session, m.away.from)
		}
	}
	for _, session := range sortedTexts(told) {
		if w.now-max(w.sessions[session].left, w.led) > lostGrace+restSlack {
			w.fail("I16", "%s was given up at %v, and is a member of %s", session, w.sessions[session].left, id.Name)
		}
	}
}

// roster is a channel's members, as a client sees them.
type roster struct {
	version uint64
	members map[string]string
	synced  bool // else it asks for them
	asking  bool
}

// see takes in an event for one client.
func (e *edge) see(f *following, event channel.PresenceChanged) {
	r := &f.roster
	switch {
	case !r.synced || event.Version <= r.version:
		return
	case event.Version != r.version+1:
		e.sync(f)
		return
	}
	r.version = event.Version
	if event.Action == channel.ActionLeave {
		delete(r.members, event.Member.Session)
	} else {
		r.members[event.Member.Session] = string(event.Member.Data)
	}
}

// sync asks for all members of a channel.
func (e *edge) sync(f *following) {
	f.roster.synced = false
	if f.roster.asking || !e.n.alive || !slices.Contains(e.followers[f.id], f) {
		return
	}
	f.roster.asking = true
	query := channel.MembersQuery{Channel: f.id}
	e.n.w.after(0, func() {
		e.n.do(func() {
			asked := e.n.w.acked[f.id]
			e.n.w.query(e.n, e.n.host.SlotOf(f.id.App, f.id.Name), query, e.n.clock()+2000, func(answer channel.Answer, err error) {
				f.roster.asking = false
				if err != nil {
					e.n.w.after(e.n.w.between(100*millisecond, second), func() { e.sync(f) })
					return
				}
				e.n.w.checkFresh(f.id, asked, channel.Position{}, answer.(channel.MemberSet).Version)
				e.synced(f, answer.(channel.MemberSet))
			})
		})
	})
}

func (e *edge) synced(f *following, set channel.MemberSet) {
	f.roster = roster{version: set.Version, members: map[string]string{}, synced: true}
	for _, one := range set.Members {
		f.roster.members[one.Session] = string(one.Data)
	}
	if e.versions[f.id] > set.Version {
		e.sync(f)
	}
}
