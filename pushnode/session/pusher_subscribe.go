package session

import (
	"context"
	"errors"
	"net/http"

	"halley/auth"
	"halley/pushnode/pusher"
	"halley/pushnode/wire"
)

// subscribePusher begins a subscription (Pusher protocol, "pusher:subscribe").
func (s *Server) subscribePusher(ctx context.Context, conn *connection, command pusher.Command) (pusherAnswer, error) {
	name, session := command.Channel, conn.session
	if session.subscription(name) != nil {
		return answerPusher(pusher.AppendError(nil, 0, pusher.AlreadySubscribed(name))), nil
	}
	member, refusal := s.maySubscribePusher(conn, command)
	if refusal != nil {
		return answerPusher(refusal), nil
	}
	start, refusal := conn.pusher.start(command)
	if refusal != nil {
		return answerPusher(refusal), nil
	}
	answer, err := s.joinPusher(ctx, conn, start, member)
	if fault := wire.AsError(err); fault != nil && refuses(fault) {
		return answerPusher(appendPusherRefusal(nil, name, fault)), nil
	}
	return answer, err
}

// refuses reports whether an error is the answer to one command: what else may go well next time.
func refuses(fault *wire.Error) bool { return !fault.Code.Closes() }

// maySubscribePusher checks the name, the signature and the data of a subscription. member is who the client is on a presence channel. Where
// refusal is not nil it is the answer.
func (s *Server) maySubscribePusher(conn *connection, command pusher.Command) (member pusher.Member, refusal []byte) {
	name := command.Channel
	if userID, found := pusher.UserOf(name); found {
		return member, conn.pusher.mayHearUser(name, userID)
	}
	if !pusher.ValidChannel(name) {
		return member, refusedName(name)
	}
	kind := pusher.KindOf(name)
	if kind.Is(pusher.Private) {
		text := pusher.ChannelText(conn.session.id, name, command.ChannelData)
		if !s.backend.Signed(conn.session.app, command.Auth, text) {
			return member, pusher.AppendSubscriptionError(nil, name, authError, pusher.BadSignature(text, command.Auth), http.StatusUnauthorized)
		}
	}
	if err := s.backend.Allow(conn.pusher.grantFor(name), auth.OpSubscribe, name); err != nil {
		return member, appendPusherRefusal(nil, name, wire.AsError(err))
	}
	if kind.Is(pusher.Presence) {
		var err error
		if member, err = conn.pusher.memberOf(command); err != nil {
			return member, refusedMember(name, err)
		}
	}
	return member, nil
}

// memberOf is who the client is on a presence channel: who its server says, or who it signed in as.
func (c *pusherClient) memberOf(command pusher.Command) (pusher.Member, error) {
	if command.ChannelData == "" && c.user != nil {
		return *c.user, nil
	}
	return pusher.ParseMember(command.ChannelData)
}

// joinPusher makes the session a subscriber, and on a presence channel a member before: the set that its client is told has it.
func (s *Server) joinPusher(ctx context.Context, conn *connection, start wire.Command, member pusher.Member) (answer pusherAnswer, err error) {
	name, session := start.Channel, conn.session
	sub, err := s.join(session, session.channelID(name))
	if err != nil {
		return answer, err
	}
	kept := false
	defer func() {
		if !kept { // an error, or a panic
			s.hub.leave(sub)
		}
	}()
	if pusher.KindOf(name).Is(pusher.Presence) {
		if err = s.enterPusher(ctx, conn, name, member); err != nil {
			return answer, err
		}
	}
	answer, err = s.beginPusher(ctx, conn, sub, start)
	if err != nil {
		return answer, errors.Join(err, s.leavePusher(ctx, conn, name))
	}
	session.setSubscription(name, sub)
	kept = true
	begin := answer.begin
	answer.begin = func() {
		begin()
		s.countPusher(session, conn.pusher, name)
	}
	return answer, nil
}

// beginPusher reads what the answer to a subscription tells: who is there, and what a cache channel holds.
func (s *Server) beginPusher(ctx context.Context, conn *connection, sub *subscription, start wire.Command) (pusherAnswer, error) {
	name := start.Channel
	out, err := s.subscribed(ctx, sub, start, true)
	if err != nil {
		return pusherAnswer{}, err
	}
	told := out.reply.(wire.SubscribeReply)
	succeeded := pusher.AppendSubscribed(nil, name)
	if told.Presence != nil {
		succeeded = pusher.AppendPresent(nil, name, pusherUsers(told.Presence.Members))
	}
	if conn.pusher.placed {
		succeeded = pusher.Add(succeeded, pusher.Addition{At: placeText(told.Epoch, told.Offset)})
	}
	answer := pusherAnswer{frames: [][]byte{succeeded}, begin: out.begin}
	if pusher.KindOf(name).Is(pusher.Cache) && start.Since == nil {
		last, err := s.cached(ctx, conn, name, told)
		if err != nil {
			return pusherAnswer{}, err
		}
		answer.frames = append(answer.frames, last)
	}
	return answer, nil
}

// unsubscribePusher ends a subscription. There is no answer to that.
func (s *Server) unsubscribePusher(ctx context.Context, conn *connection, name string) (pusherAnswer, error) {
	if conn.session.subscription(name) == nil {
		return answerPusher(pusher.AppendError(nil, 0, pusher.NotSubscribed(name))), nil
	}
	s.unsubscribe(conn.session, name)
	s.countPusher(conn.session, conn.pusher, name)
	return pusherAnswer{}, s.leavePusher(ctx, conn, name)
}
