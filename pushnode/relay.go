package pushnode

import (
	"context"
	"errors"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/session"
	"halley/pushnode/wire"
)

// relayTries is how often the node that holds a session is looked for: it may be moving just then.
const relayTries = 5

// Relay has the node that holds a session do commands for it, and returns the answer to their client.
func (n *Node) Relay(ctx context.Context, relay session.Relay) ([]byte, error) {
	if n.peers == nil {
		return nil, wire.NewError(wire.CodeSessionNotFound)
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	retry := time.NewTicker(askAgain)
	defer retry.Stop()
	for tries := 1; ; tries++ {
		edge, err := n.edgeOf(ctx, relay.App, relay.Session)
		if err != nil {
			return nil, err
		}
		answered, err := n.ask(ctx, edge, question{Commands: &commandsQuestion{Credential: relay.Credential, Body: relay.Body}})
		if err == nil || !isGone(err) || tries == relayTries {
			return answered.Body, err
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			return nil, err
		}
	}
}

// edgeOf is the node that a session is attached to, or was last.
func (n *Node) edgeOf(ctx context.Context, app, id string) (uint64, error) {
	answer, err := n.slots.query(ctx, slotOf(app, id), channel.AliveQuery{App: app, Sessions: []string{id}})
	if err != nil {
		return 0, n.wireError("find session", err)
	}
	live := answer.(channel.LiveSessions)
	if len(live) == 0 || live[0].Edge == n.instance { // else this node would have it
		return 0, wire.NewError(wire.CodeSessionNotFound)
	}
	if !n.isMember(live[0].Edge) {
		return 0, wire.Errorf(wire.CodeUnavailable, "the session's node is gone: connect again").After(retryUnavailable)
	}
	return live[0].Edge, nil
}

// isGone reports whether a session is not where it was looked for.
func isGone(err error) bool { return errors.Is(err, wire.CodeSessionNotFound) }
