package pushnode

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"halley/pushnode/channel"
)

// maxPendingEffects bounds what one delivery queue may hold. Beyond it the node takes no more publications: the publishers are
// faster than the fan-out.
const maxPendingEffects = 1 << 16

// deliveries carries the effects of the slots to those who watch, in the order of each slot's log, so that nobody who publishes
// waits for a fan-out and no fan-out holds a slot.
type deliveries struct {
	queues []effectQueue
	handle func(any)
}

// behind says where a channel stands, for those who may have missed something.
type behind struct {
	id       channel.ID
	position channel.Position
	version  uint64 // of its presence
}

// effectQueue is the work of one delivery goroutine. A slot always uses the same queue.
type effectQueue struct {
	depth   atomic.Int64  // len(pending) plus what is being handled; read without mu by publishers
	handled atomic.Int64  // how many have been, ever; read without mu by awaitHandled
	wake    chan struct{} // one token: there may be something
	mu      sync.Mutex
	// guarded by mu
	pending []any // a channel.Effect or a behind
}

func newDeliveries(handle func(any)) *deliveries {
	d := &deliveries{queues: make([]effectQueue, runtime.GOMAXPROCS(0)), handle: handle}
	for i := range d.queues {
		d.queues[i].wake = make(chan struct{}, 1)
	}
	return d
}

func (d *deliveries) queue(slotIndex int) *effectQueue { return &d.queues[slotIndex%len(d.queues)] }

// overloaded reports whether the slot's effects are too far behind to take more.
func (d *deliveries) overloaded(slotIndex int) bool {
	return d.queue(slotIndex).depth.Load() >= maxPendingEffects
}

// push appends effects in the order of the slot's log; the caller holds the slot.
func (d *deliveries) push(slotIndex int, effects []channel.Effect) {
	if len(effects) == 0 {
		return
	}
	queue := d.queue(slotIndex)
	queue.mu.Lock()
	for _, effect := range effects {
		queue.pending = append(queue.pending, effect)
	}
	queue.mu.Unlock()
	queue.added(len(effects))
}

// pushBehind appends where a channel stands; the caller holds the slot.
func (d *deliveries) pushBehind(slotIndex int, told behind) {
	queue := d.queue(slotIndex)
	queue.mu.Lock()
	queue.pending = append(queue.pending, told)
	queue.mu.Unlock()
	queue.added(1)
}

func (q *effectQueue) added(count int) {
	q.depth.Add(int64(count))
	select {
	case q.wake <- struct{}{}:
	default: // it has been told already
	}
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
	var batch []any
	for ended := false; !ended; {
		select {
		case <-queue.wake:
		case <-ctx.Done():
			ended = true
		}
		queue.mu.Lock()
		batch, queue.pending = queue.pending, batch[:0]
		queue.mu.Unlock()
		for i, effect := range batch {
			d.handle(effect)
			batch[i] = nil
		}
		queue.handled.Add(int64(len(batch)))
		queue.depth.Add(-int64(len(batch)))
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
