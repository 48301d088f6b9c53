package pushnode

import (
	"context"
	"errors"
	"slices"

	"halley/pushnode/channel"
	"halley/pushnode/pusher"
	"halley/pushnode/wire"
	"halley/tenant"
)

// Subscribers is how many subscriptions a channel has in the whole cluster.
func (n *Node) Subscribers(ctx context.Context, id channel.ID) (int, error) {
	known, err := n.info(ctx, id)
	return known.Info.Subscribers, err
}

// Members reads the presence set of a channel.
func (n *Node) Members(ctx context.Context, id channel.ID) ([]channel.Member, uint64, error) {
	if n.sight.blindTo(id) {
		return nil, 0, n.errBlind("read presence")
	}
	answer, err := n.slots.query(ctx, slotOf(id.App, id.Name), channel.MembersQuery{Channel: id})
	if err != nil {
		return nil, 0, n.wireError("read presence", err)
	}
	set := answer.(channel.MemberSet)
	return set.Members, set.Version, nil
}

// Present reads how many different clients are in the presence set of a channel.
func (n *Node) Present(ctx context.Context, id channel.ID) (clients int, version uint64, err error) {
	if n.sight.blindTo(id) {
		return 0, 0, n.errBlind("read presence")
	}
	known, err := n.info(ctx, id)
	return known.Info.Users, known.Info.Version, err
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
	enter.Attempt = newAttempt()
	if _, online := pusher.OnlineOf(enter.Channel.Name); !online { // connections of one user are bounded as all connections are
		enter.Max = app.Limits.PresenceMembers
	}
	version, err := n.changePresence(ctx, enter.Channel, enter)
	if errors.Is(err, channel.ErrPresenceFull) && n.isThere(ctx, enter) {
		enter.Max *= 2
		version, err = n.changePresence(ctx, enter.Channel, enter)
	}
	if errors.Is(err, channel.ErrPresenceFull) {
		return 0, wire.Errorf(wire.CodePresenceFull, "the limit %s of %d is reached", tenant.LimitPresenceMembers, app.Limits.PresenceMembers)
	}
	return version, err
}

// isThere reports whether who enters by a socket of Pusher's is in the set by another one. It may be the one before, which has its grace: who
// comes back is somebody else each time, and does not ask again where it was refused.
func (n *Node) isThere(ctx context.Context, enter channel.EnterPresence) bool {
	if !pusher.ValidSocketID(enter.Session) {
		return false
	}
	members, _, err := n.Members(ctx, enter.Channel)
	return err == nil && slices.ContainsFunc(members, func(one channel.Member) bool { return one.ClientID == enter.ClientID })
}

// Leave ends a membership.
func (n *Node) Leave(ctx context.Context, leave channel.LeavePresence) (uint64, error) {
	return n.changePresence(ctx, leave.Channel, leave)
}

func (n *Node) changePresence(ctx context.Context, id channel.ID, command channel.Command) (uint64, error) {
	reply, err := n.slots.propose(ctx, slotOf(id.App, id.Name), command)
	if err != nil {
		return 0, n.wireError("change presence", err)
	}
	return reply.Result.Version, nil
}
