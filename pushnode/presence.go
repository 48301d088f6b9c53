package pushnode

import (
	"cmp"
	"context"
	"errors"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/wire"
	"halley/tenant"
)

// Members reads the presence set of a channel.
func (n *Node) Members(ctx context.Context, id channel.ID) ([]channel.Member, uint64, error) {
	var members []channel.Member
	var version uint64
	err := n.slots.read(ctx, slotOf(id.App, id.Name), func(state *channel.State) {
		members, version = state.Members(id)
	})
	if err != nil {
		return nil, 0, n.wireError("read presence", err)
	}
	return members, version, nil
}

// Enter makes a session a member of a channel, or changes its data.
func (n *Node) Enter(ctx context.Context, enter channel.EnterPresence) (uint64, error) {
	app, err := n.app(enter.Channel.App)
	if err != nil {
		return 0, err
	}
	if err := n.roomForChannel(ctx, app, enter.Channel); err != nil {
		return 0, err
	}
	enter.Max = app.Limits.PresenceMembers
	version, err := n.changePresence(ctx, enter.Channel, enter)
	if errors.Is(err, channel.ErrPresenceFull) {
		return 0, wire.Errorf(wire.CodePresenceFull, "the limit %s of %d is reached", tenant.LimitPresenceMembers, enter.Max)
	}
	return version, err
}

// Leave ends a membership.
func (n *Node) Leave(ctx context.Context, leave channel.LeavePresence) (uint64, error) {
	return n.changePresence(ctx, leave.Channel, leave)
}

func (n *Node) changePresence(ctx context.Context, id channel.ID, command channel.Command) (uint64, error) {
	result, err := n.slots.propose(ctx, slotOf(id.App, id.Name), command)
	if err != nil {
		return 0, n.wireError("change presence", err)
	}
	return result.Version, nil
}

// maxPresenceDue bounds how many sessions wait for their presence to be cleared. What finds no place is asked for again by the
// session's slot.
const maxPresenceDue = 4096

// clearTimeout bounds how long the clearing of one session may take before it is left to the next request of its slot.
const clearTimeout = 10 * time.Second

// clearPresence ends the memberships of sessions that stayed away beyond their grace, until ctx ends.
func (n *Node) clearPresence(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case due := <-n.presenceDue:
			if err := n.clearMemberships(ctx, due); err != nil && ctx.Err() == nil {
				n.logger.Warn("presence not cleared, asking again", "app", due.App, "session", due.Session, "err", err)
			}
		}
	}
}

func (n *Node) clearMemberships(ctx context.Context, due channel.PresenceDue) error {
	ctx, cancel := context.WithTimeout(ctx, clearTimeout)
	defer cancel()
	for _, name := range due.Channels {
		leave := channel.LeavePresence{
			Channel: channel.ID{App: due.App, Name: name}, Session: due.Session, Generation: due.Generation,
			ClientID: cmp.Or(due.ClientID, due.Session), // of an anonymous member the session id stands in
		}
		_, err := n.slots.propose(ctx, slotOf(due.App, name), leave)
		if err != nil && !errors.Is(err, channel.ErrGeneration) { // who came back and entered again stays
			return err
		}
	}
	cleared := channel.PresenceCleared{App: due.App, Session: due.Session, Channels: due.Channels, Generation: due.Generation}
	_, err := n.slots.propose(ctx, slotOf(due.App, due.Session), cleared)
	return err
}
