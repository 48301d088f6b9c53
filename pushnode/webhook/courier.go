package webhook

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// concurrency is how many requests an endpoint gets at a time.
	concurrency = 4
	// batchWait is how long an event waits for others, where an endpoint takes several at once.
	batchWait = time.Second
	// batchEvents and batchBytes bound one request.
	batchEvents = 100
	batchBytes  = 256 << 10
	// maxWaiting and maxBytes bound what waits for one endpoint. Beyond it an event is refused: who keeps it offers it again.
	maxWaiting = 1024
	maxBytes   = 1 << 20
)

// courier takes what is for one endpoint there. It lives as long as there is something to do: retries of one delivery hold up no other.
type courier struct {
	// immutable after New
	engine   *Engine
	endpoint string // id
	app      string
	wake     chan struct{} // room for one
	room     chan struct{} // one token for each request under way

	mu sync.Mutex
	// guarded by mu, which comes after the engine's
	waiting []*delivery // by when they are due; those of the same moment as they came
	batch   *delivery   // one of waiting that takes more events; nil: none
	events  int         // of all deliveries, those under way included
	bytes   int
}

// offer puts an event in line, unless there is no room.
func (c *courier) offer(event *tracked, batched bool, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fullLocked(len(event.text)) {
		return false
	}
	c.events++
	c.bytes += len(event.text)
	switch {
	case !batched:
		c.waitLocked(newDelivery(event, now))
	case c.batch != nil && c.batch.bytes+len(event.text) <= batchBytes:
		c.batch.add(event)
	default:
		c.batch = newDelivery(event, now.Add(batchWait))
		c.waitLocked(c.batch)
	}
	if c.batch != nil && len(c.batch.events) == batchEvents {
		c.hurryLocked(now)
	}
	c.stir()
	return true
}

// hurryLocked has the batch, which is full, wait no longer.
func (c *courier) hurryLocked(now time.Time) {
	full := c.batch
	c.batch = nil
	i := slices.Index(c.waiting, full)
	c.waiting = slices.Delete(c.waiting, i, i+1)
	full.due = now
	c.waitLocked(full)
}

func (c *courier) fullLocked(more int) bool { return c.events >= maxWaiting || c.bytes+more > maxBytes }

func newDelivery(event *tracked, due time.Time) *delivery {
	d := &delivery{due: due}
	d.add(event)
	return d
}

// waitLocked puts a delivery in line by when it is due.
func (c *courier) waitLocked(d *delivery) {
	place, _ := slices.BinarySearchFunc(c.waiting, d, func(other, d *delivery) int {
		return cmp.Or(other.due.Compare(d.due), -1)
	})
	c.waiting = slices.Insert(c.waiting, place, d)
}

// stir has run look again.
func (c *courier) stir() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// run sends what is due until nothing is left or ctx ends, and waits for what is under way.
func (c *courier) run(ctx context.Context) {
	var sending sync.WaitGroup
	defer sending.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		due, wait := c.next(time.Now())
		switch {
		case due != nil:
			select {
			case c.room <- struct{}{}:
			case <-ctx.Done():
				return
			}
			sending.Go(func() {
				defer func() { <-c.room }()
				c.deliver(ctx, due)
				c.stir()
			})
			continue
		case c.engine.retire(c):
			return
		}
		timer.Reset(wait)
		select {
		case <-c.wake:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// idleWait is when to look again where nothing waits but what is under way, which stirs.
const idleWait = time.Minute

// next takes the delivery that is due, or says how long none is.
func (c *courier) next(now time.Time) (*delivery, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		return nil, idleWait
	}
	first := c.waiting[0]
	if wait := first.due.Sub(now); wait > 0 {
		return nil, wait
	}
	c.waiting = slices.Delete(c.waiting, 0, 1)
	if first == c.batch {
		c.batch = nil
	}
	return first, 0
}

// idle reports whether nothing waits and nothing is under way.
func (c *courier) idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.events == 0
}

// deliver makes one attempt, and has the next one wait its time if that fails.
func (c *courier) deliver(ctx context.Context, d *delivery) {
	if void := d.takeVoid(); len(void) > 0 {
		c.over(void, dropped, true)
	}
	endpoint, signer, wanted := c.engine.endpoint(c.app, c.endpoint)
	if !wanted || len(d.events) == 0 {
		c.over(d.events, dropped, false)
		return
	}
	if d.attempts == 0 {
		d.seal(c.endpoint)
		d.begun = time.Now()
	}
	body := d.body()
	attempt := c.engine.config.Send(ctx, Post{Endpoint: endpoint, Signer: signer, ID: d.id, Body: body})
	if ctx.Err() != nil {
		return // this process ends: whoever keeps the events has them told elsewhere
	}
	d.attempts++
	now := time.Now()
	report := Report{
		ID: d.id, App: c.app, Endpoint: c.endpoint, Attempt: attempt, Attempts: d.attempts, Events: len(d.events), Body: body, Begun: d.begun,
	}
	switch {
	case attempt.OK():
		report.Outcome = Accepted
	case now.Sub(d.begun) >= tryFor:
		report.Outcome = GivenUp
	default:
		report.Outcome = Retrying
		d.due = now.Add(wait(d.attempts))
		report.Next = d.due
	}
	c.engine.told(&report)
	if report.Outcome == Retrying {
		c.mu.Lock()
		c.waitLocked(d)
		c.mu.Unlock()
		return
	}
	c.over(d.events, string(report.Outcome), false)
}

// over makes room for what comes next, and says that the events are settled here.
func (c *courier) over(events []*tracked, outcome string, void bool) {
	c.mu.Lock()
	c.events -= len(events)
	for _, one := range events {
		c.bytes -= len(one.text)
	}
	c.mu.Unlock()
	c.engine.settle(events, outcome, void)
}
