package session

import (
	"context"
	"errors"
	"slices"

	"halley/pushnode/channel"
	"halley/pushnode/wire"
)

// Holds reports whether a connection of this node has a session in that generation or a later one, or may have it in a moment: a
// record that is attached here while it does not is nobody's.
func (s *Server) Holds(app, session string, generation uint64) bool {
	id := channel.ID{App: app, Name: session}
	s.mu.Lock()
	attaching := s.attaching[id] != nil
	s.mu.Unlock()
	if attaching {
		return true
	}
	held := s.sessions.find(id)
	if held == nil {
		return false
	}
	held.mu.Lock()
	defer held.mu.Unlock()
	return held.conn != nil && held.generation >= generation
}

// attachment is the work of attaching one record for connections of this node.
type attachment struct {
	count int           // guarded by Server.mu: how many connections wait for it
	over  chan struct{} // closed when none does any more
}

// begins notes that a record is about to be attached for a connection of this node, until done is called.
func (s *Server) begins(id channel.ID) (done func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	work := s.attaching[id]
	if work == nil {
		work = &attachment{over: make(chan struct{})}
		s.attaching[id] = work
	}
	work.count++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if work.count--; work.count == 0 {
			delete(s.attaching, id)
			close(work.over)
		}
	}
}

// awaitAttached waits while the session's record is being attached for a connection of this node, until ctx ends.
func (s *Server) awaitAttached(ctx context.Context, session *Session) {
	s.mu.Lock()
	work := s.attaching[channel.ID{App: session.app, Name: session.id}]
	s.mu.Unlock()
	if work == nil {
		return
	}
	select {
	case <-work.over:
	case <-ctx.Done():
	}
}

// Reattach attaches the record of a session again whose connection lives: this node was taken for dead, so that the record shows none.
// Nobody is told. It returns an error where that cannot be recorded now.
func (s *Server) Reattach(ctx context.Context, app, session string, generation uint64) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.CommandTimeout)
	defer cancel()
	lost := s.sessions.find(channel.ID{App: app, Name: session})
	if lost == nil {
		return nil
	}
	if err := lost.take(ctx); err != nil {
		return err
	}
	defer lost.release()
	lost.mu.Lock()
	attach := channel.AttachSession{
		App: lost.app, Session: lost.id, SecretHash: lost.secret, ClientID: lost.recordClientLocked(), Expires: expires(lost.grant),
	}
	settled := lost.conn == nil || lost.ended || lost.generation != generation
	lost.mu.Unlock()
	if settled {
		return nil
	}
	record, _, err := s.backend.Attach(ctx, attach)
	switch {
	case errors.Is(err, wire.CodeSessionNotFound):
		s.Ended(app, session)
		return nil
	case err != nil:
		return err
	}
	s.metrics.reattached.Inc()
	s.takeBack(lost, record)
	return nil
}

// takeBack goes on with a session under the generation of a new record. Where its grace was over, its memberships have ended: its client
// has to come back to be told so. The caller has the session's turn.
func (s *Server) takeBack(session *Session, record channel.Session) {
	session.mu.Lock()
	session.generation = record.Generation
	conn := session.conn
	whole := !slices.ContainsFunc(session.presence, func(name string) bool { return !slices.Contains(record.Presence, name) })
	if !whole {
		session.presence = slices.Clone(record.Presence)
	}
	session.mu.Unlock()
	s.touch(session)
	if !whole && conn != nil {
		conn.close(wire.Errorf(wire.CodeDraining, "this node was cut off for too long: connect again"))
	}
}
