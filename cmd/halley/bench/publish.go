package bench

import "context"

// lagging is how many messages of one flow may be under way to a subscriber before its publisher waits.
const lagging = 16

// publish keeps publishers busy on many channels. Each waits for the acknowledgement and not for the delivery.
func (r *run) publish(ctx context.Context) (*Result, error) {
	o := r.options
	ctx, err := r.start(ctx)
	if err != nil {
		return nil, err
	}
	each := min(o.Subscribers, 1)
	for range o.Channels {
		r.topic(each)
	}
	followers := crowd{count: each * o.Channels, atOnce: dialersAtOnce, member: func(i int) (*topic, string) { return r.topics[i], "" }}
	if _, err := r.open(ctx, followers); err != nil {
		return nil, err
	}
	for i := range o.Connections {
		if _, err := r.lane(ctx, r.share(i)); err != nil {
			return nil, err
		}
	}
	return r.load(ctx)
}

// share is what one publisher publishes to: channels of its own, or one that it shares with others where there are fewer channels than
// publishers.
func (r *run) share(publisher int) (flows []*flow) {
	for i := publisher % len(r.topics); i < len(r.topics); i += r.options.Connections {
		flows = append(flows, r.topics[i].addFlow(lagging))
	}
	return flows
}
