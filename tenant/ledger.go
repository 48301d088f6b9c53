package tenant

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// How long the ledger keeps what charts are drawn from. Months stay.
const (
	keepMinutes = 3 * 24 * time.Hour
	keepHours   = 400 * 24 * time.Hour
)

// ledgerRow is what one process counted of one app in one span: absolute values, so that writing it again changes nothing.
type ledgerRow struct {
	appAccount string
	appID      string
	span       span
	node       string
	values     Values
}

const (
	sqlWriteLedger = `INSERT INTO usage_ledger (account_id, app_id, period, begins_at, node, publishes, deliveries,
		bytes_in, bytes_out, presence, connections) VALUES `
	sqlOverwriteLedger = ` ON CONFLICT (account_id, app_id, period, begins_at, node) DO UPDATE SET publishes = excluded.publishes,
		deliveries = excluded.deliveries, bytes_in = excluded.bytes_in, bytes_out = excluded.bytes_out, presence = excluded.presence,
		connections = excluded.connections`
	// Sums are cast because Postgres adds bigints up to numerics.
	ledgerSums = `CAST(COALESCE(SUM(publishes), 0) AS bigint), CAST(COALESCE(SUM(deliveries), 0) AS bigint),
		CAST(COALESCE(SUM(bytes_in), 0) AS bigint), CAST(COALESCE(SUM(bytes_out), 0) AS bigint),
		CAST(COALESCE(SUM(presence), 0) AS bigint), CAST(COALESCE(SUM(connections), 0) AS bigint)`
	sqlElsewhere = `SELECT app_id, ` + ledgerSums + ` FROM usage_ledger WHERE period = 'month' AND begins_at = $1 AND node <> $2
		GROUP BY account_id, app_id`
	sqlMonthUsage = `SELECT ` + ledgerSums + ` FROM usage_ledger
		WHERE account_id = $1 AND app_id = $2 AND period = 'month' AND begins_at = $3`
	sqlSeries = `SELECT begins_at, ` + ledgerSums + ` FROM usage_ledger
		WHERE account_id = $1 AND app_id = $2 AND period = $3 AND begins_at >= $4 AND begins_at < $5
		GROUP BY begins_at ORDER BY begins_at`
	sqlForgetLedger = `DELETE FROM usage_ledger WHERE period = $1 AND begins_at < $2`
)

// writeLedger writes rows in one statement.
func (s *Store) writeLedger(ctx context.Context, rows []ledgerRow) error {
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	var marks []string
	var args []any
	for _, row := range rows {
		v := row.values
		args = append(args, row.appAccount, row.appID, string(row.span.period), millis(row.span.begins), row.node,
			v.Publishes, v.Deliveries, v.BytesIn, v.BytesOut, v.PresenceEvents, v.PeakConnections)
		marks = append(marks, placeholders(len(args)-10, 11))
	}
	_, err := s.db.ExecContext(ctx, sqlWriteLedger+strings.Join(marks, ", ")+sqlOverwriteLedger, args...)
	return storeError(err)
}

// placeholders returns "($first, …)" with count numbers.
func placeholders(first, count int) string {
	var text strings.Builder
	for i := range count {
		text.WriteString(", $" + strconv.Itoa(first+i))
	}
	return "(" + text.String()[2:] + ")"
}

// monthElsewhere sums up, by app, what other processes than node used in a month.
func (s *Store) monthElsewhere(ctx context.Context, month time.Time, node string) (map[string]Values, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*queryDeadline)
	defer cancel()
	totals := map[string]Values{}
	_, err := collect(ctx, s.db, func(scan func(...any) error) (struct{}, error) {
		var appID string
		values, err := scanValues(scan, &appID)
		values.PeakConnections = 0 // of processes that may be long gone
		totals[appID] = values
		return struct{}{}, err
	}, sqlElsewhere, millis(month), node)
	return totals, err
}

// MonthUsage returns what the ledger has of an app for the calendar month of at: ten seconds old at most while the database
// answers.
func (s *Store) MonthUsage(ctx context.Context, scope Scope, appID string, at time.Time) (Values, error) {
	if _, err := s.App(ctx, scope, appID); err != nil {
		return Values{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	row := s.db.QueryRowContext(ctx, sqlMonthUsage, scope.accountID, appID, millis(PeriodMonth.start(at)))
	values, err := scanValues(row.Scan)
	return values, wrap("usage of the month", storeError(err))
}

// Point is one span of a series.
type Point struct {
	Begins time.Time
	Values Values
}

// Step is the distance of the points of a series.
type Step time.Duration

// The steps.
const (
	StepMinute = Step(time.Minute)
	StepHour   = Step(time.Hour)
	StepDay    = Step(24 * time.Hour) // in UTC
)

// maxPoints bounds a series.
const maxPoints = 1500

// Series returns what an app used between two times, one point for each step that lies between them, if in part,
// also where nothing was used: at most 1,500 points.
// Minutes are kept for three days, hours and days for 400.
func (s *Store) Series(ctx context.Context, scope Scope, appID string, step Step, from, to time.Time) ([]Point, error) {
	if step != StepMinute && step != StepHour && step != StepDay {
		return nil, invalid("step", "a step is a minute, an hour or a day")
	}
	from, to = from.UTC().Truncate(time.Duration(step)), to.UTC().Add(time.Duration(step)-1).Truncate(time.Duration(step))
	if count := to.Sub(from) / time.Duration(step); !from.Before(to) || count > maxPoints {
		return nil, invalid("from", "from one to %d steps", maxPoints)
	}
	if _, err := s.App(ctx, scope, appID); err != nil {
		return nil, err
	}
	spans, err := s.spans(ctx, scope, appID, step, from, to)
	if err != nil {
		return nil, wrap("usage", err)
	}
	return points(spans, step, from, to), nil
}

// spans reads the ledger's spans, of which a step may hold several.
func (s *Store) spans(ctx context.Context, scope Scope, appID string, step Step, from, to time.Time) ([]Point, error) {
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	period := PeriodHour
	if step == StepMinute {
		period = PeriodMinute
	}
	return collect(ctx, s.db, func(scan func(...any) error) (Point, error) {
		var begins int64
		values, err := scanValues(scan, &begins)
		return Point{moment(begins), values}, err
	}, sqlSeries, scope.accountID, appID, string(period), millis(from), millis(to))
}

// points fills the steps without usage and adds up the spans of one step; of peaks it keeps the highest.
func points(spans []Point, step Step, from, to time.Time) []Point {
	var list []Point
	for begins := from; begins.Before(to); begins = begins.Add(time.Duration(step)) {
		point := Point{Begins: begins}
		for len(spans) > 0 && spans[0].Begins.Before(begins.Add(time.Duration(step))) {
			peak := max(point.Values.PeakConnections, spans[0].Values.PeakConnections)
			point.Values = point.Values.plus(spans[0].Values)
			point.Values.PeakConnections = peak
			spans = spans[1:]
		}
		list = append(list, point)
	}
	return list
}

// scanValues reads the columns before, then the sums.
func scanValues(scan func(...any) error, before ...any) (Values, error) {
	var v Values
	err := scan(append(before, &v.Publishes, &v.Deliveries, &v.BytesIn, &v.BytesOut, &v.PresenceEvents, &v.PeakConnections)...)
	if err != nil {
		return Values{}, fmt.Errorf("usage: %w", err)
	}
	return v, nil
}
