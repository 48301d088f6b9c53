package session

import (
	"context"
	"strings"

	"halley/pushnode/channel"
	"halley/pushnode/pusher"
	"halley/pushnode/wire"
)

// enterPusher makes the session a member of a presence channel, under the id of the user that its client is there. The caller has the
// session's turn.
func (s *Server) enterPusher(ctx context.Context, conn *connection, name string, member pusher.Member) error {
	session, client := conn.session, conn.pusher
	if err := s.recordPusher(ctx, session, client, member.ID); err != nil {
		return err
	}
	session.setMember(name, true)
	_, err := s.enterRecorded(ctx, session, name, member.ID, member.Data())
	if err != nil && !mayBeDone(err) {
		session.setMember(name, false)
		s.touch(session)
		return err
	}
	if client.users == nil {
		client.users = make(map[string]string)
	}
	client.users[strings.Clone(name)] = member.ID
	return err
}

// recordPusher opens the record of a session that becomes a member for the first time: it ends the memberships when this node dies.
func (s *Server) recordPusher(ctx context.Context, session *Session, client *pusherClient, userID string) error {
	if session.hasRecord() {
		return nil
	}
	done := s.begins(channel.ID{App: session.app, Name: session.id})
	defer done()
	record, _, err := s.backend.Attach(ctx, channel.AttachSession{
		App: session.app, Session: session.id, SecretHash: session.secret, ClientID: userID, Create: true,
	})
	if err != nil {
		return err
	}
	session.mu.Lock()
	defer session.mu.Unlock()
	client.member = userID
	session.recorded, session.generation = true, record.Generation
	return nil
}

// leavePusher ends the session's membership of a channel, if it has one. The caller has its turn.
func (s *Server) leavePusher(ctx context.Context, conn *connection, name string) error {
	session := conn.session
	if !session.isMember(name) {
		return nil
	}
	_, err := s.backend.Leave(ctx, channel.LeavePresence{
		Channel: session.channelID(name), ClientID: conn.pusher.users[name], Session: session.id, Generation: session.currentGeneration(),
	})
	if err != nil {
		return err
	}
	session.setMember(name, false)
	delete(conn.pusher.users, name)
	s.touch(session)
	return nil
}

// endPusher notes that the connection of a session is gone. With its record its memberships end, at once or (isSentAway) after their grace:
// those under the record's client id. One that has another is ended here. followed is what the session followed. The caller has its turn.
func (s *Server) endPusher(ctx context.Context, session *Session, client *pusherClient, followed []*subscription) {
	for _, sub := range followed {
		s.countPusher(session, client, sub.entry.id.Name)
	}
	if client.watchlist != nil {
		s.watches.unwatch(client.watchlist)
	}
	for name, userID := range client.users {
		if userID == client.member {
			continue
		}
		_, err := s.backend.Leave(ctx, channel.LeavePresence{
			Channel: session.channelID(name), ClientID: userID, Session: session.id, Generation: session.currentGeneration(), Final: true,
		})
		if err != nil { // it ends when somebody asks for its session
			s.logger.Warn("a membership outlives its connection", "app", session.app, "session", session.id, "channel", name, "err", err)
		}
	}
	s.recordEnd(ctx, session)
}

// isSentAway reports whether the server closes the connection, and its client is to come back. It does so as somebody else, but as the same
// user: its memberships have their grace, so that nobody sees it go and come.
func (c *connection) isSentAway() bool {
	reason := c.outbox.ending()
	return reason != nil && reason.Code >= wire.CodeOverCapacity && reason.Code.Closes() && reason.Code != wire.CodePingTimeout
}

// recordClientLocked is the client id of the session's record.
func (s *Session) recordClientLocked() string {
	if s.conn != nil && s.conn.pusher != nil {
		return s.conn.pusher.member
	}
	return s.clientID
}
