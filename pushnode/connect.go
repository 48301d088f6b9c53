package pushnode

import (
	"context"
	"time"

	"halley/auth"
	"halley/pushnode/channel"
	"halley/pushnode/session"
	"halley/pushnode/wire"
	"halley/tenant"
)

// Authenticate verifies a key or token, and that its app is in service.
func (n *Node) Authenticate(ctx context.Context, credential string) (*auth.Grant, error) {
	if n.refusing.Load() {
		return nil, wire.Errorf(wire.CodeDraining, "this node is going away").After(time.Second)
	}
	now := time.Now()
	grant, err := n.verifier.Authenticate(ctx, credential, now)
	if err != nil {
		return nil, n.wireError("authenticate", err)
	}
	if _, err := n.admitted(grant); err != nil {
		return nil, err
	}
	if grant.KeyID != "" {
		n.directory.KeyUsed(grant.AppID, grant.KeyID, now)
	}
	return grant, nil
}

// admitted returns the grant's app if it is in service.
func (n *Node) admitted(grant *auth.Grant) (*tenant.AppView, error) {
	app, err := n.app(grant.AppID)
	if err != nil {
		return nil, err
	}
	return app, inService(app)
}

func inService(app *tenant.AppView) error {
	if app.Disabled {
		return wire.Errorf(wire.CodeAppDisabled, "this app is switched off")
	}
	return nil
}

// app returns the settings of an app as the directory has them.
func (n *Node) app(appID string) (*tenant.AppView, error) {
	app, err := n.directory.App(appID)
	if err != nil {
		return nil, n.wireError("app settings", err)
	}
	return app, nil
}

// App returns what a session needs to know of its app.
func (n *Node) App(appID string) (session.App, error) {
	app, err := n.app(appID)
	if err != nil {
		return session.App{}, err
	}
	return session.App{
		Origins:               app.Origins,
		MessageBytes:          app.Limits.MessageBytes,
		ChannelsPerConnection: app.Limits.ChannelsPerConnection,
		QueueBytes:            app.Limits.QueueBytes,
		Meter:                 n.meter.App(appID),
	}, nil
}

// Rule returns the rule in force for a channel; of an app that is not known, the default rule.
func (n *Node) Rule(id channel.ID) channel.Rule {
	app, err := n.directory.App(id.App)
	if err != nil {
		return channel.Rule{Policy: channel.PolicyResume, Retention: channel.DefaultRetention}
	}
	return ruleFor(app, id.Name)
}

// Allow checks the channel's name and whether the grant may do op on it.
func (n *Node) Allow(grant *auth.Grant, op auth.Op, name string) error {
	app, err := n.admitted(grant)
	if err != nil {
		return err
	}
	return n.allowed(app, grant, op, name)
}

func (n *Node) allowed(app *tenant.AppView, grant *auth.Grant, op auth.Op, name string) error {
	if err := wire.ValidChannel(name); err != nil {
		return err
	}
	if grant.Kind == auth.KindPublishable && ruleAllows(app.Rule(name), op) {
		return nil
	}
	if grant.Kind != auth.KindPublishable && grant.Allows(op, name) {
		return nil
	}
	return wire.Errorf(wire.CodeDenied, "this credential may not %s", deed(op, "channel "+name))
}

// deed is what an operation does to a channel, or to the channels of a pattern, as a sentence says it.
func deed(op auth.Op, where string) string {
	switch op {
	case auth.OpSubscribe:
		return "subscribe to " + where
	case auth.OpPresence:
		return "see or enter the presence of " + where
	case auth.OpHistory:
		return "read the history of " + where
	default:
		return op.String() + " on " + where
	}
}

// ruleAllows says what a channel's rule leaves to everybody who has the publishable key.
func ruleAllows(rule channel.Rule, op auth.Op) bool {
	switch op {
	case auth.OpSubscribe, auth.OpHistory:
		return rule.Public
	case auth.OpPublish:
		return rule.Public && rule.ClientPublish
	case auth.OpPresence:
		return rule.Public && rule.Presence
	default:
		return false
	}
}

// Admit counts a connection against the limits of its app until release is called. A node under pressure lets nobody new in, or nobody.
func (n *Node) Admit(appID string, comesBack bool) (release func(), err error) {
	if err := n.guard.admit(comesBack, time.Now()); err != nil {
		return nil, err
	}
	app, err := n.app(appID)
	if err != nil {
		return nil, err
	}
	if refusal := n.limiter.Connect(app); refusal != nil {
		return nil, limitError(refusal)
	}
	counters := n.meter.App(appID)
	counters.Connected(1)
	return func() {
		counters.Connected(-1)
		n.limiter.Disconnect(appID)
	}, nil
}
