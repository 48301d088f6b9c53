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

// Publish takes one publication: may this grant, is there room, then into the slot's log. It returns once the publication is
// kept by a majority of the slot's copies and has its position; who follows the channel gets it through deliver.
func (n *Node) Publish(ctx context.Context, grant *auth.Grant, p session.Publish) (session.Published, error) {
	app, err := n.app(grant.AppID)
	if err != nil {
		n.metrics.refused(err)
		return session.Published{}, err
	}
	return n.publishIn(ctx, app, grant, p)
}

// publishIn is Publish for who has looked the grant's app up already.
func (n *Node) publishIn(
	ctx context.Context, app *tenant.AppView, grant *auth.Grant, p session.Publish,
) (published session.Published, err error) {
	if published, err = n.publish(ctx, app, grant, p); err != nil {
		n.metrics.refused(err)
	}
	return published, err
}

func (n *Node) publish(ctx context.Context, app *tenant.AppView, grant *auth.Grant, p session.Publish) (session.Published, error) {
	if err := inService(app); err != nil {
		return session.Published{}, err
	}
	if err := n.allowed(app, grant, auth.OpPublish, p.Channel); err != nil {
		return session.Published{}, err
	}
	if err := n.guard.publish(time.Now()); err != nil {
		return session.Published{}, err
	}
	id := channel.ID{App: app.ID, Name: p.Channel}
	rule := ruleFor(app, p.Channel)
	if err := n.fits(ctx, app, id, rule, p); err != nil {
		return session.Published{}, err
	}
	if refusal := n.limiter.Publish(app, 1, time.Now()); refusal != nil {
		return session.Published{}, limitError(refusal)
	}
	return n.append(ctx, id, rule, p)
}

// fits applies what bounds one publication: its size, the queues of its channel's subscribers, and how many channels the app may have.
func (n *Node) fits(ctx context.Context, app *tenant.AppView, id channel.ID, rule channel.Rule, p session.Publish) error {
	if size := len(p.Data) + len(p.Event); size > app.Limits.MessageBytes {
		return wire.Errorf(wire.CodeMessageTooLarge, "the message has %d bytes; the limit %s is %d",
			size, tenant.LimitMessageBytes, app.Limits.MessageBytes)
	}
	if rule.Policy == channel.PolicyBlock {
		if err := n.roomForQueues(ctx, id); err != nil {
			return err
		}
	}
	return n.roomForChannel(ctx, app, id)
}

// roomForQueues refuses a publication under policy block while a subscriber could lose it: one of this node, or one elsewhere of which the
// channel's leader was told.
func (n *Node) roomForQueues(ctx context.Context, id channel.ID) error {
	known, err := n.info(ctx, id)
	if err != nil {
		return err
	}
	queued, full := n.sessions.Congestion(id, known.Info.Position)
	if full || known.Queued > 0 {
		queued = max(queued, known.Queued)
		return wire.Errorf(wire.CodeQueueFull, "a subscriber's queue is full: %d messages wait", queued).After(time.Second)
	}
	return nil
}

// roomForChannel refuses a channel that is not there yet where the app has as many as it may.
func (n *Node) roomForChannel(ctx context.Context, app *tenant.AppView, id channel.ID) error {
	refusal := n.limiter.Channels(app, n.slots.channelsOf(app.ID))
	if refusal == nil {
		return nil
	}
	held, err := n.slots.holds(ctx, id)
	if err != nil {
		return n.wireError("look for channel", err)
	}
	if held {
		return nil
	}
	return limitError(refusal)
}

// append puts the publication into its slot's log and counts it.
func (n *Node) append(ctx context.Context, id channel.ID, rule channel.Rule, p session.Publish) (session.Published, error) {
	if p.ID == "" {
		p.ID = auth.NewID("msg_")
	}
	if p.Event == "" {
		p.Event = wire.DefaultEvent
	}
	reply, err := n.slots.propose(ctx, slotOf(id.App, id.Name), channel.Publish{
		Channel: id, ID: p.ID, Event: p.Event, Data: p.Data, Exclude: p.Exclude, ClientID: p.ClientID,
		Retention: rule.Retention, Attempt: uint32(newAttempt()),
	})
	if err != nil {
		return session.Published{}, n.wireError("publish", err)
	}
	result := reply.Result
	if !result.Duplicate {
		n.meter.App(id.App).Published(1, len(p.Data))
		n.heat.channels.Add(id, 1, 0)
		n.metrics.published.Inc()
	}
	return session.Published{
		ID: p.ID, Channel: id.Name, Position: result.Position, Copies: reply.Copies, Duplicate: result.Duplicate,
	}, nil
}

// fanOut hands effects of slots, and where channels stand, to who watches them here: what one delivery goroutine has, in the order of the
// slots' logs.
type fanOut struct {
	node     *Node
	delivery *session.Delivery
}

func (n *Node) newFanOut() deliverer { return &fanOut{node: n, delivery: n.sessions.NewDelivery()} }

func (f *fanOut) flush() { f.delivery.Flush() }

func (f *fanOut) deliver(happened any) {
	n := f.node
	switch effect := happened.(type) {
	case channel.Published:
		if receivers := f.delivery.Publish(effect); receivers > 0 {
			n.heat.channels.Add(effect.Channel, 0, receivers)
		}
	case channel.PresenceChanged:
		n.sessions.DeliverPresence(effect)
	case channel.SessionEnded:
		n.sessions.Ended(effect.App, effect.Session)
	case channel.SessionMoved:
		if effect.To != n.instance {
			n.sessions.Moved(effect.App, effect.Session, effect.Generation)
		}
	case *behind:
		if effect.messages {
			n.sessions.Behind(effect.id, effect.position)
		}
		if effect.presence {
			n.sessions.BehindPresence(effect.id, effect.version)
		}
	}
}

// countOnce counts what happens once in a cluster, on the node that leads the slot.
func (n *Node) countOnce(effect channel.Effect) {
	if changed, ok := effect.(channel.PresenceChanged); ok {
		n.meter.App(changed.Channel.App).PresenceChanged(1)
	}
}
