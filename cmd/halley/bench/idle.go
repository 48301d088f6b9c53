package bench

import (
	"context"
	"errors"
)

// idle opens connections, delivers one message to all of them, and looks what they cost when nothing happens any more.
func (r *run) idle(ctx context.Context) (*Result, error) {
	ctx, err := r.start(ctx)
	if err != nil {
		return nil, err
	}
	before, err := r.target.usage()
	if err != nil {
		return nil, err
	}
	news := r.topic(r.options.Connections)
	everybody := crowd{
		count: r.options.Connections, atOnce: dialersAtOnce, rate: r.options.Rate, member: func(int) (*topic, string) { return news, "" },
	}
	opened, err := r.open(ctx, everybody)
	if err != nil {
		return nil, err
	}
	after, err := r.target.usage()
	if err != nil {
		return nil, err
	}
	if _, err := r.lane(ctx, []*flow{news.addFlow(1)}); err != nil {
		return nil, err
	}
	lost := r.each(ctx, func(l *lane) error { return l.warm(ctx) })
	if lost == nil && !sleep(ctx, r.options.Settle) {
		lost = context.Cause(ctx)
	}
	if lost != nil && !errors.Is(lost, errLost) {
		return nil, lost
	}
	settled, err := r.target.usage()
	if err != nil {
		return nil, err
	}
	return r.settled(opened, before, after, settled), nil
}

// settled is the result: what opening took, and what the open connections hold.
func (r *run) settled(opened *histogram, before, after, settled usage) *Result {
	result := r.result()
	latencies, bytes := r.reader.taken()
	result.Connect, result.Delivery = opened.latency(), latencies.latency()
	result.WireBytes = share(float64(bytes), float64(latencies.total))
	result.spend(before, after, opened.total)
	result.hold(before, settled)
	result.Published, result.Delivered = uint64(r.published.Load()), latencies.total // one is no rate
	r.judge(result)
	return result
}
