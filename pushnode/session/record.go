package session

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/wire"
)

// recordWriters is how many records are written at the same time.
const recordWriters = 8

// touch says that the record of a session does not show any more what it follows. Changes are collected for RecordDelay.
func (s *Server) touch(session *Session) {
	session.mu.Lock()
	recorded := session.recorded
	session.dirty = recorded
	session.mu.Unlock()
	if recorded {
		s.unsaved.add(session)
	}
}

// keepRecords writes the records of sessions that changed, until ctx ends.
func (s *Server) keepRecords(ctx context.Context) {
	delay := time.NewTimer(s.config.RecordDelay)
	defer delay.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.unsaved.wake:
		}
		delay.Reset(s.config.RecordDelay)
		select {
		case <-ctx.Done():
			return
		case <-delay.C:
			s.writeRecords(ctx, s.unsaved.takeAll())
		}
	}
}

func (s *Server) writeRecords(ctx context.Context, sessions []*Session) {
	ctx, cancel := context.WithTimeout(ctx, s.config.CommandTimeout)
	defer cancel()
	var writers sync.WaitGroup
	for part := range slices.Chunk(sessions, len(sessions)/recordWriters+1) {
		writers.Go(func() {
			for _, session := range part {
				if session.take(ctx) != nil {
					s.unsaved.add(session)
					continue
				}
				_ = s.writeRecord(ctx, session) // logged; tried again
				session.release()
			}
		})
	}
	writers.Wait()
}

// writeRecord writes the record of a session if it has changed. Where that fails and the session is not another's, it is tried again.
// The caller has the session's turn.
func (s *Server) writeRecord(ctx context.Context, session *Session) error {
	update, changed := session.recordUpdate()
	if !changed {
		if session.isEnded() {
			return wire.NewError(wire.CodeSessionNotFound)
		}
		return nil
	}
	err := s.backend.Update(ctx, update)
	if err == nil {
		return nil
	}
	s.logger.Debug("session's record not updated", "app", session.app, "session", session.id, "err", err)
	session.mu.Lock()
	session.dirty = true
	session.mu.Unlock()
	if !errors.Is(err, wire.CodeSessionNotFound) { // else a later connection has the record, and attach writes it
		s.unrecorded.add(session)
	}
	return err
}

// recordUpdate is what the record should show, and whether it does not yet.
func (s *Session) recordUpdate() (channel.UpdateSession, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dirty || s.ended {
		return channel.UpdateSession{}, false
	}
	s.dirty = false
	update := channel.UpdateSession{App: s.app, Session: s.id, Generation: s.generation, Expires: expires(s.grant)}
	for _, sub := range s.resumableLocked() {
		update.Channels = append(update.Channels, channel.Subscription{Channel: sub.entry.id.Name, Presence: sub.entry.watchWanted(sub)})
	}
	update.Presence = slices.Clone(s.presence)
	slices.SortFunc(update.Channels, func(a, b channel.Subscription) int { return strings.Compare(a.Channel, b.Channel) })
	slices.Sort(update.Presence)
	return update, true
}

// resumableLocked is the subscriptions that a later connection goes on with.
func (s *Session) resumableLocked() []*subscription {
	if !s.lasting {
		return nil
	}
	return s.subs.list
}
