package tenant

import (
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Refusal says which limit an app has reached.
type Refusal struct {
	Limit      LimitName
	Value      int64         // what the limit is
	RetryAfter time.Duration // when to come back at the earliest
	ResetsAt   time.Time     // when the quota begins anew; zero for limits that are not quotas
}

// retryCount is when to come back to a limit of things in use, which end when others end them.
const retryCount = 5 * time.Second

// retryQuota bounds what a client is told to wait: a limit may be raised before the month ends.
const retryQuota = time.Hour

// Limiter holds apps to their limits, on this node. It asks no database and reads no clock: now is an argument.
type Limiter struct {
	meter *Meter
	apps  sync.Map // app id -> *inUse; as many as the directory knows apps
}

// inUse is what one app has in use on this node.
type inUse struct {
	connections atomic.Int64
	publishes   bucket
	requests    bucket
}

// NewLimiter makes a limiter that judges monthly quotas by what the meter knows.
func NewLimiter(meter *Meter) *Limiter { return &Limiter{meter: meter} }

// Publish takes room for count publications, all or none, or says which limit is in the way.
func (l *Limiter) Publish(app *AppView, count int, now time.Time) *Refusal {
	if refusal := l.quota(app, count, now); refusal != nil {
		return refusal
	}
	// A batch must fit into the burst, else it could never pass.
	burst := max(app.Limits.PublishesPerSecond, app.Limits.Batch)
	if wait := l.of(app.ID).publishes.take(app.Limits.PublishesPerSecond, burst, count, now); wait > 0 {
		return &Refusal{Limit: LimitPublishesPerSecond, Value: int64(app.Limits.PublishesPerSecond), RetryAfter: wait}
	}
	return nil
}

// quota compares the month's messages, in the ledger and not yet in it, with what the app may send.
func (l *Limiter) quota(app *AppView, count int, now time.Time) *Refusal {
	if l.meter.App(app.ID).MonthMessages()+int64(count) <= app.Limits.MessagesPerMonth {
		return nil
	}
	resets := PeriodMonth.next(now)
	return &Refusal{
		Limit: LimitMessagesPerMonth, Value: app.Limits.MessagesPerMonth,
		RetryAfter: min(resets.Sub(now), retryQuota), ResetsAt: resets,
	}
}

// Request takes room for one API request that does not publish.
func (l *Limiter) Request(app *AppView, now time.Time) *Refusal {
	limit := app.Limits.APIRequestsPerSecond
	if wait := l.of(app.ID).requests.take(limit, limit, 1, now); wait > 0 {
		return &Refusal{Limit: LimitAPIRequestsPerSecond, Value: int64(limit), RetryAfter: wait}
	}
	return nil
}

// Connect takes room for one connection, which Disconnect gives back.
func (l *Limiter) Connect(app *AppView) *Refusal {
	connections := &l.of(app.ID).connections
	if connections.Add(1) <= int64(app.Limits.Connections) {
		return nil
	}
	connections.Add(-1)
	return &Refusal{Limit: LimitConnections, Value: int64(app.Limits.Connections), RetryAfter: retryCount}
}

// Disconnect gives back what Connect took.
func (l *Limiter) Disconnect(appID string) { l.of(appID).connections.Add(-1) }

// Connections returns how many connections the app has on this node.
func (l *Limiter) Connections(appID string) int { return int(l.of(appID).connections.Load()) }

// Channels judges whether one more channel may be begun where the app has count of them.
func (l *Limiter) Channels(app *AppView, count int) *Refusal {
	if count < app.Limits.Channels {
		return nil
	}
	return &Refusal{Limit: LimitChannels, Value: int64(app.Limits.Channels), RetryAfter: retryCount}
}

func (l *Limiter) of(appID string) *inUse {
	if found, ok := l.apps.Load(appID); ok {
		return found.(*inUse)
	}
	found, _ := l.apps.LoadOrStore(appID, &inUse{})
	return found.(*inUse)
}

// bucket is a token bucket whose rate may change between two takes.
type bucket struct {
	mu      sync.Mutex
	limiter *rate.Limiter // guarded by mu until it is there
}

// take takes count tokens and returns 0, or takes none and returns how long to wait until they are there.
func (b *bucket) take(perSecond, burst, count int, now time.Time) time.Duration {
	b.mu.Lock()
	if b.limiter == nil {
		b.limiter = rate.NewLimiter(rate.Limit(perSecond), burst)
	}
	if b.limiter.Limit() != rate.Limit(perSecond) || b.limiter.Burst() != burst {
		b.limiter.SetLimitAt(now, rate.Limit(perSecond))
		b.limiter.SetBurstAt(now, burst)
	}
	limiter := b.limiter
	b.mu.Unlock()
	reservation := limiter.ReserveN(now, count)
	if !reservation.OK() { // more than the burst: no wait would help
		return time.Second
	}
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}
