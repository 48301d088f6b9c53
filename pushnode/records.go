package pushnode

import (
	"context"
	"errors"
	"math/rand/v2"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

// attachTries is how often an attachment is asked for that comes back as void.
const attachTries = 5

// Attach opens a session's record or takes it over.
func (n *Node) Attach(ctx context.Context, attach channel.AttachSession) (channel.Session, bool, error) {
	attach.Edge = n.instance
	for range attachTries {
		attach.Attempt = newAttempt()
		reply, err := n.slots.propose(ctx, slotOf(attach.App, attach.Session), attach)
		if err != nil {
			n.doubt(channel.ID{App: attach.App, Name: attach.Session}, err)
			return channel.Session{}, false, n.wireError("attach session", err)
		}
		// The command was proposed twice, and between the two this node was taken for dead: what the first one did is void.
		if reply.Result.Session.Attached {
			return reply.Result.Session, reply.Result.Resumed, nil
		}
	}
	return channel.Session{}, false, n.wireError("attach session", host.ErrUnknown)
}

// doubt notes a session whose attachment may have been recorded though it failed.
func (n *Node) doubt(id channel.ID, err error) {
	if errors.Is(err, channel.ErrNoSession) || errors.Is(err, host.ErrNotDone) || errors.Is(err, host.ErrOverloaded) {
		return
	}
	if !n.doubts.add(id) {
		n.logger.Warn("more sessions than can be looked after may be attached to nobody", "app", id.App, "session", id.Name, "err", err)
	}
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
