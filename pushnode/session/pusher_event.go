package session

import (
	"context"
	"fmt"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/pusher"
)

// How many client events a connection may publish: Pusher's own bound (Pusher protocol, "Client events").
const (
	clientEvents      = 10
	clientEventsEvery = time.Second
)

// eventRate counts the client events of a connection, in windows of clientEventsEvery.
type eventRate struct {
	begun moment
	count int
}

// take reports whether there may be one more.
func (r *eventRate) take(now moment) bool {
	if r.count == 0 || time.Duration(now-r.begun) >= clientEventsEvery {
		r.begun, r.count = now, 0
	}
	r.count++
	return r.count <= clientEvents
}

// publishPusher publishes a client event (Pusher protocol, "Client events"): to all who follow the channel but this connection. There is no
// answer where that went well.
func (s *Server) publishPusher(ctx context.Context, conn *connection, command pusher.Command) (pusherAnswer, error) {
	client, session := conn.pusher, conn.session
	if text := mayPublishPusher(session, client, command); text != "" {
		return answerPusher(pusher.AppendEventError(nil, command.Channel, pusher.CodeClientEventRate, text)), nil
	}
	if !client.events.take(momentOf(time.Now())) {
		return answerPusher(pusher.AppendEventError(nil, command.Channel, pusher.CodeClientEventRate, pusher.CodeClientEventRate.Text())), nil
	}
	_, err := s.backend.Publish(ctx, client.signed(), Publish{
		Channel: command.Channel, Event: command.Event, Data: pusher.DataOf(command.Data), Exclude: session.id,
		ClientID: client.users[command.Channel],
	})
	if fault := s.shown("client event", err); fault != nil {
		return answerPusher(pusher.AppendEventError(nil, command.Channel, pusher.Code(fault.Code), fault.Message)), nil
	}
	s.backend.ClientEvent(channel.ID{App: session.app, Name: command.Channel}, ClientEvent{
		Event: command.Event, Data: command.Data, SocketID: session.id, UserID: client.users[command.Channel],
	})
	return pusherAnswer{}, nil
}

// mayPublishPusher says why a client event may not be published; empty: it may.
func mayPublishPusher(session *Session, client *pusherClient, command pusher.Command) string {
	kind := pusher.KindOf(command.Channel)
	switch {
	case !client.app.ClientEvents:
		return "The app does not have client events enabled"
	case !pusher.ValidEvent(command.Event):
		return "The name of a client event has 1 to 200 characters"
	case !kind.Is(pusher.Private) || kind.Is(pusher.Encrypted):
		return "Client events are for private and presence channels that are not encrypted"
	case session.subscription(command.Channel) == nil:
		return pusher.NotSubscribed(command.Channel)
	case len(command.Data) > client.app.EventBytes:
		return fmt.Sprintf("The data of a client event has more than %d bytes", client.app.EventBytes)
	}
	return ""
}
