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
	read := func(limit int) (channel.HistoryPage, error) {
		return s.backend.History(ctx, conn.pusher.grantFor(name), name, channel.HistoryQuery{Limit: limit})
	}
	page, last, err := LastRemembered(read, func(epoch channel.Epoch, offset uint64) bool {
		return offset > from.Offset && epoch.String() == from.Epoch // it comes by itself
	})
	switch {
	case err != nil:
		return nil, err
	case last == nil:
		s.backend.CacheMissed(channel.ID{App: conn.session.app, Name: name})
		return pusher.AppendCacheMiss(nil, name), nil
	default:
		return appendPusherMessage(nil, messageOf(name, page.Epoch.String(), last), pusher.Addition{}), nil
	}
}

// LastRemembered is the last event that a server has published in a cache channel, and the page that it stands on; nil: there is none. read reads
// so many of the channel's latest publications, the latest first. Those that skip names do not count.
func LastRemembered(read func(limit int) (channel.HistoryPage, error), skip func(epoch channel.Epoch, offset uint64) bool) (
	page channel.HistoryPage, last *channel.Publication, err error,
) {
	// The latest publication mostly is the one. To read what else there may be for each of many who come back costs a hundred times as much.
	for _, looks := range [...]int{1, pusher.CacheLooks} {
		if page, err = read(looks); err != nil {
			return page, nil, err
		}
		for _, publication := range page.Publications {
			if !skip(page.Epoch, publication.Offset) && pusher.Remembered(publication.Event, publication.ClientID) {
				return page, publication, nil
			}
		}
		if len(page.Publications) < looks {
			break
		}
	}
	return page, nil, nil
}
