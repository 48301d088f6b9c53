package pushnode

import (
	"context"
	"sync"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/webhook"
)

// How often apps are told how many subscribers a channel has (Pusher protocol, "Subscription counting").
const (
	countsOfMany = 100             // above it, not at each change
	countsEvery  = 5 * time.Second // but so often
)

// tellCounts tells apps how many subscribers channels have.
type tellCounts struct {
	engine *webhook.Engine

	mu sync.Mutex
	// guarded by mu
	channels map[channel.ID]countTold // of which something was told within countsEvery
}

type countTold struct {
	count, told int
	at          time.Time // when it was told
}

func newTellCounts(engine *webhook.Engine) *tellCounts {
	return &tellCounts{engine: engine, channels: make(map[channel.ID]countTold)}
}

// set tells a count, or keeps it until it may be told.
func (t *tellCounts) set(id channel.ID, count int, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known, recent := t.channels[id]
	known.count = count
	if !recent || count <= countsOfMany && known.told != count {
		known = t.tell(id, count, now)
	}
	t.channels[id] = known
}

func (t *tellCounts) tell(id channel.ID, count int, now time.Time) countTold {
	t.engine.Take(webhook.Event{App: id.App, Kind: webhook.SubscriptionCount, Channel: id.Name, Count: count, Time: now.UnixMilli()})
	return countTold{count: count, told: count, at: now}
}

// run tells what waits until ctx ends.
func (t *tellCounts) run(ctx context.Context) {
	every(ctx, time.Second, t.tellDue)
}

func (t *tellCounts) tellDue(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, known := range t.channels {
		switch {
		case now.Sub(known.at) < countsEvery:
		case known.count == known.told:
			delete(t.channels, id)
		default:
			t.channels[id] = t.tell(id, known.count, now)
		}
	}
}
