package tenant_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"halley/tenant"
)

// withLimit copies a view with other limits.
func withLimit(view *tenant.AppView, change func(l *tenant.Limits)) *tenant.AppView {
	copied := *view
	change(&copied.Limits)
	return &copied
}

func newLimiter() *tenant.Limiter { return tenant.NewLimiter(tenant.NewMeter(nil, nil, 1, quiet())) }

func TestLimiterPublish(t *testing.T) {
	t.Parallel()
	l, start := newLimiter(), noon()
	app := withLimit(tenant.ViewWithRules(), func(limits *tenant.Limits) { limits.PublishesPerSecond, limits.Batch = 10, 20 })
	if refusal := l.Publish(app, 20, start); refusal != nil { // a whole batch
		t.Fatalf("batch: %+v", refusal)
	}
	refusal := l.Publish(app, 1, start)
	if refusal == nil || refusal.Limit != tenant.LimitPublishesPerSecond || refusal.Value != 10 ||
		refusal.RetryAfter != 100*time.Millisecond {
		t.Fatalf("refusal %+v, want a wait of 100 ms", refusal)
	}
	if refusal := l.Publish(app, 1, start.Add(refusal.RetryAfter)); refusal != nil {
		t.Errorf("after the wait it was told: %+v", refusal)
	}
	accepted := 0
	for i := range 100_000 { // a storm of ten seconds
		if l.Publish(app, 1, start.Add(time.Second+time.Duration(i)*100*time.Microsecond)) == nil {
			accepted++
		}
	}
	if accepted < 100 || accepted > 120 {
		t.Errorf("%d were accepted in 10 s, want 100 and what was saved", accepted)
	}
	if refusal := l.Publish(app, 21, start.Add(time.Hour)); refusal == nil || refusal.RetryAfter <= 0 {
		t.Errorf("more than can ever pass: %+v", refusal)
	}
	raised := withLimit(app, func(limits *tenant.Limits) { limits.PublishesPerSecond = 1000 })
	for range 500 {
		if refusal := l.Publish(raised, 1, start.Add(2*time.Hour)); refusal != nil && refusal.Value != 1000 {
			t.Fatalf("the raised limit: %+v", refusal)
		}
	}
	other := withLimit(app, func(*tenant.Limits) {})
	other.ID = "app_other"
	if refusal := l.Publish(other, 20, start); refusal != nil {
		t.Errorf("another app pays for this one: %+v", refusal)
	}
}

func TestLimiterRequests(t *testing.T) {
	t.Parallel()
	l, start := newLimiter(), noon()
	app := withLimit(tenant.ViewWithRules(), func(limits *tenant.Limits) { limits.APIRequestsPerSecond = 2 })
	for i, want := range []bool{true, true, false} {
		refusal := l.Request(app, start)
		if (refusal == nil) != want || refusal != nil && refusal.Limit != tenant.LimitAPIRequestsPerSecond {
			t.Errorf("request %d: %+v", i, refusal)
		}
	}
}

// The cap on connections is never exceeded, whoever races for the last place.
func TestLimiterConnections(t *testing.T) {
	t.Parallel()
	l := newLimiter()
	app := withLimit(tenant.ViewWithRules(), func(limits *tenant.Limits) { limits.Connections = 10 })
	var clients sync.WaitGroup
	var admitted, most atomic.Int64
	for range 50 {
		clients.Go(func() {
			for range 200 {
				if refusal := l.Connect(app); refusal != nil {
					if refusal.Limit != tenant.LimitConnections || refusal.RetryAfter <= 0 {
						t.Errorf("refusal %+v", refusal)
					}
					continue
				}
				if now := admitted.Add(1); now > most.Load() {
					most.Store(now)
				}
				admitted.Add(-1)
				l.Disconnect(app.ID)
			}
		})
	}
	clients.Wait()
	if most.Load() > 10 || l.Connections(app.ID) != 0 {
		t.Errorf("%d at once, %d left; want at most 10 and none", most.Load(), l.Connections(app.ID))
	}
}

func TestLimiterChannelsAndQuota(t *testing.T) {
	t.Parallel()
	meter := tenant.NewMeter(nil, nil, 1, quiet())
	l := tenant.NewLimiter(meter)
	app := withLimit(tenant.ViewWithRules(), func(limits *tenant.Limits) { limits.Channels, limits.MessagesPerMonth = 3, 100 })
	if l.Channels(app, 2) != nil || l.Channels(app, 3) == nil {
		t.Error("channels: 2 must pass, 3 must not")
	}
	meter.App(app.ID).Delivered(90, 0)
	if refusal := l.Publish(app, 10, noon()); refusal != nil {
		t.Errorf("the last ten: %+v", refusal)
	}
	refusal := l.Publish(app, 11, noon())
	if refusal == nil || refusal.Limit != tenant.LimitMessagesPerMonth || refusal.Value != 100 || refusal.RetryAfter != time.Hour ||
		!refusal.ResetsAt.Equal(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("over the quota: %+v", refusal)
	}
	last := time.Date(2026, 11, 30, 23, 59, 0, 0, time.UTC)
	if refusal := l.Publish(app, 11, last); refusal == nil || refusal.RetryAfter != time.Minute {
		t.Errorf("a minute before the month ends: %+v", refusal)
	}
}

func TestLimitNames(t *testing.T) {
	t.Parallel()
	limits := tenant.DefaultLimits()
	for _, spec := range tenant.LimitSpecs() {
		if got := limits.Get(spec.Name); got != spec.Default || spec.Default > spec.Max || spec.Default < 1 || spec.Meaning == "" {
			t.Errorf("%+v: default in force is %d", spec, got)
		}
		if got := limits.With(tenant.Overrides{spec.Name: 1}).Get(spec.Name); got != 1 {
			t.Errorf("%s: %d after an override of 1", spec.Name, got)
		}
	}
	if limits.Get("none") != 0 || limits.With(tenant.Overrides{"none": 1}) != limits {
		t.Error("a limit that does not exist has a value")
	}
}
