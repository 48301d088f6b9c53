package pushnode

import (
	"context"

	"halley/auth"
	"halley/pushnode/channel"
)

// Backlog reads what follows start in a channel, at most limit publications, from the leader of its slot.
func (n *Node) Backlog(ctx context.Context, id channel.ID, start channel.Start, limit int) (channel.Backlog, error) {
	if n.sight.blindTo(id) {
		return channel.Backlog{}, n.errBlind("read backlog")
	}
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

// Congested has the leader of a channel refuse its publishers while a subscriber here cannot take more.
func (n *Node) Congested(id channel.ID, queued int) {
	n.slots.host.Congest(n.slots.clock.now(), slotOf(id.App, id.Name), id, queued)
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
	var whole channel.HistoryPage
	for first := true; first || whole.More && query.Limit > 0; first = false {
		answer, err := n.slots.query(ctx, slotOf(id.App, id.Name), query)
		if err != nil {
			return channel.HistoryPage{}, n.wireError("read history", err)
		}
		page := answer.(channel.HistoryPage)
		if !first && (page.Gap != nil || len(page.Publications) == 0) {
			break // the rest has left the history in between
		}
		if first {
			whole = page
		} else {
			whole.Publications, whole.More = append(whole.Publications, page.Publications...), page.More
		}
		query = following(query, page)
	}
	return whole, nil
}

// following is the query for what comes after a page that was too large to be all that was asked for.
func following(query channel.HistoryQuery, page channel.HistoryPage) channel.HistoryQuery {
	query.Limit -= len(page.Publications)
	if last := len(page.Publications) - 1; last >= 0 {
		query.Since = &channel.Position{Epoch: page.Epoch, Offset: page.Publications[last].Offset}
	}
	return query
}
