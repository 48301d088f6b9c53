package session

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"halley/auth"
	"halley/pushnode/channel"
	"halley/pushnode/wire"
)

// opening is what a client asks for when it connects.
type opening struct {
	grant      *auth.Grant
	credential string
	lasting    bool   // the session is to outlive its connection
	resume     string // resume token of an earlier session; empty: none
	cursor     wire.Cursor
	channels   []string // named by the request: the client may subscribe to them
	rewind     int      // for those of channels that nothing else says where to begin
	presence   bool     // on all of channels
	ref        int64    // of the command connect
	polls      bool     // the connection is one long poll of many
	id         string   // of a session that does not last; empty: any
	anew       bool     // a poll that does not wait: its client may not have got the last answer
}

// comesBack reports whether the client has been connected before, as it says.
func (o opening) comesBack() bool { return o.resume != "" || len(o.cursor) > 0 }

// attach gives a connection its session: the earlier one, which is taken from the connection that it may still have, or a new one.
// Everything that the client missed is then in the hands of the connection's writer. A client that goes away meanwhile is attached
// all the same, and detached by its transport: a record that is attached, and nobody's, would never end.
func (s *Server) attach(ctx context.Context, conn *connection, open opening) error {
	whole := false
	defer func() {
		if !whole && conn.session != nil { // a panic: the session is nobody's
			s.detach(conn)
		}
	}()
	err := s.attachInTurn(ctx, conn, open)
	whole = true
	return err
}

func (s *Server) attachInTurn(ctx context.Context, conn *connection, open opening) error {
	token, record, resumed, done, err := s.openRecord(ctx, open)
	defer done()
	if err != nil {
		return err
	}
	session := s.claimSession(open, token)
	defer session.release()
	follows, err := s.takeOver(session, conn, open, record)
	if err != nil {
		return err
	}
	conn.push(conn.connected(open, token, resumed))
	s.restore(session, conn, open, follows)
	return nil
}

// claimSession takes the turn of the session of a token, which is made where it is not known, or is being forgotten just now.
func (s *Server) claimSession(open opening, token resumeToken) *Session {
	for {
		session := s.sessions.findOrAdd(channel.ID{App: open.grant.AppID, Name: token.session}, func() *Session {
			return newSession(open, token)
		})
		session.claim()
		if !session.isOver() {
			return session
		}
		session.release() // who ended it had the turn until it was forgotten
	}
}

// openRecord attaches the record of the session that the client names, or opens a new one. A session of a single stream has none. Until
// done is called the record counts as held here.
func (s *Server) openRecord(ctx context.Context, open opening) (
	token resumeToken, record channel.Session, resumed bool, done func(), err error,
) {
	ctx, cancel := context.WithTimeout(ctx, s.config.CommandTimeout)
	defer cancel()
	attach := channel.AttachSession{App: open.grant.AppID, ClientID: open.grant.ClientID, Expires: expires(open.grant)}
	if open.resume != "" {
		token, record, done, err = s.resumeRecord(ctx, attach, open.resume)
		if !errors.Is(err, wire.CodeSessionNotFound) {
			return token, record, err == nil, done, err
		}
		done()
	}
	token = newResumeToken()
	if open.id != "" {
		token.session = open.id
	}
	if !open.lasting {
		return token, channel.Session{}, false, func() {}, nil
	}
	done = s.begins(channel.ID{App: attach.App, Name: token.session})
	attach.Session, attach.SecretHash, attach.Create = token.session, token.hash(), true
	record, _, err = s.backend.Attach(ctx, attach)
	return token, record, false, done, err
}

// resumeRecord attaches the record of an earlier session. The error is session_not_found where there is none.
func (s *Server) resumeRecord(ctx context.Context, attach channel.AttachSession, resume string) (
	token resumeToken, record channel.Session, done func(), err error,
) {
	token, ok := parseResume(resume)
	if !ok {
		s.metrics.resumes.WithLabelValues("unknown").Inc()
		return token, record, func() {}, wire.NewError(wire.CodeSessionNotFound)
	}
	done = s.begins(channel.ID{App: attach.App, Name: token.session})
	attach.Session, attach.SecretHash = token.session, token.hash()
	record, _, err = s.backend.Attach(ctx, attach)
	switch {
	case err == nil:
		s.metrics.resumes.WithLabelValues("resumed").Inc()
	case errors.Is(err, wire.CodeSessionNotFound):
		s.metrics.resumes.WithLabelValues("unknown").Inc()
		if reason := s.tellEnded(attach); reason != nil {
			err = reason
		}
	default:
		s.metrics.resumes.WithLabelValues("failed").Inc()
	}
	return token, record, done, err
}

// tellEnded refuses, once, a client whose session was ended while it was away: a poll is away more often than not.
func (s *Server) tellEnded(attach channel.AttachSession) error {
	session := s.sessions.find(channel.ID{App: attach.App, Name: attach.Session})
	if session == nil || !equalHash(session.secret, attach.SecretHash) {
		return nil
	}
	if reason := session.ending(); reason != nil {
		s.sessions.remove(session)
		return reason
	}
	return nil
}

func newSession(open opening, token resumeToken) *Session {
	return &Session{
		id: strings.Clone(token.session), app: open.grant.AppID, clientID: open.grant.ClientID, lasting: open.lasting, recorded: open.lasting,
		secret: token.hash(),
	}
}

// followed is one channel of a session between two connections.
type followed struct {
	place
	watch   watch
	doubted bool // the client was told that its continuity cannot be decided, and not yet that it goes on
}

