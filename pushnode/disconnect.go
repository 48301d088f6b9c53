package pushnode

import (
	"context"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/pusher"
	"halley/pushnode/wire"
)

// disconnectTime is how long a disconnect may take: longer than it takes the members to agree that a node is dead, which then holds nothing.
const disconnectTime = 10 * time.Second

// disconnect ends the sessions of a client id, or (where that is empty) one session, wherever they are, and says how many there were. Of a
// client id are those that a token opened which has it, and those that signed in as that user; who is merely present on a channel under that
// id is not. Nodes end what they hold: they know sessions without a record, and what is told their clients. Then records are ended that no
// node holds: of sessions whose node died, or that were on their way from one to another. To disconnect again does no harm.
func (n *Node) disconnect(ctx context.Context, app, clientID, session string) (int, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), disconnectTime)
	defer cancel()
	ended := make(map[string]struct{}) // each once, though two nodes may hold it for a moment
	note := func(ids []string) {
		for _, id := range ids {
			ended[id] = struct{}{}
		}
	}
	asked := question{Disconnect: &disconnectQuestion{App: app, ClientID: clientID, Session: session}}
	note(n.sessions.Disconnect(ctx, app, clientID, session, wire.NewError(wire.CodeDisconnected)))
	if clientID == "" {
		found, err := n.disconnectRecorded(ctx, app, session, asked)
		if err != nil || found || len(ended) > 0 {
			return 1, err
		}
	}
	answers, err := n.askAll(ctx, asked)
	if err != nil {
		return 0, n.wireError("disconnect", err)
	}
	for _, answered := range answers {
		note(answered.Ended)
	}
	left, err := n.left(ctx, app, clientID, session)
	if err != nil {
		return 0, n.wireError("disconnect", err)
	}
	for _, id := range left {
		if err := n.End(ctx, channel.EndSession{App: app, Session: id}); err != nil && !isGone(err) {
			return 0, err
		}
		note([]string{id})
	}
	return len(ended), nil
}

// left is the sessions of a client id, or one session, that have a record after the nodes have ended what they hold.
func (n *Node) left(ctx context.Context, app, clientID, session string) (ids []string, err error) {
	known, err := n.recorded(ctx, app, clientID, session)
	if err != nil {
		return nil, err
	}
	for _, one := range known {
		if clientID == "" || !pusher.ValidSocketID(one.ID) { // whose record only says under which id it is present
			ids = append(ids, one.ID)
		}
	}
	if clientID == "" {
		return ids, nil
	}
	signedIn, _, err := n.Members(ctx, channel.ID{App: app, Name: pusher.OnlineChannel(clientID)})
	for _, one := range signedIn {
		ids = append(ids, one.Session)
	}
	return ids, err
}

// disconnectRecorded ends a session that has a record, which says what node holds it, and reports whether it has one. That node is asked
// once, so that the client is told why; whether it answers or is dead, the session is over with its record.
func (n *Node) disconnectRecorded(ctx context.Context, app, session string, asked question) (bool, error) {
	left, err := n.recorded(ctx, app, "", session)
	if err != nil {
		return false, n.wireError("disconnect", err)
	}
	if len(left) == 0 {
		return false, nil
	}
	if edge := left[0].Edge; edge != n.instance && n.isMember(edge) {
		if _, err := n.ask(ctx, edge, asked); err != nil {
			n.logger.Debug("session ended without its node", "app", app, "session", session, "node", instanceText(edge), "err", err)
		}
	}
	if err := n.End(ctx, channel.EndSession{App: app, Session: session}); err != nil && !isGone(err) {
		return false, err
	}
	return true, nil
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
