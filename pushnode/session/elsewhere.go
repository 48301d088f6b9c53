package session

import (
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/pusher"
	"halley/pushnode/wire"
)

// Behind says where a channel stands: its subscriptions that have not got that far read what they miss from history. It never blocks on a
// client. Calls, and those of Deliver, come in order for each channel.
func (s *Server) Behind(id channel.ID, position channel.Position) {
	if e := s.hub.find(id); e != nil {
		e.reached(position)
	}
}

// BehindPresence says which version a channel's presence has: who watches it and knows another looks at the whole set. It never blocks
// on a client.
func (s *Server) BehindPresence(id channel.ID, version uint64) {
	if _, online := pusher.OnlineOf(id.Name); online {
		s.watches.behind(id, version)
		return
	}
	if e := s.hub.find(id); e != nil {
		e.reachedPresence(version)
	}
}

// reached takes note of where the channel stands.
func (e *entry) reached(position channel.Position) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if comparePositions(position, e.head) > 0 {
		e.head = position
	}
	for _, sub := range e.subs {
		if sub.mode == live && comparePositions(sub.last, position) < 0 {
			e.metrics.holes.Inc()
			e.fallBehindLocked(sub)
		}
	}
}

// reachedPresence takes note of the version of the channel's presence.
func (e *entry) reachedPresence(version uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.version = max(e.version, version)
	for _, sub := range e.subs {
		// A version below that of the client says that the channel was forgotten since: they have begun again.
		if watch := &sub.watch; watch.wanted && !watch.stale && sub.mode != parked && watch.version != version {
			watch.stale = true
			sub.outbox.hungry(sub, time.Time{})
		}
	}
}

// Moved tells that the record of a session was attached elsewhere, in that generation. What this node has of an earlier one goes: its
// connection is closed, as one that a later connection has replaced. It never blocks on a client.
func (s *Server) Moved(app, session string, generation uint64) {
	moved := s.sessions.find(channel.ID{App: app, Name: session})
	if moved == nil {
		return
	}
	moved.mu.Lock()
	moved.movedTo = max(moved.movedTo, generation)
	moved.mu.Unlock()
	s.chores.add(moved)
}

// wentElsewhere reports whether a later connection, on another node, has the session. If so, it is none of this node's any more, and its
// record is not this node's to end.
func (s *Session) wentElsewhere() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.movedTo <= s.generation {
		return false
	}
	s.ended, s.over = true, true
	return true
}

// isElsewhere reports whether a later connection, on another node, has the session.
func (s *Session) isElsewhere() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.movedTo > s.generation
}

// letGo forgets a session that lives elsewhere. The caller has its turn.
func (s *Server) letGo(session *Session) {
	if conn := session.connection(); conn != nil {
		conn.close(wire.NewError(wire.CodeSessionReplaced)) // detach dismisses the session
		return
	}
	s.dismiss(session)
}

// Lasting is a session that has a record.
type Lasting struct {
	App        string
	ID         string
	Generation uint64
	Attached   bool
}

// Lasting returns the wanted sessions of this node that have a record, in no order: whether they still are this node's, their slots know.
// Every session is asked for under a lock, so wanted must be quick, and not call the server.
func (s *Server) Lasting(wanted func(app, session string) bool) []Lasting {
	var list []Lasting
	for _, one := range s.sessions.matching(wanted) {
		one.mu.Lock()
		if one.recorded && !one.ended {
			list = append(list, Lasting{App: one.app, ID: one.id, Generation: one.generation, Attached: one.conn != nil})
		}
		one.mu.Unlock()
	}
	return list
}
