package pushnode

import (
	"errors"
	"time"

	"halley/pushnode/pusher"
	"halley/pushnode/session"
	"halley/pushnode/wire"
	"halley/tenant"
)

// PusherApp returns what a socket of Pusher's needs to know of the app that has a key.
func (n *Node) PusherApp(key string) (session.PusherApp, error) {
	if n.refusing.Load() {
		return session.PusherApp{}, wire.Errorf(wire.CodeDraining, "this node is going away").After(time.Second)
	}
	found, err := n.directory.PusherByKey(key)
	if errors.Is(err, tenant.ErrNotFound) {
		return session.PusherApp{}, wire.Errorf(wire.CodeAppNotFound, "No app has the key %.40q, or lets clients of Pusher's in", key)
	}
	if err != nil {
		return session.PusherApp{}, n.wireError("pusher app", err)
	}
	app, err := n.app(found.AppID)
	if err == nil {
		err = inService(app)
	}
	if err != nil {
		return session.PusherApp{}, err
	}
	return session.PusherApp{
		AppID: found.AppID, ClientEvents: found.ClientEvents, SubscriptionCounts: found.SubscriptionCounts,
		Rewind:     found.Rewind,
		EventBytes: min(found.EventBytes, app.Limits.MessageBytes),
	}, nil
}

// Signed reports whether a credential, KEY:HEX, is the signature of a text by one of the app's keys: while keys are rolled, it need not be
// the one that the client connected with.
func (n *Node) Signed(appID, credential, text string) bool {
	found, err := n.directory.PusherKeyOf(appID, pusher.KeyOf(credential))
	return err == nil && pusher.Verify(credential, found.Key, found.Secret.Reveal(), text)
}
