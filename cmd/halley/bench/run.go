package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// run is one measurement.
type run struct {
	target  *Target
	options Options
	name    string // begins the names of its channels and messages, so that a server may be measured twice
	clock   clock
	dialer  dialer
	topics  []*topic
	lanes   []*lane

	fail        context.CancelCauseFunc // ends the run
	reader      reader
	mu          sync.Mutex
	subscribers []*subscriber // guarded by mu while they are opened

	background sync.WaitGroup

	// What the line of progress says.
	connected, published, delivered atomic.Int64
}

func newRun(t *Target, o Options) *run {
	r := &run{target: t, options: o, name: "bench-" + strconv.FormatUint(rand.Uint64(), 36), clock: clock{time.Now()}}
	r.dialer.target = t
	return r
}

// topic makes a channel of the run.
func (r *run) topic(subscribers int) *topic {
	t := &topic{name: fmt.Sprintf("%s-%d", r.name, len(r.topics)), subscribers: subscribers, patience: r.options.Patience}
	r.topics = append(r.topics, t)
	return t
}

// tell writes a line of progress once a second until ctx ends.
func (r *run) tell(ctx context.Context) {
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			fmt.Fprintf(r.options.Progress, "%5.1fs  %d connected, %d published, %d delivered\n", time.Since(r.clock.start).Seconds(),
				r.connected.Load(), r.published.Load(), r.delivered.Load())
		case <-ctx.Done():
			return
		}
	}
}

// start makes the reader, and a context that ends with the cause when it or a publisher fails.
func (r *run) start(ctx context.Context) (context.Context, error) {
	ctx, r.fail = context.WithCancelCause(ctx)
	var err error
	d := &desk{clock: r.clock, fail: r.fail}
	d.intake.told = &r.delivered
	r.reader, err = newReader(d, r.target.URL.Scheme)
	return ctx, err
}

// close ends what the run has opened.
func (r *run) close() {
	for _, l := range r.lanes {
		l.close()
	}
	if r.reader != nil {
		_ = r.reader.close() // everything was counted before
	}
	if r.fail != nil {
		r.fail(nil)
	}
}

// result begins a result with what the run was asked for.
func (r *run) result() *Result {
	return &Result{
		Mode: r.options.Mode, Transport: r.options.Transport, URL: r.target.URL.String(), Bytes: r.options.Bytes,
		Rate: r.options.Rate, Connections: int(r.connected.Load()),
	}
}

// judge ends the reading, and adds what was wrong with what was delivered.
func (r *run) judge(result *Result) {
	_ = r.reader.close()
	r.reader = nil
	for _, s := range r.subscribers {
		result.Lost += s.ledger.lost(s.topic)
		result.Duplicated += s.ledger.duplicated
		result.Disordered += s.ledger.disordered
	}
}
