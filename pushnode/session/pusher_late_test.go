package session

import (
	"context"
	"testing"
	"time"

	"halley/pushnode/pusher"
)

// What a client asked for is not done when its connection was given up while it waited for its turn: the record and the subscription would
// be nobody's.
func TestPusherAsksTooLate(t *testing.T) {
	t.Parallel()
	d, h := newTestDelivery()
	s := d.server
	s.metrics, s.base, s.config.CommandTimeout = h.metrics, context.Background(), time.Minute
	c, socket := newEagerConnection(s, pusherDialect{})
	c.pusher, c.session = new(pusherClient), &Session{id: "1.2"}
	v := &pusherVisit{visit: visit{server: s, conn: c}}
	for _, event := range []string{pusher.EventSubscribe, pusher.EventSignIn, "client-x"} {
		v.obey(pusher.Command{Event: event, Channel: "news"}) // the server has no backend to ask
	}
	if subs, members := c.session.counts(); subs+members > 0 || len(socket.taken) > 0 {
		t.Errorf("%d subscriptions, %d memberships, answered %q", subs, members, socket.taken)
	}
}
