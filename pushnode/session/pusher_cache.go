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
	// The latest publication mostly is the one. To read what else there may be for each of many who come back costs a hundred times as much.
	for _, looks := range [...]int{1, pusher.CacheLooks} {
		page, err := s.backend.History(ctx, conn.pusher.grantFor(name), name, channel.HistoryQuery{Limit: looks})
		if err != nil {
			return nil, err
		}
		if last := lastRemembered(page, from); last != nil {
			return appendPusherMessage(nil, messageOf(name, page.Epoch.String(), last), pusher.Addition{}), nil
		}
		if len(page.Publications) < looks {
			break
		}
	}
	s.backend.CacheMissed(channel.ID{App: conn.session.app, Name: name})
	return pusher.AppendCacheMiss(nil, name), nil
}

// lastRemembered is the last event of a server's on a page of history, up to where a stream begins; nil: there is none.
func lastRemembered(page channel.HistoryPage, from wire.SubscribeReply) *channel.Publication {
	epoch := page.Epoch.String()
	for _, publication := range page.Publications { // the latest first
		if epoch == from.Epoch && publication.Offset > from.Offset {
			continue // it comes by itself
		}
		if pusher.Remembered(publication.Event, publication.ClientID) {
			return publication
		}
	}
	return nil
}
