package bench

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ahead is how many messages a paced publisher may be ahead of the slowest subscriber.
const ahead = 1024

// fanout publishes to one channel with many subscribers. Without a rate each publisher waits until all have its message, so that as
// many messages as wanted are under way; with one, a single publisher keeps to it.
func (r *run) fanout(ctx context.Context) (*Result, error) {
	o := r.options
	ctx, err := r.start(ctx)
	if err != nil {
		return nil, err
	}
	news := r.topic(o.Subscribers)
	everybody := crowd{count: o.Subscribers, atOnce: dialersAtOnce, member: func(int) (*topic, string) { return news, "" }}
	if _, err := r.open(ctx, everybody); err != nil {
		return nil, err
	}
	publishers, room := o.InFlight, 1
	if o.Rate > 0 {
		publishers, room = 1, ahead
	}
	for range publishers {
		if _, err := r.lane(ctx, []*flow{news.addFlow(room)}); err != nil {
			return nil, err
		}
	}
	return r.load(ctx)
}

// load publishes on all lanes for the duration of the run. Messages that do not arrive end it early, and are in the result.
func (r *run) load(ctx context.Context) (*Result, error) {
	lost := r.each(ctx, func(l *lane) error { return l.warm(ctx) })
	if lost != nil && !errors.Is(lost, errLost) {
		return nil, lost
	}
	r.reader.reset()
	r.published.Store(0)
	before, err := r.target.usage()
	if err != nil {
		return nil, err
	}
	if lost == nil {
		lost = r.each(ctx, r.looper(ctx))
	}
	if lost != nil && !errors.Is(lost, errLost) {
		return nil, lost
	}
	after, err := r.target.usage()
	if err != nil {
		return nil, err
	}
	return r.loaded(before, after), nil
}

// looper has each lane publish until the end of the run, at its share of the rate.
func (r *run) looper(ctx context.Context) func(*lane) error {
	end := time.Now().Add(r.options.Duration)
	var every time.Duration
	if r.options.Rate > 0 {
		every = time.Second * time.Duration(len(r.lanes)) / time.Duration(r.options.Rate)
	}
	return func(l *lane) error { return l.loop(ctx, end, every) }
}

// each has all lanes do something at once. The first error ends the run, and is returned.
func (r *run) each(ctx context.Context, do func(*lane) error) error {
	var working sync.WaitGroup
	for _, l := range r.lanes {
		working.Go(func() {
			if err := do(l); err != nil {
				r.fail(err)
			}
		})
	}
	working.Wait()
	return context.Cause(ctx)
}

// loaded is the result of a load.
func (r *run) loaded(before, after usage) *Result {
	result := r.result()
	latencies, bytes := r.reader.taken()
	acknowledged := &histogram{}
	for _, l := range r.lanes {
		acknowledged.merge(&l.acknowledged)
	}
	result.Published, result.Delivered = acknowledged.total, latencies.total
	result.Delivery, result.Acknowledgement = latencies.latency(), acknowledged.latency()
	result.WireBytes = share(float64(bytes), float64(latencies.total))
	result.spend(before, after, r.unit(acknowledged.total, latencies.total))
	r.judge(result)
	return result
}

// unit is how many things the cost is divided by: deliveries where one publish makes many, else publishes.
func (r *run) unit(published, delivered uint64) uint64 {
	if r.options.Mode == Fanout {
		return delivered
	}
	return published
}
