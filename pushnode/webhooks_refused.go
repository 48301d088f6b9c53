package pushnode

import (
	"context"
	"sync"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/webhook"
)

// refusedHooks is hooks for which an endpoint had no room: they wait here, so that those of other apps in the same slot need not. Their slots
// keep them too, and bound them.
type refusedHooks struct {
	mu sync.Mutex
	// guarded by mu
	waiting map[int][]webhook.Event // by slot, oldest first
}

func newRefusedHooks() *refusedHooks { return &refusedHooks{waiting: make(map[int][]webhook.Event)} }

// offerInterval is how often refused hooks are offered again.
const offerInterval = time.Second

// add has an event wait, and reports whether there was room.
func (r *refusedHooks) add(slot int, event webhook.Event) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting[slot]) >= channel.MaxHooks {
		return false
	}
	r.waiting[slot] = append(r.waiting[slot], event)
	return true
}

// run offers what waits until ctx ends.
func (r *refusedHooks) run(ctx context.Context, engine *webhook.Engine) {
	every(ctx, offerInterval, func(time.Time) { r.offer(engine) })
}

// offer gives each to the engine, unless its slot has let go of it, or somebody else tells it.
func (r *refusedHooks) offer(engine *webhook.Engine) {
	for slot, events := range r.take() {
		for _, event := range events {
			if !event.Void() && !engine.Take(event) {
				r.add(slot, event)
			}
		}
	}
}

func (r *refusedHooks) take() map[int][]webhook.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.waiting
	r.waiting = make(map[int][]webhook.Event)
	return taken
}
