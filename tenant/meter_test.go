package tenant_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"halley/tenant"
)

// noon is the middle of a month, so that a test does not cross its end.
func noon() time.Time { return time.Date(2026, 11, 15, 12, 0, 0, 0, time.UTC) }

func testMeter(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	d := openDirectory(t, s)
	m := tenant.NewMeter(s, d, 7, quiet())
	counters := m.App(c.app.ID)
	counters.Published(2, 100)
	counters.Delivered(10, 500)
	counters.Received(20)
	counters.PresenceChanged(3)
	counters.Connected(1)
	counters.Connected(1)
	counters.Connected(-1)
	ctx := t.Context()
	for range 3 { // a flush repeated writes the same
		must(t, m.Flush(ctx, noon()))
	}
	want := tenant.Values{Publishes: 2, Deliveries: 10, BytesIn: 120, BytesOut: 500, PresenceEvents: 3, PeakConnections: 2}
	month := func(want tenant.Values) {
		t.Helper()
		got, err := s.MonthUsage(ctx, c.scope, c.app.ID, noon())
		if err != nil || got != want {
			t.Errorf("month %+v, %v; want %+v", got, err, want)
		}
	}
	month(want)
	counters.Published(1, 1)
	must(t, m.Flush(ctx, noon().Add(time.Minute)))
	want.Publishes, want.BytesIn = 3, 121
	month(want)
	points, err := s.Series(ctx, c.scope, c.app.ID, tenant.StepMinute, noon(), noon().Add(3*time.Minute))
	if err != nil || len(points) != 3 || points[0].Values.Publishes != 2 || points[1].Values.Publishes != 1 ||
		points[1].Values.PeakConnections != 1 || points[2].Values != (tenant.Values{}) {
		t.Errorf("minutes %+v, %v", points, err)
	}
	if got := m.Current(c.app.ID, noon()); got.Month.Publishes != 3 || got.Connections != 1 ||
		!got.Resets.Equal(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("current %+v", got)
	}
	// The next month begins at nothing, for the ledger and for the quota.
	december := time.Date(2026, 12, 1, 0, 0, 5, 0, time.UTC)
	must(t, m.Flush(ctx, december))
	if got := counters.MonthMessages(); got != 0 {
		t.Errorf("%d messages of the new month, want 0", got)
	}
	counters.Delivered(4, 4)
	if got := counters.MonthMessages(); got != 4 {
		t.Errorf("%d messages of the new month, want 4", got)
	}
	must(t, m.Flush(ctx, december))
	month(want)
	got, err := s.MonthUsage(ctx, c.scope, c.app.ID, december)
	if err != nil || got.Deliveries != 4 || got.Messages() != 4 {
		t.Errorf("december %+v, %v", got, err)
	}
	if spans := m.Spans(c.app.ID); spans > 3 {
		t.Errorf("%d spans are kept in memory, want the current three", spans)
	}
}

// testMeterElsewhere has three processes count for one app.
func testMeterElsewhere(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	d := openDirectory(t, s)
	now := noon()
	for instance := range uint64(2) {
		m := tenant.NewMeter(s, d, instance, quiet())
		m.App(c.app.ID).Published(10, 0)
		m.App(c.app.ID).Connected(5)
		must(t, m.Flush(t.Context(), now))
	}
	third := tenant.NewMeter(s, d, 99, quiet())
	early := third.App(c.app.ID)
	early.Published(1, 0)
	third.LoadElsewhere(t.Context(), now)
	must(t, third.Flush(t.Context(), now))
	third.LoadElsewhere(t.Context(), now) // its own rows are not elsewhere
	if got := early.MonthMessages(); got != 21 {
		t.Errorf("%d messages, want 21", got)
	}
	view, err := d.App(c.app.ID)
	must(t, err)
	view = withLimit(view, func(l *tenant.Limits) { l.MessagesPerMonth = 21 })
	refusal := tenant.NewLimiter(third).Publish(view, 1, now)
	if refusal == nil || refusal.Limit != tenant.LimitMessagesPerMonth || refusal.ResetsAt.Month() != time.December {
		t.Errorf("refusal %+v, want the month's", refusal)
	}
	if values, err := s.MonthUsage(t.Context(), c.scope, c.app.ID, now); err != nil || values.PeakConnections != 10 ||
		values.Publishes != 21 {
		t.Errorf("month %+v, %v", values, err)
	}
}

func testMeterRuns(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	d := openDirectory(t, s)
	m := tenant.NewMeter(s, d, 7, quiet())
	stop := running(t, m.Run)
	m.App(c.app.ID).Published(3, 30)
	m.App("app_unknown").Published(1, 1)
	stop() // flushes what is there
	if values, err := s.MonthUsage(t.Context(), c.scope, c.app.ID, time.Now()); err != nil || values.Publishes != 3 {
		t.Errorf("after the end %+v, %v; want 3 publishes", values, err)
	}
}

// testMeterWithoutApp loses an app behind the meter's back: the usage of the others is still written.
func testMeterWithoutApp(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	gone, err := s.CreateApp(t.Context(), c.scope, tenant.AppForm{Name: "gone"})
	must(t, err)
	m := tenant.NewMeter(s, openDirectory(t, s), 7, quiet())
	m.App(gone.ID).Published(1, 1)
	m.App(c.app.ID).Published(1, 1)
	must(t, s.ForgetApp(t.Context(), gone.ID))
	must(t, m.Flush(t.Context(), noon()))
	if values, err := s.MonthUsage(t.Context(), c.scope, c.app.ID, noon()); err != nil || values.Publishes != 1 {
		t.Errorf("the other app has %+v, %v; want 1 publish", values, err)
	}
}

