package session

import (
	"context"
	"time"

	"halley/auth"
	"halley/pushnode/wire"
)

// renew puts a new credential in the place of the session's. Subscriptions that it does not allow end.
func (s *Server) renew(ctx context.Context, session *Session, command wire.Command) (outcome, error) {
	grant, err := s.authenticate(ctx, command.Token)
	if err != nil {
		return outcome{}, refusal(err)
	}
	conn := session.connection()
	switch {
	case grant.AppID != session.app || grant.ClientID != session.clientID:
		return outcome{}, wire.Errorf(wire.CodeDenied, "the token is of another app or client id: open a new connection with it")
	case grant.Kind == auth.KindSecret && conn != nil && conn.browser:
		return outcome{}, wire.Errorf(wire.CodeDenied, "a secret key must not be used by a page: roll it")
	}
	return outcome{reply: wire.TokenReply{Expires: expires(grant)}, begin: func() { s.regrant(session, conn, grant, command.Token) }}, nil
}

// refusal keeps an error of a new credential from ending the connection, which still has the old one.
func refusal(err error) error {
	fault := wire.AsError(err)
	if !fault.Code.Closes() || fault.Code == wire.CodeInternal || fault.Code == wire.CodeUnavailable {
		return fault
	}
	return wire.Errorf(wire.CodeDenied, "the token is refused: %s", fault.Message).Because(err)
}

// regrant gives the session a new grant and ends the subscriptions that it does not allow. The caller has the session's turn.
func (s *Server) regrant(session *Session, conn *connection, grant *auth.Grant, credential string) {
	session.mu.Lock()
	session.grant, session.credential = grant, keptCredential(grant, credential)
	session.dirty = session.recorded
	session.mu.Unlock()
	if conn != nil {
		conn.expires.Store(expires(grant))
		conn.outbox.stir()
	}
	for _, sub := range session.subscriptions() {
		name := sub.entry.id.Name
		sub.entry.setRule(s.backend.Rule(sub.entry.id))
		if err := s.backend.Allow(grant, auth.OpSubscribe, name); err != nil {
			s.unsubscribe(session, name)
			if conn != nil {
				conn.push(&wire.Unsubscribed{Channel: name, Err: wire.AsError(err)})
			}
			continue
		}
		if watching := sub.entry.watching(sub); watching.wanted && s.backend.Allow(grant, auth.OpPresence, name) != nil {
			sub.entry.watchNot(sub)
		}
	}
	s.touch(session)
}

// Recheck looks again at the live connections of an app whose settings or keys changed: who may not be connected any more is
// closed, subscriptions that are not allowed any more end, and the channels' rules take effect. It returns at once.
func (s *Server) Recheck(appID string) {
	for _, session := range s.sessions.of(appID) {
		s.doubtful.add(session)
	}
}

// recheckAll verifies doubtful sessions again, until ctx ends.
func (s *Server) recheckAll(ctx context.Context) {
	retry := time.NewTicker(retryRecheck)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-retry.C:
			for _, session := range s.undecided.takeAll() {
				s.recheck(ctx, session)
			}
		case <-s.doubtful.wake:
			for _, session := range s.doubtful.takeAll() {
				s.recheck(ctx, session)
			}
		}
	}
}

// retryRecheck is how long a credential waits at most that could not be verified again.
const retryRecheck = 2 * time.Second

// recheck verifies the credential of a session again, if it has a connection. Where that cannot be done now, the connection lives.
func (s *Server) recheck(ctx context.Context, session *Session) {
	ctx, cancel := context.WithTimeout(ctx, s.config.CommandTimeout)
	defer cancel()
	if err := session.take(ctx); err != nil {
		s.undecided.add(session)
		return
	}
	defer session.release()
	session.mu.Lock()
	conn, credential := session.conn, session.credential
	session.mu.Unlock()
	if conn == nil {
		return // it shows its credential when it comes back
	}
	err := s.verifyAgain(ctx, session, conn, credential)
	if err == nil {
		return
	}
	fault := wire.AsError(err)
	if fault.Code == wire.CodeUnavailable || fault.Code == wire.CodeInternal {
		s.logger.Warn("credential not verified again, trying later", "app", session.app, "session", session.id, "err", err)
		s.undecided.add(session)
		return
	}
	conn.close(closing(fault))
}

// verifyAgain gives a session what its credential is worth now.
func (s *Server) verifyAgain(ctx context.Context, session *Session, conn *connection, credential string) error {
	if conn.pusher != nil {
		return s.regrantPusher(session, conn, credential)
	}
	grant, err := s.backend.Authenticate(ctx, credential)
	if err == nil {
		s.regrant(session, conn, grant, credential)
	}
	return err
}

// closing is an error as a connection can be closed with it: those of a single command cannot.
func closing(fault *wire.Error) *wire.Error {
	if fault.Code.Closes() {
		return fault
	}
	return wire.Errorf(wire.CodeProtocolError, "%s", fault.Message).Because(fault)
}
