package pushnode

import (
	"context"
	"math/rand/v2"

	"halley/pushnode/channel"
)

// Attach opens a session's record or takes it over.
func (n *Node) Attach(ctx context.Context, attach channel.AttachSession) (channel.Session, bool, error) {
	attach.Edge, attach.Attempt = n.instance, newAttempt()
	reply, err := n.slots.propose(ctx, slotOf(attach.App, attach.Session), attach)
	if err != nil {
		return channel.Session{}, false, n.wireError("attach session", err)
	}
	return reply.Result.Session, reply.Result.Resumed, nil
}

// Update records what a session follows.
func (n *Node) Update(ctx context.Context, update channel.UpdateSession) error {
	return n.record(ctx, update.App, update.Session, update)
}

// Detach starts a session's timers.
func (n *Node) Detach(ctx context.Context, detach channel.DetachSession) error {
	return n.record(ctx, detach.App, detach.Session, detach)
}

// End ends a session at once.
func (n *Node) End(ctx context.Context, end channel.EndSession) error {
	return n.record(ctx, end.App, end.Session, end)
}

func (n *Node) record(ctx context.Context, app, session string, command channel.Command) error {
	if _, err := n.slots.propose(ctx, slotOf(app, session), command); err != nil {
		return n.wireError("record session", err)
	}
	return nil
}

// newAttempt numbers what is wanted once: a request that is sent again, because nobody knows what came of it, does nothing twice.
func newAttempt() uint64 { return rand.Uint64() | 1 }
