package bench

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// dialersAtOnce is how many connections are opened at once where that is not what is measured.
const dialersAtOnce = 32

// crowd is how subscribers come.
type crowd struct {
	count  int
	atOnce int
	rate   int // a second; 0: as fast as can be
	member func(i int) (t *topic, credential string)
}

// open opens all subscribers and returns how long each took until it followed its topic.
func (r *run) open(ctx context.Context, c crowd) (*histogram, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var workers sync.WaitGroup
	begun := time.Now()
	times := make([]histogram, max(1, min(c.atOnce, c.count)))
	for w := range times {
		workers.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= c.count || !awaitTurn(ctx, begun, i, c.rate) {
					return
				}
				start := time.Now()
				if err := r.join(ctx, i, c); err != nil {
					cancel(fmt.Errorf("subscriber %d: %w", i+1, err))
					return
				}
				times[w].add(int64(time.Since(start)))
			}
		})
	}
	workers.Wait()
	for w := 1; w < len(times); w++ {
		times[0].merge(&times[w])
	}
	return &times[0], context.Cause(ctx)
}

// awaitTurn waits until it is time for the nth thing at a rate, and reports whether ctx lasts.
func awaitTurn(ctx context.Context, begun time.Time, n, rate int) bool {
	if rate == 0 {
		return ctx.Err() == nil
	}
	return sleep(ctx, time.Until(begun.Add(time.Duration(n)*time.Second/time.Duration(rate))))
}

// join opens one subscriber.
func (r *run) join(ctx context.Context, i int, c crowd) error {
	topic, credential := c.member(i)
	s := &subscriber{topic: topic, dialect: r.target.Dialect, clock: r.clock}
	conn, err := r.dialer.open(ctx, s, r.options.Transport, credential)
	if err != nil {
		return err
	}
	if err := r.reader.follow(s, conn); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.subscribers = append(r.subscribers, s)
	r.connected.Add(1)
	return nil
}

// sleep waits, and reports whether it could wait to the end.
func sleep(ctx context.Context, wait time.Duration) bool {
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
