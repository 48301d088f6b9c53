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
	answer, err := s.joinPusher(ctx, conn, name, member)
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
	if !pusher.ValidChannel(name) {
		return member, pusher.AppendSubscriptionError(nil, name, "InvalidChannel", pusher.InvalidChannel(name), http.StatusBadRequest)
	}
	kind := pusher.KindOf(name)
	if kind.Is(pusher.Private) {
		text := pusher.ChannelText(conn.session.id, name, command.ChannelData)
		if !s.backend.Signed(conn.session.app, command.Auth, text) {
			return member, pusher.AppendSubscriptionError(nil, name, "AuthError", pusher.BadSignature(text, command.Auth), http.StatusUnauthorized)
		}
	}
	if err := s.backend.Allow(conn.pusher.grantFor(name), auth.OpSubscribe, name); err != nil {
		return member, appendPusherRefusal(nil, name, wire.AsError(err))
	}
	if kind.Is(pusher.Presence) {
		var err error
		if member, err = pusher.ParseMember(command.ChannelData); err != nil {
			return member, pusher.AppendSubscriptionError(nil, name, "AuthError", err.Error(), http.StatusBadRequest)
		}
	}
	return member, nil
}

// joinPusher makes the session a subscriber, and on a presence channel a member before: the set that its client is told has it.
func (s *Server) joinPusher(ctx context.Context, conn *connection, name string, member pusher.Member) (answer pusherAnswer, err error) {
	session, present := conn.session, pusher.KindOf(name).Is(pusher.Presence)
	sub, err := s.join(session, session.channelID(name))
	if err != nil {
		return answer, err
	}
	defer func() {
		if err != nil {
			s.hub.leave(sub)
		}
	}()
	if present {
		if err = s.enterPusher(ctx, conn, name, member); err != nil {
			return answer, err
		}
	}
	out, err := s.subscribed(ctx, sub, wire.Command{Channel: name, Presence: present}, true)
	if err != nil {
		return answer, errors.Join(err, s.leavePusher(ctx, conn, name))
	}
	session.setSubscription(name, sub)
	answer.begin = out.begin
	if told, ok := out.reply.(wire.SubscribeReply); ok && told.Presence != nil {
		answer.frames = append(answer.frames, pusher.AppendPresent(nil, name, pusherUsers(told.Presence.Members)))
	} else {
		answer.frames = append(answer.frames, pusher.AppendSubscribed(nil, name))
	}
	return answer, nil
}

// unsubscribePusher ends a subscription. There is no answer to that.
func (s *Server) unsubscribePusher(ctx context.Context, conn *connection, name string) (pusherAnswer, error) {
	if conn.session.subscription(name) == nil {
		return answerPusher(pusher.AppendError(nil, 0, pusher.NotSubscribed(name))), nil
	}
	s.unsubscribe(conn.session, name)
	return pusherAnswer{}, s.leavePusher(ctx, conn, name)
}
