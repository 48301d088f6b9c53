package session

import (
	"context"
	"errors"
	"sync"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/wire"
)

// detach ends a connection's hold on its session. A lasting session is parked: it counts as a subscriber through its grace and is
// remembered by its record; any other ends.
func (s *Server) detach(conn *connection) {
	session := conn.session
	session.claim()
	defer session.release()
	ctx, cancel := context.WithTimeout(s.base, s.config.CommandTimeout)
	defer cancel()
	sentAway := conn.pusher != nil && conn.isSentAway()
	session.mu.Lock()
	if session.conn != conn {
		session.mu.Unlock()
		return // another connection has taken over
	}
	session.conn = nil
	now := time.Now()
	session.parkedAt = momentOf(now)
	session.over = session.over || sentAway && !session.ended
	ends := session.ended || !session.lasting
	session.ended = ends
	session.mu.Unlock()

	if ends {
		conn.outbox.abandon()
		followed := session.subscriptions()
		if s.dismiss(session); session.ending() != nil {
			s.sessions.await(session, now)
		}
		if conn.pusher != nil {
			s.endPusher(ctx, session, conn.pusher, followed)
		}
		return
	}
	for name, left := range leftAt(conn, session.subscriptions()) {
		s.park(session, name, left)
	}
	s.sessions.await(session, now)
	_ = s.writeRecord(ctx, session) // logged; tried again
	s.recordEnd(ctx, session)
}

// recordEnd has the record of a session, if there is one, show that it has no connection, or that it has ended. Where that cannot be recorded now,
// it is tried again until it is: a record that nobody detaches keeps its members present for ever.
func (s *Server) recordEnd(ctx context.Context, session *Session) {
	session.mu.Lock()
	ended, connected, generation := session.ended && !session.over, session.conn != nil, session.generation
	recorded := session.recorded
	session.mu.Unlock()
	if !recorded || connected && !ended {
		return
	}
	var err error
	if ended {
		err = s.backend.End(ctx, channel.EndSession{App: session.app, Session: session.id})
	} else {
		err = s.backend.Detach(ctx, channel.DetachSession{App: session.app, Session: session.id, Generation: generation})
	}
	if err != nil && !errors.Is(err, wire.CodeSessionNotFound) {
		s.logger.Debug("session's end not recorded, trying again", "app", session.app, "session", session.id, "err", err)
		s.unrecorded.add(session)
	}
}

// park puts a subscription without a connection in the place of one whose connection ended.
func (s *Server) park(session *Session, name string, left followed) {
	old := session.subscription(name)
	parked := s.hub.join(old.entry.id, session, nil, s.backend.Rule(old.entry.id))
	s.hub.leave(old)
	parked.entry.resume(parked, left)
	session.setSubscription(name, parked)
}

// dismiss forgets a session: nothing of it is left on this node, but for what its client is still to be told. The caller has its
// turn.
func (s *Server) dismiss(session *Session) {
	for _, sub := range session.subscriptions() {
		s.hub.leave(sub)
	}
	if session.ending() == nil {
		s.sessions.remove(session)
	}
}

// keepHouse lets go of sessions that have ended or were away for too long, until ctx ends.
func (s *Server) keepHouse(ctx context.Context) {
	ticks := time.NewTicker(min(time.Second, s.config.PresenceGrace))
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.chores.wake:
			for _, session := range s.chores.takeAll() {
				s.drop(ctx, session)
			}
		case now := <-ticks.C:
			for _, one := range s.sessions.graceOver(now.Add(-s.config.PresenceGrace)) {
				s.afterGrace(ctx, one)
			}
			for _, one := range s.sessions.lifeOver(now.Add(-s.config.SessionTTL)) {
				s.afterLife(ctx, one)
			}
		}
	}
}

// recordRetries is how many records are tried again at a time: one whose slot has no leader gets no answer for CommandTimeout, and must
// not keep those of other slots waiting.
const recordRetries = 64

// keepEnds tries again what could not be recorded, until ctx ends.
func (s *Server) keepEnds(ctx context.Context) {
	ticks := time.NewTicker(min(time.Second, s.config.PresenceGrace))
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			s.recordEnds(ctx, s.unrecorded.takeAll())
		}
	}
}

func (s *Server) recordEnds(ctx context.Context, sessions []*Session) {
	var retries sync.WaitGroup
	room := make(chan struct{}, recordRetries)
	for _, session := range sessions {
		room <- struct{}{}
		retries.Go(func() {
			defer func() { <-room }()
			ctx, cancel := context.WithTimeout(ctx, s.config.CommandTimeout)
			defer cancel()
			s.recordEnd(ctx, session)
			if session.isDirty() {
				s.touch(session)
			}
		})
	}
	retries.Wait()
}

// afterGrace takes a session that did not come back out of its channels. What it followed, and up to where, is still known.
func (s *Server) afterGrace(ctx context.Context, one wait) {
	ctx, cancel := context.WithTimeout(ctx, s.config.CommandTimeout)
	defer cancel()
	if err := one.session.take(ctx); err != nil {
		s.sessions.awaitAgain(&s.sessions.graces, one)
		return
	}
	defer one.session.release()
	if !one.session.parkedSince(one.since) {
		return
	}
	for _, sub := range one.session.subscriptions() {
		s.hub.leave(sub)
	}
}

// afterLife forgets a session that did not come back at all.
func (s *Server) afterLife(ctx context.Context, one wait) {
	ctx, cancel := context.WithTimeout(ctx, s.config.CommandTimeout)
	defer cancel()
	if err := one.session.take(ctx); err != nil {
		s.sessions.awaitAgain(&s.sessions.lives, one)
		return
	}
	defer one.session.release()
	if one.session.endIfParked(one.since) {
		s.dismiss(one.session)
		s.sessions.remove(one.session)
	}
}

// drop ends a session on this node. If it has a connection, that is closed, and dismisses it.
func (s *Server) drop(ctx context.Context, session *Session) {
	ctx, cancel := context.WithTimeout(ctx, s.config.CommandTimeout)
	defer cancel()
	if err := session.take(ctx); err != nil {
		s.chores.add(session)
		return
	}
	defer session.release()
	if session.wentElsewhere() {
		s.letGo(session)
		return
	}
	session.mu.Lock()
	if !session.recordGone && !session.ended {
		session.mu.Unlock()
		return // it was elsewhere, and has come back since
	}
	session.ended = true
	conn := session.conn
	session.mu.Unlock()
	if conn != nil {
		conn.close(wire.NewError(wire.CodeDisconnected))
		return
	}
	s.dismiss(session)
}
