package pushnode

import (
	"context"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/pusher"
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
	answer, err := n.slots.query(ctx, slotOf(id.App, id.Name), channel.HistoryQuery{Channel: id, Limit: pusher.CacheLooks})
	if err != nil {
		return nil, n.wireError("read cached event", err)
	}
	for _, publication := range answer.(channel.HistoryPage).Publications { // the newest first
		if pusher.Remembered(publication.Event, publication.ClientID) {
			return publication, nil
		}
	}
	return nil, nil
}
