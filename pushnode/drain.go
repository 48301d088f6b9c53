package pushnode

import (
	"context"
	"time"

	"halley/pushnode/cluster"
)

const (
	// drainLook is how often a node that drains looks how far it is.
	drainLook = 100 * time.Millisecond
	// drainNotice is how long a node of several goes on as before but for its readiness, so that balancers send nobody to it when it
	// begins to send its clients away. It comes out of the time that the drain is given: a third of it at most.
	drainNotice = 5 * time.Second
)

// Drain ends the node's service without a lost message, until ctx ends at the latest: it says that it is not ready, hands over what it
// leads, tells every connection when to come back and waits until they are gone, and at last until no other node counts on its
// copies. Where there are others, requests are served all the while; answers ask their clients to close the connection.
func (n *Node) Drain(ctx context.Context) error {
	n.draining.Store(true)
	n.logger.Info("draining")
	defer n.refusing.Store(true)
	if n.peers == nil {
		n.refusing.Store(true) // nobody else takes anything over
		n.deliveries.awaitHandled(ctx)
		return n.sessions.Drain(ctx)
	}
	n.peers.members.SetState(cluster.Draining)
	n.handOver(ctx)
	n.deliveries.awaitHandled(ctx)
	err := n.sessions.Drain(ctx)
	n.peers.members.SetState(cluster.Leaving)
	n.letGo(ctx)
	return err
}

// handOver gives the lead of its slots to others, and its balancers time. What cannot be handed over may take half of the time at most:
// clients must be told to go before they are cut off.
func (n *Node) handOver(ctx context.Context) {
	notice := drainNotice
	if end, bounded := ctx.Deadline(); bounded {
		left := time.Until(end)
		notice = min(notice, left/3)
		half, cancel := context.WithTimeout(ctx, left/2)
		defer cancel()
		ctx = half
	}
	noticed := time.Now().Add(notice)
	n.drainUntil(ctx, func(leads, _ int) bool { return leads == 0 && time.Now().After(noticed) })
}

// letGo waits until no slot counts on this node.
func (n *Node) letGo(ctx context.Context) {
	n.drainUntil(ctx, func(_, holds int) bool { return holds == 0 })
}

// drainUntil hands over until that is done, ctx ends, or there is nobody to take over: the others may die or drain at the same time.
func (n *Node) drainUntil(ctx context.Context, done func(leads, holds int) bool) {
	ticks := time.NewTicker(drainLook)
	defer ticks.Stop()
	for !n.peers.alone() {
		leads, holds := n.slots.host.Drain(n.slots.clock.now())
		if done(leads, holds) {
			return
		}
		select {
		case <-ctx.Done():
			n.logger.Warn("drain cut short", "leads", leads, "holds", holds)
			return
		case <-ticks.C:
		}
	}
}
