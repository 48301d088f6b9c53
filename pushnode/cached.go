package pushnode

import (
	"context"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/pusher"
	"halley/pushnode/session"
	"halley/tenant"
)

// cachedRoom is what the event of a cache channel may have beside its data: its id and its name.
const cachedRoom = 1 << 10

// ruleFor is the rule in force for a channel. Where Pusher's clients may reach the app, its cache channels remember what was published for as
// long as Pusher does, and one event at least.
func ruleFor(app *tenant.AppView, name string) channel.Rule {
	rule := app.Rule(name)
	if !pusher.KindOf(name).Is(pusher.Cache) {
		return rule
	}
	if _, reached := app.Pusher(time.Now()); !reached {
		return rule
	}
	keep := &rule.Retention
	keep.Messages = max(keep.Messages, 1)
	keep.Bytes = max(keep.Bytes, app.Limits.MessageBytes+cachedRoom)
	keep.Age = max(keep.Age, pusher.CacheTTL)
	return rule
}

// lastCached is the event that a cache channel begins with for a new subscriber, nil where there is none: the last one that a server has
// published.
func (n *Node) lastCached(ctx context.Context, id channel.ID) (*channel.Publication, error) {
	if !pusher.KindOf(id.Name).Is(pusher.Cache) {
		return nil, nil
	}
	read := func(limit int) (channel.HistoryPage, error) {
		answer, err := n.slots.query(ctx, slotOf(id.App, id.Name), channel.HistoryQuery{Channel: id, Limit: limit})
		if err != nil {
			return channel.HistoryPage{}, n.wireError("read cached event", err)
		}
		return answer.(channel.HistoryPage), nil
	}
	_, last, err := session.LastRemembered(read, func(channel.Epoch, uint64) bool { return false })
	return last, err
}
