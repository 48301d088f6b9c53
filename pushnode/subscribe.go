package pushnode

import (
	"context"

	"halley/auth"
	"halley/pushnode/channel"
)

// Backlog reads what follows start in a channel, at most limit publications, from the leader of its slot.
func (n *Node) Backlog(ctx context.Context, id channel.ID, start channel.Start, limit int) (channel.Backlog, error) {
	var backlog channel.Backlog
	err := n.slots.read(ctx, slotOf(id.App, id.Name), func(state *channel.State) {
		backlog = state.Backlog(id, start, limit)
	})
	if err != nil {
		return channel.Backlog{}, n.wireError("read backlog", err)
	}
	return backlog, nil
}

// History reads a page of a channel's history, if the grant may.
func (n *Node) History(ctx context.Context, grant *auth.Grant, name string, query channel.HistoryQuery) (
	channel.HistoryPage, error,
) {
	if err := n.Allow(grant, auth.OpHistory, name); err != nil {
		return channel.HistoryPage{}, err
	}
	id := channel.ID{App: grant.AppID, Name: name}
	var page channel.HistoryPage
	err := n.slots.read(ctx, slotOf(id.App, id.Name), func(state *channel.State) {
		page = state.History(id, query)
	})
	if err != nil {
		return channel.HistoryPage{}, n.wireError("read history", err)
	}
	return page, nil
}