func testSeries(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	m := tenant.NewMeter(s, openDirectory(t, s), 7, quiet())
	counters := m.App(c.app.ID)
	for i := range 3 { // one at 12:00, one at 13:00, one the day after
		counters.Published(1, 10)
		counters.Connected(1)
		must(t, m.Flush(t.Context(), noon().Add([]time.Duration{0, time.Hour, 24 * time.Hour}[i])))
	}
	for _, test := range []struct {
		step     tenant.Step
		from, to time.Time
		want     []int64
	}{
		{tenant.StepHour, noon().Add(-time.Hour), noon().Add(3 * time.Hour), []int64{0, 1, 1, 0}},
		{tenant.StepDay, noon(), noon().Add(24 * time.Hour), []int64{2, 1}},
		{tenant.StepMinute, noon(), noon().Add(time.Minute), []int64{1}},
	} {
		points, err := s.Series(t.Context(), c.scope, c.app.ID, test.step, test.from, test.to)
		if err != nil || len(points) != len(test.want) {
			t.Errorf("step %v: %d points, %v; want %d", time.Duration(test.step), len(points), err, len(test.want))
			continue
		}
		for i, want := range test.want {
			if points[i].Values.Publishes != want || points[i].Values.BytesIn != 10*want {
				t.Errorf("step %v, point %d: %+v, want %d publishes", time.Duration(test.step), i, points[i], want)
			}
		}
	}
	days, err := s.Series(t.Context(), c.scope, c.app.ID, tenant.StepDay, noon(), noon().Add(time.Hour))
	if err != nil || days[0].Values.PeakConnections != 2 {
		t.Errorf("peak of the day %+v, %v; want 2", days, err)
	}
	for name, err := range map[string]error{
		"odd step": series(t, s, c, tenant.Step(time.Second), time.Hour), "backwards": series(t, s, c, tenant.StepHour, -time.Hour),
		"too many": series(t, s, c, tenant.StepMinute, 1501*time.Minute),
	} {
		var wrong *tenant.InvalidError
		if !errors.As(err, &wrong) {
			t.Errorf("%s: %v, want an InvalidError", name, err)
		}
	}
}

func series(t *testing.T, s *tenant.Store, c customer, step tenant.Step, length time.Duration) error {
	_, err := s.Series(t.Context(), c.scope, c.app.ID, step, noon(), noon().Add(length))
	return err
}

func testPurge(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	ctx := t.Context()
	m := tenant.NewMeter(s, openDirectory(t, s), 7, quiet())
	m.App(c.app.ID).Published(1, 1)
	must(t, m.Flush(ctx, noon()))
	login, _, err := s.LogInNew(ctx, tenant.User{ID: c.scope.UserID()}, tenant.Client{})
	must(t, err)
	list, err := s.Members(ctx, c.scope)
	must(t, err)
	_, err = s.IssueToken(ctx, tenant.PurposeReset, tenant.User{ID: c.scope.UserID(), Email: list[0].Email})
	must(t, err)
	for _, test := range []struct {
		at              time.Time
		periods         int
		sessions, token int
	}{
		{noon(), 3, 1, 1}, {noon().Add(4 * 24 * time.Hour), 2, 1, 1}, {noon().Add(401 * 24 * time.Hour), 1, 0, 0},
	} {
		must(t, s.Purge(ctx, test.at))
		periods, err := s.Texts(ctx, `SELECT period FROM usage_ledger`)
		must(t, err)
		if len(periods) != test.periods {
			t.Errorf("at %v the ledger has %v, want %d periods", test.at, periods, test.periods)
		}
	}
	if sessions, err := s.Sessions(ctx, login); err != nil || len(sessions) != 0 {
		t.Errorf("sessions %+v, %v; want none", sessions, err)
	}
	if tokens, err := s.Texts(ctx, `SELECT purpose FROM one_time_tokens`); err != nil || len(tokens) != 0 {
		t.Errorf("tokens %v, %v; want none", tokens, err)
	}
}

// TestMeterIsBounded counts for a day while the database refuses: nothing is lost, and memory stays bounded.
func TestMeterIsBounded(t *testing.T) {
	t.Parallel()
	s := open(t, databases()[0].config(t))
	c := newCustomer(t, s)
	m := tenant.NewMeter(s, openDirectory(t, s), 7, quiet())
	counters := m.App(c.app.ID)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	const minutes = 24 * 60
	for i := range minutes {
		counters.Published(1, 0)
		if err := m.Flush(cancelled, noon().Add(time.Duration(i)*time.Minute)); err == nil {
			t.Fatal("a flush without a database succeeded")
		}
	}
	if spans := m.Spans(c.app.ID); spans > 240+25+1 {
		t.Errorf("%d spans wait, want at most 266", spans)
	}
	must(t, m.Flush(t.Context(), noon().Add(minutes*time.Minute)))
	if values, err := s.MonthUsage(t.Context(), c.scope, c.app.ID, noon()); err != nil || values.Publishes != minutes {
		t.Errorf("month %+v, %v; want %d publishes", values, err, minutes)
	}
	points, err := s.Series(t.Context(), c.scope, c.app.ID, tenant.StepHour, noon(), noon().Add(minutes*time.Minute))
	must(t, err)
	for _, point := range points {
		if point.Values.Publishes != 60 {
			t.Errorf("hour %v: %d publishes, want 60", point.Begins, point.Values.Publishes)
		}
	}
}
