package host_test

import (
	"slices"

	"halley/pushnode/channel"
)

// edge does what package session does for clients, as far as the cluster can tell: it follows channels, hands on what is delivered in
// order, and asks history for what is missing.
type edge struct {
	n         *node
	followers map[channel.ID][]*following
	heads     map[channel.ID]channel.Position // what was delivered last
	versions  map[channel.ID]uint64           // of presence, the latest heard of
	sessions  map[string]*attachment
	voided    map[string]uint64 // generations that took sessions away from here
	asking    map[int]bool      // slots whose sessions' fates are being asked for
}

// following is one subscription of a client at this edge.
type following struct {
	client *subscriber
	id     channel.ID
	live   bool // else it is being fed from history
	asking bool
	roster roster
}

func (e *edge) init(n *node) {
	e.n, e.followers, e.heads = n, map[channel.ID][]*following{}, map[channel.ID]channel.Position{}
	e.versions, e.sessions, e.voided, e.asking = map[channel.ID]uint64{}, map[string]*attachment{}, map[string]uint64{}, map[int]bool{}
}

// join begins a subscription at the place where the client stands.
func (e *edge) join(client *subscriber, id channel.ID) *following {
	f := &following{client: client, id: id}
	e.followers[id] = append(e.followers[id], f)
	e.tell(id)
	e.feed(f)
	e.sync(f)
	return f
}

func (e *edge) leave(f *following) {
	e.followers[f.id] = slices.DeleteFunc(e.followers[f.id], func(one *following) bool { return one == f })
	if len(e.followers[f.id]) == 0 {
		delete(e.heads, f.id)
	}
	e.tell(f.id)
}

func (e *edge) tell(id channel.ID) {
	e.n.host.Follow(e.n.clock(), e.n.host.SlotOf(id.App, id.Name), id, len(e.followers[id]))
}

// gone cuts all clients off.
func (e *edge) gone() {
	for _, client := range e.n.w.subscribers {
		if client.at == e.n {
			client.cutOff()
		}
	}
	for _, v := range e.n.w.visitors {
		if v.at == e.n {
			v.nodeDied()
		}
	}
	for _, m := range e.n.w.members {
		if m.at == e.n {
			m.nodeDied()
		}
	}
}

func (e *edge) deliver(effect channel.Effect) {
	switch effect := effect.(type) {
	case channel.Published:
		position := channel.Position{Epoch: effect.Epoch, Offset: effect.Publication.Offset}
		if len(e.followers[effect.Channel]) == 0 || later(e.heads[effect.Channel], position) {
			return
		}
		e.heads[effect.Channel] = position
		for _, f := range e.followers[effect.Channel] {
			e.offer(f, position, messageOf(effect.Publication.ID))
		}
	case channel.PresenceChanged:
		e.n.w.presence(effect)
		e.versions[effect.Channel] = max(e.versions[effect.Channel], effect.Version)
		for _, f := range e.followers[effect.Channel] {
			e.see(f, effect)
		}
	case channel.SessionMoved:
		if effect.From == e.n.instance {
			e.void(effect.Session, effect.Generation)
		}
	case channel.SessionEnded:
		if a := e.sessions[effect.Session]; a != nil && effect.Edge == e.n.instance {
			e.void(effect.Session, a.generation+1)
		}
	}
}

// later reports whether a is at b or after it.
func later(a, b channel.Position) bool { return a.Epoch == b.Epoch && a.Offset >= b.Offset }

func (e *edge) offer(f *following, position channel.Position, message string) {
	last := f.client.last[f.id]
	switch {
	case !f.live || later(last, position):
	case last.Epoch == position.Epoch && last.Offset+1 == position.Offset:
		f.client.receive(f.id, position, message)
	default:
		e.fallBehind(f)
	}
}

func (e *edge) fallBehind(f *following) {
	f.live = false
	e.n.w.after(0, func() { e.feed(f) })
}

// behind is told where a channel stands.
func (e *edge) behind(id channel.ID, position channel.Position, version uint64) {
	e.versions[id] = max(e.versions[id], version)
	for _, f := range e.followers[id] {
		if f.roster.synced && f.roster.version < version {
			e.sync(f)
		}
		if f.live && !later(f.client.last[id], position) {
			e.fallBehind(f)
		}
	}
}

// feed asks history for what the client has not got.
func (e *edge) feed(f *following) {
	if f.asking || f.live || !e.n.alive || !slices.Contains(e.followers[f.id], f) {
		return
	}
	if e.n.paused {
		e.n.do(func() { e.feed(f) })
		return
	}
	f.asking = true
	query := channel.BacklogQuery{Channel: f.id, Limit: 10}
	if f.client.begun[f.id] {
		since := f.client.last[f.id]
		query.Start.Since = &since
	}
	now, asked, begun := e.n.clock(), e.n.w.acked[f.id], e.n.w.now
	e.n.w.query(e.n, e.n.host.SlotOf(f.id.App, f.id.Name), query, now+2000, func(answer channel.Answer, err error) {
		f.asking = false
		if err != nil {
			e.n.w.after(e.n.w.between(100*millisecond, second), func() { e.feed(f) })
			return
		}
		e.n.w.checkFresh(f.id, asked, answer.(channel.Backlog).Head, 0)
		e.n.w.operation(f.id, "", begun, e.n.w.now, answer.(channel.Backlog).Head.Offset)
		e.take(f, answer.(channel.Backlog))
	})
}

func (e *edge) take(f *following, backlog channel.Backlog) {
	if !slices.Contains(e.followers[f.id], f) {
		return
	}
	f.client.begin(f.id, backlog)
	for _, publication := range backlog.Publications {
		f.client.receive(f.id, channel.Position{Epoch: backlog.Position.Epoch, Offset: publication.Offset}, messageOf(publication.ID))
	}
	last := f.client.last[f.id]
	if later(last, backlog.Head) && (e.heads[f.id] == channel.Position{} || reaches(last, e.heads[f.id])) {
		f.live = true
		return
	}
	e.n.w.after(0, func() { e.feed(f) })
}
