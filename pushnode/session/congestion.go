package session

import (
	"context"
	"sync"
	"time"

	"halley/pushnode/channel"
)

// congestionInterval is how often channels of policy block are looked at again of which somebody is behind.
const congestionInterval = 100 * time.Millisecond

// congestions tells the backend which channels of policy block have a subscriber here that cannot take more: their publishers, who may
// be at any node, are refused meanwhile. A queue that is full is told at once, for history holds only so much of what comes after; that it
// has room again, or that somebody who came back has much to catch up with, at the next look.
type congestions struct {
	tell func(id channel.ID, queued int) // immutable
	wake chan struct{}                   // one token: there is something to look at

	mu       sync.Mutex
	suspects map[*entry]struct{} // guarded by mu: channels of which somebody is behind
}

func newCongestions(tell func(channel.ID, int)) *congestions {
	return &congestions{tell: tell, wake: make(chan struct{}, 1), suspects: make(map[*entry]struct{})}
}

// add has a channel looked at until nobody is behind any more.
func (c *congestions) add(e *entry) {
	c.mu.Lock()
	c.suspects[e] = struct{}{}
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default: // it has been told already
	}
}

// run looks at the channels again until ctx ends.
func (c *congestions) run(ctx context.Context) {
	pause := time.NewTimer(congestionInterval)
	defer pause.Stop()
	for {
		select {
		case <-c.wake:
		case <-ctx.Done():
			return
		}
		pause.Reset(congestionInterval)
		select {
		case <-pause.C:
			c.look()
		case <-ctx.Done():
			return
		}
	}
}

func (c *congestions) look() {
	c.mu.Lock()
	suspects := c.suspects
	c.suspects = make(map[*entry]struct{})
	c.mu.Unlock()
	for e := range suspects {
		if e.judge() {
			c.add(e)
		}
	}
}

// suspectLocked has a channel of policy block watched of which a subscription fell behind. One whose queue is full is told at once.
func (e *entry) suspectLocked(sub *subscription) {
	if e.rule.Policy != channel.PolicyBlock {
		return
	}
	e.congestions.add(e)
	if sub.stalled && !e.congested {
		e.congested = true
		waiting, _ := sub.outbox.queued()
		e.congestions.tell(e.id, max(waiting, 1))
	}
}

// judge tells whether a subscriber cannot take more, if that is so or was, and reports whether it is to be looked at again.
func (e *entry) judge() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	queued, full := 0, false
	if e.rule.Policy == channel.PolicyBlock {
		queued, full = e.congestionLocked(e.head)
	}
	switch {
	case full:
		e.congestions.tell(e.id, max(queued, 1))
	case e.congested:
		e.congestions.tell(e.id, 0)
	}
	e.congested = full
	return full || e.behind > 0 && e.rule.Policy == channel.PolicyBlock
}
