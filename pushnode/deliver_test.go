package pushnode

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/channel"
)

// handled has each delivery goroutine call handle.
func handled(handle func(any)) func() deliverer {
	return func() deliverer { return handler(handle) }
}

type handler func(any)

func (h handler) deliver(happened any) { h(happened) }
func (handler) flush()                 {}

// TestDeliveriesSettle waits for a fan-out that takes its time: for what was pushed before, in every queue, and not for ever.
func TestDeliveriesSettle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const each = 10 * time.Millisecond
		done := make(chan any, 100)
		d := newDeliveries(handled(func(effect any) {
			time.Sleep(each)
			done <- effect
		}), nil)
		d.awaitHandled(t.Context()) // nothing is there to wait for
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			d.run(ctx)
		}()
		for i := range d.queues {
			d.push(i, make([]channel.Effect, 5))
		}
		d.awaitHandled(t.Context())
		if got, want := len(done), 5*len(d.queues); got != want {
			t.Errorf("empty with %d effects handled, want %d", got, want)
		}
		d.push(0, make([]channel.Effect, 50))
		short, cancel := context.WithTimeout(t.Context(), 3*each)
		defer cancel()
		began := time.Now()
		d.awaitHandled(short)
		if took := time.Since(began); took != 3*each {
			t.Errorf("settling ended after %v, want %v", took, 3*each)
		}
		stop()
		<-ended
		if d.pending() != 0 {
			t.Errorf("%v effects are left", d.pending())
		}
	})
}

// TestDeliveriesSettleUnderLoad waits for what was pushed before while each effect brings the next, so that the queue never runs empty.
func TestDeliveriesSettleUnderLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const each = 10 * time.Millisecond
		var d *deliveries
		d = newDeliveries(handled(func(any) {
			time.Sleep(each)
			if t.Context().Err() == nil {
				d.push(0, make([]channel.Effect, 1))
			}
		}), nil)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { d.run(ctx) })
		d.push(0, make([]channel.Effect, 5))
		began := time.Now()
		d.awaitHandled(t.Context())
		if took := time.Since(began); took < 5*each || took > 20*each {
			t.Errorf("settling took %v for 5 effects of %v each", took, each)
		}
		stop()
		running.Wait()
	})
}
