package pushnode

import (
	"context"

	"halley/pushnode/channel"
	"halley/pushnode/wire"
)

// disconnect ends the sessions of a client id, or (where that is empty) one session, wherever they are, and says how many there were.
// Nodes end what they hold: they know sessions without a record, and what is told their clients. Then records are ended that no
// node holds: of sessions whose node died, or that were on their way from one to another. To disconnect again does no harm.
func (n *Node) disconnect(ctx context.Context, app, clientID, session string) (int, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTime)
	defer cancel()
	ended := make(map[string]struct{}) // each once, though two nodes may hold it for a moment
	note := func(ids []string) {
		for _, id := range ids {
			ended[id] = struct{}{}
		}
	}
	note(n.sessions.Disconnect(ctx, app, clientID, session, wire.NewError(wire.CodeDisconnected)))
	answers, err := n.askAll(ctx, question{Disconnect: &disconnectQuestion{App: app, ClientID: clientID, Session: session}})
	if err != nil {
		return 0, n.wireError("disconnect", err)
	}
	for _, answered := range answers {
		note(answered.Ended)
	}
	left, err := n.recorded(ctx, app, clientID, session)
	if err != nil {
		return 0, n.wireError("disconnect", err)
	}
	for _, one := range left {
		if err := n.End(ctx, channel.EndSession{App: app, Session: one.ID}); err != nil && !isGone(err) {
			return 0, err
		}
		note([]string{one.ID})
	}
	return len(ended), nil
}

// recorded is the sessions of a client id, or one session, that have a record and have not ended.
func (n *Node) recorded(ctx context.Context, app, clientID, session string) (found channel.LiveSessions, err error) {
	if clientID == "" {
		answer, err := n.slots.query(ctx, slotOf(app, session), channel.AliveQuery{App: app, Sessions: []string{session}})
		if err != nil {
			return nil, err
		}
		return answer.(channel.LiveSessions), nil
	}
	answers, err := n.slots.queryAll(ctx, channel.SessionsQuery{App: app, ClientID: clientID})
	if err != nil {
		return nil, err
	}
	for _, answer := range answers {
		found = append(found, answer.(channel.LiveSessions)...)
	}
	return found, nil
}
