package pushnode

import (
	"context"

	"halley/auth"
	"halley/pushnode/channel"
)

// Backlog reads what follows start in a channel, at most limit publications, from the leader of its slot.
func (n *Node) Backlog(ctx context.Context, id channel.ID, start channel.Start, limit int) (channel.Backlog, error) {
	answer, err := n.slots.query(ctx, slotOf(id.App, id.Name), channel.BacklogQuery{Channel: id, Start: start, Limit: limit})
	if err != nil {
		return channel.Backlog{}, n.wireError("read backlog", err)
	}
	return answer.(channel.Backlog), nil
}

// Follow has what happens in a channel handed to this node while it has subscriptions here.
func (n *Node) Follow(id channel.ID, subscriptions int) {
	n.slots.host.Follow(n.slots.clock.now(), slotOf(id.App, id.Name), id, subscriptions)
}

// History reads a page of a channel's history, if the grant may.
func (n *Node) History(ctx context.Context, grant *auth.Grant, name string, query channel.HistoryQuery) (
	channel.HistoryPage, error,
) {
	if err := n.Allow(grant, auth.OpHistory, name); err != nil {
		return channel.HistoryPage{}, err
	}
	id := channel.ID{App: grant.AppID, Name: name}
	query.Channel = id
	answer, err := n.slots.query(ctx, slotOf(id.App, id.Name), query)
	if err != nil {
		return channel.HistoryPage{}, n.wireError("read history", err)
	}
	return answer.(channel.HistoryPage), nil
}
