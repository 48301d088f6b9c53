package pushnode

import (
	"context"
	"runtime"
	"sync"
	"time"

	"halley/pushnode/channel"
)

// deliveries carries the effects of the slots to those who watch, in the order of each slot's log, so that nobody who publishes
// waits for a fan-out and no fan-out holds a slot.
type deliveries struct {
	queues []effectQueue
	begin  func() deliverer // one for each goroutine
	missed func(slot int)   // fates of sessions were left out: they are to be looked at
}

// deliverer is what one goroutine hands effects to.
type deliverer interface {
	deliver(happened any) // a channel.Effect or a *behind
	flush()               // nothing more is there just now
}

func newDeliveries(begin func() deliverer, missed func(slot int)) *deliveries {
	d := &deliveries{queues: make([]effectQueue, runtime.GOMAXPROCS(0)), begin: begin, missed: missed}
	for i := range d.queues {
		d.queues[i].init()
	}
	return d
}

func (d *deliveries) queue(slotIndex int) *effectQueue { return &d.queues[slotIndex%len(d.queues)] }

// overloaded reports whether the slot's effects are too far behind to take more.
func (d *deliveries) overloaded(slotIndex int) bool { return d.queue(slotIndex).full() }

// push appends effects in the order of the slot's log; the caller holds the slot.
func (d *deliveries) push(slotIndex int, effects []channel.Effect) {
	if len(effects) == 0 {
		return
	}
	queue := d.queue(slotIndex)
	if !queue.push(effects) {
		d.missed(slotIndex)
	}
	queue.stir()
}

// pushBehind appends where a channel stands; the caller holds the slot.
func (d *deliveries) pushBehind(slotIndex int, told behind) {
	queue := d.queue(slotIndex)
	queue.tell(told)
	queue.stir()
}

// run handles what is pushed until ctx ends, and then what is left.
func (d *deliveries) run(ctx context.Context) {
	var workers sync.WaitGroup
	for i := range d.queues {
		workers.Go(func() { d.drain(ctx, &d.queues[i]) })
	}
	workers.Wait()
}

func (d *deliveries) drain(ctx context.Context, queue *effectQueue) {
	to := d.begin()
	var batch []any
	for ended := false; !ended; {
		select {
		case <-queue.wake:
		case <-ctx.Done():
			ended = true
		}
		batch = queue.take(batch[:0])
		bytes := int64(0)
		for i, thing := range batch {
			to.deliver(thing)
			bytes += bytesOf(thing)
			batch[i] = nil
		}
		to.flush()
		queue.done(len(batch), bytes)
	}
}

// emptyInterval is how often awaitHandled looks.
const emptyInterval = time.Millisecond

// awaitHandled waits until everything pushed before has been handled, or ctx ends. A queue need not run empty for that: others may push
// all the while.
func (d *deliveries) awaitHandled(ctx context.Context) {
	tick := time.NewTicker(emptyInterval)
	defer tick.Stop()
	for i := range d.queues {
		queue := &d.queues[i]
		until := queue.depth.Load() + queue.handled.Load() // what is handled between the two counts twice
		for queue.depth.Load() > 0 && queue.handled.Load() < until {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}
}

// pending is how many effects wait, over all queues.
func (d *deliveries) pending() float64 {
	sum := int64(0)
	for i := range d.queues {
		sum += d.queues[i].depth.Load()
	}
	return float64(sum)
}

// folded is how many effects were left out, over all queues and ever.
func (d *deliveries) folded() float64 {
	sum := int64(0)
	for i := range d.queues {
		sum += d.queues[i].folded.Load()
	}
	return float64(sum)
}
