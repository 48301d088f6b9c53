package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// farewells is how many peers are told to their face that this node leaves, besides by gossip: over TCP, should UDP not get through.
const farewells = 3

// leaveTimeout bounds a farewell whose context has no deadline before.
const leaveTimeout = 5 * time.Second

// Leave tells the others that this instance is gone and will not come back, so that they need not wait for its death. It returns when
// the word has been sent often enough, which takes about a second, or with an error when ctx's deadline or 5 s have passed before.
// Run must be running, and go on until Leave returns.
func (n *Cluster) Leave(ctx context.Context) error {
	g := n.gossip.Load()
	if g == nil {
		return ErrNotRunning
	}
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	n.mu.Lock()
	n.self.State = Left
	n.publishLocked()
	n.mu.Unlock()
	n.log.Info("leaving the cluster", "member", n.Self())

	err := errors.Join(n.farewell(ctx, g), within(ctx, g.leave))
	if err != nil {
		return fmt.Errorf("cluster: leave: %w", err)
	}
	return nil
}

// farewell spreads this node's last word of itself: by gossip to all, and directly to some.
func (n *Cluster) farewell(ctx context.Context, g *gossip) error {
	others := n.View()
	var visits sync.WaitGroup
	for _, i := range rand.Perm(len(others))[:min(len(others), farewells)] {
		visits.Go(func() {
			if err := g.join(others[i].Gossip); err != nil {
				n.log.Debug("no farewell", "member", others[i], "err", err)
			}
		})
	}
	err := within(ctx, func(left time.Duration) error { return g.announce(min(left, announceTimeout)) })
	visits.Wait()
	return err
}

// within calls something with the time that is left. What memberlist does ends by a time-out, never by a context.
func within(ctx context.Context, call func(timeout time.Duration) error) error {
	deadline, _ := ctx.Deadline()
	left := time.Until(deadline)
	if ctx.Err() != nil || left <= 0 {
		return context.Cause(ctx)
	}
	return call(left)
}
