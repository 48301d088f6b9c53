package webhook

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config is what an engine is made of. All fields are required.
type Config struct {
	Source     Source
	Send       func(context.Context, Post) Attempt
	Log        Log
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// maxTotal bounds the bytes of all events that wait for any endpoint.
const maxTotal = 128 << 20

// Engine takes events to the endpoints that want them. Run lives; Take may be called by any goroutine, before Run too.
type Engine struct {
	// immutable after New
	config  Config
	metrics *metrics

	mu sync.Mutex
	// guarded by mu
	couriers map[string]*courier // those with something to do, by endpoint
	begun    []*courier          // before Run
	bytes    int                 // of all events that are not settled
	running  context.Context     // of Run; nil: it has not begun
	closed   bool                // Run ends: no courier begins any more
	lives    sync.WaitGroup      // of couriers
}

// New returns an engine that sends nothing before Run.
func New(config Config) *Engine {
	e := &Engine{config: config, couriers: make(map[string]*courier)}
	e.metrics = newMetrics(config.Registerer, e.waiting)
	return e
}

// Run sends what is taken until ctx ends, and waits for what is under way. What was not sent by then has not been told.
func (e *Engine) Run(ctx context.Context) {
	e.mu.Lock()
	e.running = ctx
	for _, c := range e.begun {
		e.lives.Go(func() { c.run(ctx) })
	}
	e.begun = nil
	e.mu.Unlock()
	<-ctx.Done()
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.lives.Wait()
}

// Take puts an event in line for every endpoint that wants it. It does not block. Where an endpoint has no room, an event that somebody
// keeps (Done) is not taken, and false; another one is lost to that endpoint.
func (e *Engine) Take(event Event) bool {
	endpoints, _ := e.config.Source.Endpoints(event.App)
	one := &tracked{Event: event}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	var wanting []*Endpoint
	for i := range endpoints {
		if endpoints[i].Wants(event.Kind, event.Channel) {
			wanting = append(wanting, &endpoints[i])
		}
	}
	if len(wanting) == 0 {
		e.finish(one)
		return true
	}
	one.text = one.append(nil)
	if event.Done != nil && !e.roomLocked(wanting, len(one.text)) {
		return false
	}
	e.bytes += len(one.text)
	e.offerLocked(one, wanting)
	return true
}

// roomLocked reports whether all that want an event of so many bytes have room for it.
func (e *Engine) roomLocked(wanting []*Endpoint, bytes int) bool {
	if e.bytes+bytes > maxTotal {
		return false
	}
	for _, endpoint := range wanting {
		if c := e.couriers[endpoint.ID]; c != nil && c.full(bytes) {
			return false
		}
	}
	return true
}

func (c *courier) full(more int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fullLocked(more)
}

func (e *Engine) offerLocked(one *tracked, wanting []*Endpoint) {
	now := time.Now()
	for _, endpoint := range wanting {
		if e.bytes <= maxTotal && e.courierLocked(endpoint).offer(one, endpoint.Batch, now) {
			one.left++
			continue
		}
		e.metrics.events.WithLabelValues(lost).Inc()
	}
	if one.left == 0 {
		e.bytes -= len(one.text)
		e.finish(one)
	}
}

// courierLocked is the courier of an endpoint, which begins its life if it has none.
func (e *Engine) courierLocked(endpoint *Endpoint) *courier {
	if c := e.couriers[endpoint.ID]; c != nil {
		return c
	}
	c := &courier{
		engine: e, endpoint: endpoint.ID, app: endpoint.App, wake: make(chan struct{}, 1), room: make(chan struct{}, concurrency),
	}
	e.couriers[endpoint.ID] = c
	if e.running == nil {
		e.begun = append(e.begun, c)
	} else {
		ctx := e.running
		e.lives.Go(func() { c.run(ctx) })
	}
	return c
}

// retire ends a courier that has nothing to do, and reports whether it had nothing.
func (e *Engine) retire(c *courier) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !c.idle() {
		return false
	}
	delete(e.couriers, c.endpoint)
	return true
}

// endpoint finds an endpoint as it is now; false: its app does not want it any more.
func (e *Engine) endpoint(app, id string) (*Endpoint, Signer, bool) {
	endpoints, signer := e.config.Source.Endpoints(app)
	for i := range endpoints {
		if endpoints[i].ID == id {
			return &endpoints[i], signer, true
		}
	}
	return nil, Signer{}, false
}

// told takes note of an attempt.
func (e *Engine) told(report *Report) {
	e.metrics.attempt(report.Attempt)
	e.config.Log.Report(*report)
	if report.Outcome == GivenUp {
		e.config.Logger.Warn("an app's endpoint does not take events", "app", report.App, "endpoint", report.Endpoint,
			"delivery", report.ID, "events", report.Events, "attempts", report.Attempts, "status", report.Attempt.Status)
	}
}

// settle says that an endpoint need not be told of events any more. void: because somebody else tells them, who has them kept.
func (e *Engine) settle(events []*tracked, outcome string, void bool) {
	e.metrics.events.WithLabelValues(outcome).Add(float64(len(events)))
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, one := range events {
		one.void = one.void || void
		if one.left--; one.left == 0 {
			e.bytes -= len(one.text)
			e.finish(one)
		}
	}
}

// finish tells whoever keeps an event that it need not be kept.
func (e *Engine) finish(one *tracked) {
	if one.Done != nil && !one.void {
		one.Done()
	}
}

func (e *Engine) waiting() float64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	sum := 0
	for _, c := range e.couriers {
		c.mu.Lock()
		sum += c.events
		c.mu.Unlock()
	}
	return float64(sum)
}
