package session

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"halley/pushnode/pusher"
	"halley/pushnode/wire"
)

// errOtherUser refuses a second sign-in.
var errOtherUser = errors.New("the connection is signed in as another user")

// signInPusher has the client be a user from now on (Pusher protocol, "pusher:signin"): it may hear what is sent to that user, counts for who
// watches the user, and is told who is online of those whom it watches. The connection lives where that is refused.
func (s *Server) signInPusher(ctx context.Context, conn *connection, command pusher.Command) (pusherAnswer, error) {
	user, err := s.maySignInPusher(conn, command)
	if err != nil {
		return answerPusher(pusher.AppendError(nil, pusher.CodeUnauthorized, err.Error())), nil
	}
	answer := answerPusher(pusher.AppendSignedIn(nil, command.UserData))
	if conn.pusher.user != nil {
		return answer, nil // it is so already
	}
	err = s.comeOnline(ctx, conn, user.Member)
	if fault := wire.AsError(err); fault != nil && refuses(fault) {
		return answerPusher(pusher.AppendError(nil, pusher.Code(fault.Code), fault.Message)), nil
	}
	if user.Excess {
		answer.frames = append(answer.frames, pusher.AppendError(nil, pusher.CodeWatchlist, pusher.CodeWatchlist.Text()))
	}
	answer.begin = func() { s.watchUsers(conn, user.Watchlist) }
	return answer, err
}

// maySignInPusher verifies who a client says that it is.
func (s *Server) maySignInPusher(conn *connection, command pusher.Command) (pusher.SignIn, error) {
	text := pusher.UserText(conn.session.id, command.UserData)
	if !s.backend.Signed(conn.session.app, command.Auth, text) {
		return pusher.SignIn{}, errors.New(pusher.BadSignature(text, command.Auth))
	}
	user, err := pusher.ParseSignIn(command.UserData)
	if err == nil && conn.pusher.user != nil && conn.pusher.user.ID != user.ID {
		err = errOtherUser
	}
	return user, err
}

// comeOnline makes the session a member of those that are the user's, under the client id of its record, so that the membership ends with
// that wherever its node dies. Who ends the user's connections meanwhile finds this one.
func (s *Server) comeOnline(ctx context.Context, conn *connection, user pusher.Member) error {
	conn.session.setUser(conn.pusher, &user)
	member := pusher.Member{ID: cmp.Or(conn.pusher.member, user.ID)}
	err := s.enterPusher(ctx, conn, pusher.OnlineChannel(user.ID), member)
	if err != nil {
		conn.session.setUser(conn.pusher, nil)
	}
	return err
}

func (s *Session) setUser(client *pusherClient, user *pusher.Member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	client.user = user
}

// isOf reports whether the session is that of a client id: by its token, or because its client signed in as that user.
func (s *Session) isOf(clientID string) bool {
	if s.clientID == clientID {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn != nil && s.conn.pusher != nil && s.conn.pusher.user != nil && s.conn.pusher.user.ID == clientID
}

// watchUsers tells the client who of the users is online, from now on. A client that does not take that is sent away: it begins anew with
// the whole list.
func (s *Server) watchUsers(conn *connection, userIDs []string) {
	if len(userIDs) == 0 {
		return
	}
	conn.pusher.watchlist = s.watches.watch(conn.session.app, userIDs, func(event item) {
		if !conn.outbox.tryPush(event) {
			conn.close(wire.NewError(wire.CodeSlowConsumer))
		}
	})
}

// mayHearUser refuses the channel of a user to who did not sign in as that user; nil: it may be followed.
func (c *pusherClient) mayHearUser(name, userID string) (refusal []byte) {
	if c.user != nil && c.user.ID == userID {
		return nil
	}
	return pusher.AppendSubscriptionError(nil, name, authError, "The connection is not signed in as this user", http.StatusUnauthorized)
}
