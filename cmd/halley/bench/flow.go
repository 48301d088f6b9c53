package bench

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// errLost is that the messages before were not delivered in time. The result says how many are missing.
var errLost = errors.New("messages were not delivered")

// topic is a channel of the run.
type topic struct {
	name        string
	subscribers int
	patience    time.Duration // for one message, until all subscribers have it
	flows       []*flow       // by the number in the payload
}

// flow is what one publisher sends to one channel, numbered from 1. It publishes one message after the other, so subscribers see the
// numbers in their order, whatever other flows do on the channel.
type flow struct {
	topic     *topic
	index     int
	published atomic.Uint32 // number of the last message; written by the publisher alone
	ring      []slot        // of messages that are under way, by number modulo length
}

// slot is a message that is under way.
type slot struct {
	sent    atomic.Int64  // when, in ns of the run's clock
	waiting atomic.Int32  // subscribers that do not have it
	free    chan struct{} // holds one thing while no message is here
}

// addFlow adds a flow that may be so many messages ahead of the slowest subscriber.
func (t *topic) addFlow(ahead int) *flow {
	f := &flow{topic: t, index: len(t.flows), ring: make([]slot, ahead)}
	for i := range f.ring {
		f.ring[i].free = make(chan struct{}, 1)
		f.ring[i].free <- struct{}{}
	}
	t.flows = append(t.flows, f)
	return f
}

func (f *flow) slot(number uint32) *slot { return &f.ring[int(number)%len(f.ring)] }

// begin takes the place of the next message, waiting until it is free, and starts its time.
func (f *flow) begin(ctx context.Context, clock clock) (number uint32, err error) {
	number = f.published.Load() + 1
	s := f.slot(number)
	if err := s.await(ctx, f.topic.patience); err != nil {
		return 0, err
	}
	s.waiting.Store(int32(f.topic.subscribers))
	s.sent.Store(clock.now())
	f.published.Store(number)
	if f.topic.subscribers == 0 {
		s.free <- struct{}{}
	}
	return number, nil
}

// await takes the slot.
func (s *slot) await(ctx context.Context, patience time.Duration) error {
	select {
	case <-s.free:
		return nil
	default:
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-s.free:
		return nil
	case <-timer.C:
		return errLost
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drain waits until all subscribers have everything.
func (f *flow) drain(ctx context.Context) error {
	for i := range f.ring {
		if err := f.ring[i].await(ctx, f.topic.patience); err != nil {
			return err
		}
		f.ring[i].free <- struct{}{}
	}
	return nil
}

// arrived says that one subscriber has a message, which it did not have before, and returns how long that took, in ns.
func (f *flow) arrived(number uint32, now int64) (latency int64) {
	s := f.slot(number)
	latency = now - s.sent.Load()
	if s.waiting.Add(-1) == 0 {
		s.free <- struct{}{}
	}
	return latency
}

// find is the flow of a message, which must have been published.
func (t *topic) find(index int, number uint32) (*flow, error) {
	if index < 0 || index >= len(t.flows) || number == 0 || number > t.flows[index].published.Load() {
		return nil, fmt.Errorf("channel %s brought message %d of flow %d, which nobody published", t.name, number, index)
	}
	return t.flows[index], nil
}

// clock counts from the start of the run, in ns.
type clock struct{ start time.Time }

func (c clock) now() int64 { return int64(time.Since(c.start)) }
