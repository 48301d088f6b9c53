package session

import (
	"context"
	"time"

	"halley/auth"
	"halley/pushnode/channel"
	"halley/pushnode/wire"
)

// outcome is what a command did: the answer, and what may begin only when the answer is on its way.
type outcome struct {
	reply wire.Object
	begin func()
}

// execute does what a client asks for, if the grant allows it. The caller has the session's turn, and runs outcome.begin after it has
// queued the answer.
func (s *Server) execute(ctx context.Context, session *Session, grant *auth.Grant, command wire.Command) (outcome, error) {
	s.metrics.commands.WithLabelValues(string(command.Op)).Inc()
	ctx, cancel := context.WithTimeout(ctx, s.config.CommandTimeout)
	defer cancel()
	switch command.Op {
	case wire.OpSubscribe:
		return s.subscribe(ctx, session, grant, command)
	case wire.OpUnsubscribe:
		return s.unsubscribeCommand(session, command)
	case wire.OpPublish:
		return s.publish(ctx, session, grant, command)
	case wire.OpEnter, wire.OpUpdate:
		return s.enterPresence(ctx, session, grant, command)
	case wire.OpLeave:
		return s.leavePresence(ctx, session, command)
	case wire.OpMembers:
		return s.members(ctx, session, grant, command)
	case wire.OpHistory:
		return s.history(ctx, grant, command)
	case wire.OpToken:
		return s.renew(ctx, session, command)
	case wire.OpPing:
		return outcome{reply: wire.TimeReply{Time: time.Now().UnixMilli()}}, nil
	case wire.OpClose:
		s.endRecord(ctx, session)
		if conn := session.connection(); conn != nil {
			return outcome{begin: func() { conn.close(&wire.Error{Code: closeNormal, Message: "closed by the client"}) }}, nil
		}
		return outcome{}, nil
	default: // connect, which has its place at the begin
		return outcome{}, wire.Errorf(wire.CodeProtocolError, "connect came twice")
	}
}

// subscribe begins a stream. The leader answers where; from there on nothing is lost and nothing comes twice. To subscribe again
// changes nothing but whether presence is followed.
func (s *Server) subscribe(ctx context.Context, session *Session, grant *auth.Grant, command wire.Command) (outcome, error) {
	if err := s.maySubscribe(grant, command); err != nil {
		return outcome{}, err
	}
	if err := s.maySubscribe(session.currentGrant(), command); err != nil { // it is what the stream is judged by from here on
		return outcome{}, err
	}
	sub := session.subscription(command.Channel)
	isNew := sub == nil
	if isNew {
		var err error
		if sub, err = s.join(session, session.channelID(command.Channel)); err != nil {
			return outcome{}, err
		}
	}
	kept := !isNew
	defer func() {
		if !kept { // an error, or a panic
			s.hub.leave(sub)
		}
	}()
	out, err := s.subscribed(ctx, sub, command, isNew)
	if err != nil {
		return outcome{}, err
	}
	session.setSubscription(command.Channel, sub)
	kept = true
	delete(session.left, command.Channel)
	s.touch(session)
	return out, nil
}

func (s *Server) maySubscribe(grant *auth.Grant, command wire.Command) error {
	if err := s.backend.Allow(grant, auth.OpSubscribe, command.Channel); err != nil || !command.Presence {
		return err
	}
	return s.backend.Allow(grant, auth.OpPresence, command.Channel)
}

// subscribed reads what the answer to a subscribe tells.
func (s *Server) subscribed(ctx context.Context, sub *subscription, command wire.Command, isNew bool) (outcome, error) {
	backlog, err := s.beginning(ctx, sub, command, isNew)
	if err != nil {
		return outcome{}, err
	}
	reply := wire.SubscribeReply{
		Channel: command.Channel, Epoch: backlog.From.Epoch.String(), Offset: backlog.From.Offset, Recovered: backlog.Gap == nil,
	}
	if !command.Presence {
		sub.entry.watchNot(sub)
		return outcome{reply: reply, begin: func() { s.begin(sub, backlog, command) }}, nil
	}
	before := sub.entry.readSet(sub)
	members, version, err := s.backend.Members(ctx, sub.entry.id)
	if err != nil {
		sub.entry.readNot(sub)
		return outcome{}, err
	}
	reply.Presence = &wire.PresenceSet{Version: version, Members: membersOf(members)}
	return outcome{reply: reply, begin: func() {
		s.begin(sub, backlog, command)
		if !sub.entry.watchFrom(sub, version, before) && sub.outbox != nil {
			sub.outbox.hungry(sub, time.Time{})
		}
	}}, nil
}

