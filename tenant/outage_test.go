package tenant_test

import (
	"errors"
	"testing"
	"time"

	"halley/auth"
	"halley/tenant"
	"halley/test/postgres"
)

// TestDatabaseStops stops Postgres under a running node: what is known is served and metered meanwhile, what is not known is
// unavailable, and afterwards nothing metered is lost or counted twice, and changes arrive again.
func TestDatabaseStops(t *testing.T) {
	t.Parallel()
	server := postgres.Start(t)
	s := open(t, tenant.Config{URL: server.URL(), DataDir: t.TempDir(), Logger: quiet()})
	c := newCustomer(t, s)
	key, _, err := s.CreateKey(t.Context(), c.scope, c.app.ID, tenant.KeyForm{Kind: secretKind})
	must(t, err)
	d := openDirectory(t, s)
	running(t, d.Run)
	m := tenant.NewMeter(s, d, 7, quiet())
	limiter := tenant.NewLimiter(m)
	counters := m.App(c.app.ID)
	counters.Published(100, 1000)
	must(t, m.Flush(t.Context(), noon()))

	server.Stop()
	const minutes = 5
	for i := range minutes {
		view, err := d.App(c.app.ID)
		must(t, err)
		if found, err := d.Key(t.Context(), key.ID); err != nil || found.ID != key.ID {
			t.Fatalf("known key: %+v, %v", found, err)
		}
		at := noon().Add(time.Duration(i) * time.Minute)
		if refusal := limiter.Publish(view, 1, at); refusal != nil {
			t.Fatalf("refused: %+v", refusal)
		}
		counters.Published(1, 10)
		counters.Delivered(3, 30)
		if err := m.Flush(t.Context(), at); !errors.Is(err, tenant.ErrUnavailable) {
			t.Fatalf("flush: %v, want ErrUnavailable", err)
		}
	}
	if got := counters.MonthMessages(); got != 100+4*minutes {
		t.Errorf("the quota sees %d messages, want %d", got, 100+4*minutes)
	}
	if got := m.Current(c.app.ID, noon()).Month.Deliveries; got != 3*minutes {
		t.Errorf("usage shows %d deliveries, want %d", got, 3*minutes)
	}
	if _, err := d.App("app_unheard"); !errors.Is(err, tenant.ErrUnavailable) {
		t.Errorf("app not known: %v, want ErrUnavailable", err)
	}
	if _, err := d.Key(t.Context(), "unheard"); !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("key not known: %v, want auth.ErrUnavailable", err)
	}
	if _, err := s.CreateApp(t.Context(), c.scope, tenant.AppForm{Name: "x"}); !errors.Is(err, tenant.ErrUnavailable) {
		t.Errorf("a change: %v, want ErrUnavailable", err)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, tenant.ErrUnavailable) {
		t.Errorf("ping: %v, want ErrUnavailable", err)
	}

	server.Restart()
	for range 2 { // the second has nothing to add
		must(t, m.Flush(t.Context(), noon().Add(minutes*time.Minute)))
	}
	want := tenant.Values{Publishes: 100 + minutes, Deliveries: 3 * minutes, BytesIn: 1000 + 10*minutes, BytesOut: 30 * minutes}
	if got, err := s.MonthUsage(t.Context(), c.scope, c.app.ID, noon()); err != nil || got != want {
		t.Errorf("the ledger has %+v, %v; want %+v", got, err, want)
	}
	points, err := s.Series(t.Context(), c.scope, c.app.ID, tenant.StepMinute, noon(), noon().Add(minutes*time.Minute))
	must(t, err)
	for i, point := range points {
		if want := int64(1); i > 0 && point.Values.Publishes != want {
			t.Errorf("minute %d has %d publishes, want %d", i, point.Values.Publishes, want)
		}
	}
	must(t, s.RevokeKey(t.Context(), c.scope, c.app.ID, key.ID))
	eventually(t, soon, "a key revoked after the outage is dead", func() bool {
		found, err := d.Key(t.Context(), key.ID)
		return err == nil && !found.RevokedAt.IsZero()
	})
}

// TestListenerReturns cuts the connection that listens: announcements are heard again when it is back, and the sweep bridges.
func TestListenerReturns(t *testing.T) {
	t.Parallel()
	s := open(t, databases()[1].config(t))
	c := newCustomer(t, s)
	elsewhere := s.Elsewhere(t, quiet())
	d := openDirectory(t, s)
	running(t, d.Run)
	const listeners = ` FROM pg_stat_activity WHERE query = 'LISTEN halley_changes' AND datname = current_database()`
	listening := func() bool {
		pids, err := elsewhere.Texts(t.Context(), `SELECT CAST(pid AS text)`+listeners)
		return err == nil && len(pids) == 1
	}
	eventually(t, 5*time.Second, "a connection listens", listening)
	must(t, elsewhere.Exec(t.Context(), `SELECT pg_terminate_backend(pid)`+listeners))
	fresh, err := elsewhere.CreateApp(t.Context(), c.scope, tenant.AppForm{Name: "fresh"})
	must(t, err)
	eventually(t, soon, "a change while nobody listens", func() bool { return d.Holds(fresh.ID) })
	eventually(t, 10*time.Second, "a connection listens again", listening)
}
