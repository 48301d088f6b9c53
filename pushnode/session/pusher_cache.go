package session

import (
	"context"

	"halley/pushnode/channel"
	"halley/pushnode/pusher"
	"halley/pushnode/wire"
)

// cached is what the new subscriber of a cache channel is told behind that it follows (Pusher protocol, "Cache channels"): the last event that a
// server published, up to where the stream begins, or that there is none.
func (s *Server) cached(ctx context.Context, conn *connection, name string, from wire.SubscribeReply) ([]byte, error) {
	page, err := s.backend.History(ctx, conn.pusher.grantFor(name), name, channel.HistoryQuery{Limit: pusher.CacheLooks})
	if err != nil {
		return nil, err
	}
	epoch := page.Epoch.String()
	for _, publication := range page.Publications { // the latest first
		if epoch == from.Epoch && publication.Offset > from.Offset {
			continue // it comes by itself
		}
		if pusher.Remembered(publication.Event, publication.ClientID) {
			return appendPusherMessage(nil, messageOf(name, epoch, publication)), nil
		}
	}
	s.backend.CacheMissed(channel.ID{App: conn.session.app, Name: name})
	return pusher.AppendCacheMiss(nil, name), nil
}