// takeOver makes conn the session's connection. It returns what the session follows. The caller has the session's turn.
func (s *Server) takeOver(session *Session, conn *connection, open opening, record channel.Session) (map[string]followed, error) {
	session.mu.Lock()
	if session.ended {
		session.mu.Unlock()
		s.sessions.remove(session) // nobody else has to be told
		return nil, wire.NewError(wire.CodeDisconnected)
	}
	if record.Generation < session.generation { // a later connection has been faster
		session.mu.Unlock()
		return nil, wire.NewError(wire.CodeSessionReplaced)
	}
	old := session.conn
	conn.continues = record.Generation > 1 && open.polls && session.polls
	session.polls = open.polls
	session.conn, conn.session = conn, session
	session.grant, session.credential, session.generation = open.grant, keptCredential(open.grant, open.credential), record.Generation
	session.parkedAt = 0
	session.presence = slices.Clone(record.Presence)
	session.mu.Unlock()

	if old != nil {
		old.close(wire.NewError(wire.CodeSessionReplaced))
	}
	follows := make(map[string]followed)
	for _, one := range record.Channels {
		if _, left := session.left[one.Channel]; left {
			continue // the record does not know yet
		}
		follows[one.Channel] = followed{place: place{announce: true, uncertain: true}, watch: watch{wanted: one.Presence, stale: one.Presence}}
	}
	for name, left := range leftAt(old, session.subscriptions()) {
		left.place = left.resumed()
		left.watch.known = left.watch.known && !open.anew
		follows[name] = left
	}
	return follows, nil
}

// leftAt returns where subscriptions stand whose connection ends, or which had none: what still waited in its queue was never sent.
func leftAt(conn *connection, subs []*subscription) map[string]followed {
	unsent, untold := make(map[*subscription]uint64), make(map[string]bool)
	if conn != nil {
		for _, left := range conn.outbox.abandon() {
			message := left.message()
			if first, seen := unsent[left.sub]; message != nil && (!seen || message.Offset < first) {
				unsent[left.sub] = message.Offset
			}
			if presence, ok := left.push().(*wire.Presence); ok {
				untold[presence.Channel] = true
			}
		}
	}
	follows := make(map[string]followed, len(subs))
	for _, sub := range subs {
		left := sub.entry.leave(sub)
		if first, found := unsent[sub]; found && first <= left.last.Offset {
			left.last.Offset = first - 1
		}
		// A client says up to where it has messages, but not which changes of presence have arrived: unless a poll was answered as a
		// whole, it is told the set again.
		if conn != nil && (!conn.answered.Load() || untold[sub.entry.id.Name]) {
			left.watch.known = false
		}
		follows[sub.entry.id.Name] = left
	}
	return follows
}

// restore subscribes the connection to all that its session follows, that its cursor has and that its request names. The caller
// has the session's turn.
func (s *Server) restore(session *Session, conn *connection, open opening, follows map[string]followed) {
	for _, at := range open.cursor {
		if _, left := session.left[at.Channel]; left {
			conn.outbox.push(leftItem(at.Channel))
			continue
		}
		one := follows[at.Channel]
		one.place = placeAt(at.Position)
		follows[at.Channel] = one
	}
	session.left = nil
	for _, name := range open.channels {
		one, known := follows[name]
		if !known {
			one.place = place{first: channel.Start{Rewind: open.rewind}, announce: true}
		}
		if open.presence && !one.watch.wanted {
			one.watch = watch{wanted: true, stale: true}
		}
		follows[name] = one
	}
	changed := session.isDirty()
	for _, name := range slices.Sorted(maps.Keys(follows)) {
		old := session.subscription(name)
		if fault := s.mayFollow(session, conn, name); fault != nil {
			s.unsubscribe(session, name)
			conn.push(&wire.Unsubscribed{Channel: name, Err: fault})
			changed = true
			continue
		}
		changed = changed || old == nil
		s.resubscribe(session, conn, name, old, follows[name])
	}
	if changed {
		s.touch(session)
	}
}

// mayFollow asks whether a channel may be among those of a connection.
func (s *Server) mayFollow(session *Session, conn *connection, name string) *wire.Error {
	if err := s.backend.Allow(session.currentGrant(), auth.OpSubscribe, name); err != nil {
		return wire.AsError(err)
	}
	if count, _ := session.counts(); session.subscription(name) == nil && count >= int(conn.channels) {
		return tooManyChannels(int(conn.channels))
	}
	return nil
}

func tooManyChannels(most int) *wire.Error {
	return wire.Errorf(wire.CodeLimitExceeded, "a connection may follow %d channels", most)
}

// resubscribe puts a subscription of this connection in the place of the one that the session had, if it had one.
func (s *Server) resubscribe(session *Session, conn *connection, name string, old *subscription, one followed) {
	id := session.channelID(name)
	sub := s.hub.join(id, session, conn.outbox, s.backend.Rule(id))
	if old != nil {
		s.hub.leave(old)
	}
	session.setSubscription(name, sub)
	if one.watch.wanted && s.backend.Allow(session.currentGrant(), auth.OpPresence, name) != nil {
		one.watch = watch{}
	}
	sub.entry.resume(sub, one)
}

// connected is the push that opens a connection.
func (c *connection) connected(open opening, token resumeToken, resumed bool) *wire.Connected {
	interval, timeout := c.pingTimes()
	push := &wire.Connected{
		Ref: open.ref, Session: token.session, Resumed: resumed, ClientID: open.grant.ClientID, Expires: expires(open.grant),
		Time: time.Now().UnixMilli(), Ping: interval.Milliseconds(), Timeout: timeout.Milliseconds(),
		MessageBytes: int(c.message), Channels: int(c.channels),
	}
	if c.session.lasting {
		push.Resume = token.text()
	}
	return push
}