// beginning is where a stream begins, and the first of what follows there. Of one that runs it is where this connection was told that it
// begins, and not where it is: beside a stream or poll the answer may be faster than the messages before.
func (s *Server) beginning(ctx context.Context, sub *subscription, command wire.Command, isNew bool) (channel.Backlog, error) {
	at, _ := sub.entry.look(sub)
	switch {
	case isNew:
		return s.backend.Backlog(ctx, sub.entry.id, command.Start(), pageMessages)
	case at.begun:
		return channel.Backlog{From: at.told}, nil
	default:
		return s.backend.Backlog(ctx, sub.entry.id, at.first, pageMessages)
	}
}

// join makes a subscription whose stream has not begun, if the session may have one more.
func (s *Server) join(session *Session, id channel.ID) (*subscription, error) {
	app, err := s.backend.App(session.app)
	if err != nil {
		return nil, err
	}
	if count, _ := session.counts(); count >= app.ChannelsPerConnection {
		return nil, tooManyChannels(app.ChannelsPerConnection)
	}
	var box *outbox
	if conn := session.connection(); conn != nil {
		box = conn.outbox
	}
	return s.hub.join(id, session, box, s.backend.Rule(id)), nil
}

// begin lets the stream of a new subscription run, after its client was told where it begins.
func (s *Server) begin(sub *subscription, backlog channel.Backlog, command wire.Command) {
	first := s.newPage(sub.entry.id.Name, backlog, place{})
	first.rewound = command.Rewind > 0
	sub.entry.start(sub, backlog, first)
}

func (s *Server) unsubscribeCommand(session *Session, command wire.Command) (outcome, error) {
	if session.subscription(command.Channel) == nil {
		return outcome{}, wire.NewError(wire.CodeNotSubscribed)
	}
	s.unsubscribe(session, command.Channel)
	if conn := session.connection(); conn != nil {
		conn.outbox.push(leftItem(command.Channel)) // a stream's cursor must not bring it back
	}
	session.noteLeft(command.Channel)
	s.touch(session)
	return outcome{reply: wire.ChannelReply{Channel: command.Channel}}, nil
}

// unsubscribe ends a subscription, if there is one. The caller has the session's turn.
func (s *Server) unsubscribe(session *Session, name string) {
	if sub := session.subscription(name); sub != nil {
		s.hub.leave(sub)
		session.setSubscription(name, nil)
	}
}

func (s *Server) publish(ctx context.Context, session *Session, grant *auth.Grant, command wire.Command) (outcome, error) {
	publish := Publish{
		Channel: command.Channel, ID: command.ID, Event: command.Event, Data: command.Data, ClientID: session.clientID,
	}
	if !command.Echo {
		publish.Exclude = session.id
	}
	published, err := s.backend.Publish(ctx, grant, publish)
	if err != nil {
		return outcome{}, err
	}
	return outcome{reply: wire.Published{
		ID: published.ID, Channel: published.Channel, Epoch: published.Position.Epoch.String(), Offset: published.Position.Offset,
		Copies: published.Copies, Duplicate: published.Duplicate,
	}}, nil
}

func (s *Server) history(ctx context.Context, grant *auth.Grant, command wire.Command) (outcome, error) {
	page, err := s.backend.History(ctx, grant, command.Channel, command.HistoryQuery())
	if err != nil {
		return outcome{}, err
	}
	return outcome{reply: wire.HistoryOf(command.Channel, page)}, nil
}
