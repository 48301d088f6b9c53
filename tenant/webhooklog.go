package tenant

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// How much of what was sent to endpoints is kept to be looked at.
const (
	keepDeliveries   = 500 // of an app
	keepDeliveryDays = 7 * 24 * time.Hour
	maxDeliveryBody  = 32 << 10 // bytes; a longer body is not kept
	DeliveryPage     = 50       // of one page of the log
)

// How the log works with the database.
const (
	deliveryInterval = time.Second
	deliveryRows     = 50    // of one statement: 14 parameters each
	maxDeliveries    = 2_048 // that wait to be written
	maxDeliveriesApp = 100   // of one app: what is beyond is not shown
)

// Delivery is a request to an endpoint, as it stood when it was last told of.
type Delivery struct {
	ID       string
	Endpoint string // id
	Outcome  string // of package webhook, or "by_hand"
	Status   int    // of the latest answer; 0: there was none
	Fault    string // why
	Duration time.Duration
	Attempts int
	Events   int
	Body     string    // empty where it was too long
	BegunAt  time.Time // of the first attempt
	ToldAt   time.Time // when it came to stand so
	NextAt   time.Time // of the next attempt; zero: there is none
}

const (
	deliveryColumns = `account_id, app_id, delivery_id, endpoint_id, outcome, status, fault, duration, attempts, events, body,
		begun_at, told_at, next_at`

	sqlWriteDeliveries = `INSERT INTO webhook_deliveries (` + deliveryColumns + `) VALUES `
	sqlOverDeliveries  = ` ON CONFLICT (account_id, app_id, delivery_id) DO UPDATE SET outcome = excluded.outcome,
		status = excluded.status, fault = excluded.fault, duration = excluded.duration, attempts = excluded.attempts,
		told_at = excluded.told_at, next_at = excluded.next_at`
	sqlTrimDeliveries = `DELETE FROM webhook_deliveries WHERE account_id = $1 AND app_id = $2 AND told_at <
		(SELECT told_at FROM webhook_deliveries WHERE account_id = $1 AND app_id = $2 ORDER BY told_at DESC LIMIT 1 OFFSET $3)`
	sqlForgetDeliveries = `DELETE FROM webhook_deliveries WHERE told_at < $1`
	sqlDropDeliveries   = `DELETE FROM webhook_deliveries WHERE account_id = $1 AND app_id = $2`
	sqlDeliveries       = `SELECT ` + deliveryColumns + ` FROM webhook_deliveries WHERE account_id = $1 AND app_id = $2
		AND ($3 = 0 OR told_at < $3) ORDER BY told_at DESC, delivery_id LIMIT $4`
	sqlDelivery = `SELECT ` + deliveryColumns + ` FROM webhook_deliveries WHERE account_id = $1 AND app_id = $2
		AND delivery_id = $3`
)

// Deliveries lists what was sent to the endpoints of an app, the latest first, 50 at most: before is the ToldAt of the last one of the
// page before, or zero.
func (s *Store) Deliveries(ctx context.Context, scope Scope, appID string, before time.Time) ([]Delivery, error) {
	if _, err := s.App(ctx, scope, appID); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	return collect(ctx, s.db, scanDelivery, sqlDeliveries, scope.accountID, appID, millis(before), DeliveryPage)
}

// Delivery returns one of them.
func (s *Store) Delivery(ctx context.Context, scope Scope, appID, id string) (Delivery, error) {
	if _, err := s.App(ctx, scope, appID); err != nil {
		return Delivery{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	found, err := scanDelivery(s.db.QueryRowContext(ctx, sqlDelivery, scope.accountID, appID, id).Scan)
	return found, wrap("delivery", storeError(err))
}

// LogDelivery writes one down that somebody sent by hand.
func (s *Store) LogDelivery(ctx context.Context, scope Scope, appID string, sent Delivery) error {
	if _, err := s.App(ctx, scope, appID); err != nil {
		return err
	}
	return wrap("log a delivery", s.writeDeliveries(ctx, []loggedDelivery{{scope.accountID, appID, sent}}))
}

// loggedDelivery is one with where it belongs.
type loggedDelivery struct {
	accountID, appID string
	Delivery
}

// dropLongBody leaves out a body that is too long to be kept.
func (d *Delivery) dropLongBody() {
	if len(d.Body) > maxDeliveryBody {
		d.Body = ""
	}
}

// writeDeliveries writes rows in one statement, and lets the oldest of their apps go.
func (s *Store) writeDeliveries(ctx context.Context, rows []loggedDelivery) error {
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	var marks []string
	var args []any
	apps := map[[2]string]bool{}
	for _, row := range rows {
		row.dropLongBody()
		args = append(args, row.accountID, row.appID, row.ID, row.Endpoint, row.Outcome, row.Status, row.Fault,
			row.Duration.Milliseconds(), row.Attempts, row.Events, row.Body, millis(row.BegunAt), millis(row.ToldAt), millis(row.NextAt))
		marks = append(marks, placeholders(len(args)-13, 14))
		apps[[2]string{row.accountID, row.appID}] = true
	}
	if _, err := s.db.ExecContext(ctx, sqlWriteDeliveries+strings.Join(marks, ", ")+sqlOverDeliveries, args...); err != nil {
		return storeError(err)
	}
	for app := range apps {
		if _, err := s.db.ExecContext(ctx, sqlTrimDeliveries, app[0], app[1], keepDeliveries); err != nil {
			return storeError(err)
		}
	}
	return nil
}

func scanDelivery(scan func(...any) error) (Delivery, error) {
	var found Delivery
	var duration, begun, told, next int64
	err := scan(new(string), new(string), &found.ID, &found.Endpoint, &found.Outcome, &found.Status, &found.Fault, &duration,
		&found.Attempts, &found.Events, &found.Body, &begun, &told, &next)
	found.Duration = time.Duration(duration) * time.Millisecond
	found.BegunAt, found.ToldAt, found.NextAt = moment(begun), moment(told), moment(next)
	return found, err
}

// WebhookLog brings what nodes send to endpoints to the database, a second late at most and off the way of everything else. What
// comes faster than can be looked at is left out.
type WebhookLog struct {
	// immutable after NewWebhookLog
	store     *Store
	directory *Directory
	logger    *slog.Logger

	mu sync.Mutex
	// guarded by mu
	waiting map[string]loggedDelivery // by id
	order   []string
	ofApp   map[string]int
}

// NewWebhookLog makes a log. Run must run for it to reach the database.
func NewWebhookLog(store *Store, directory *Directory, logger *slog.Logger) *WebhookLog {
	return &WebhookLog{
		store: store, directory: directory, logger: logger, waiting: make(map[string]loggedDelivery), ofApp: make(map[string]int),
	}
}

// Add has a delivery of an app written down. A later one of the same id takes its place. It does not block.
func (l *WebhookLog) Add(appID string, sent Delivery) {
	view := l.directory.known(appID)
	if view == nil {
		return
	}
	sent.dropLongBody() // here already: a batch is much longer, and many may wait
	row := loggedDelivery{view.AccountID, appID, sent}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, waits := l.waiting[sent.ID]; !waits {
		if len(l.waiting) >= maxDeliveries || l.ofApp[appID] >= maxDeliveriesApp {
			return
		}
		l.order = append(l.order, sent.ID)
		l.ofApp[appID]++
	}
	l.waiting[sent.ID] = row
}

// take returns what waits, in the order in which it came.
func (l *WebhookLog) take() []loggedDelivery {
	l.mu.Lock()
	defer l.mu.Unlock()
	rows := make([]loggedDelivery, len(l.order))
	for i, id := range l.order {
		rows[i] = l.waiting[id]
	}
	clear(l.waiting)
	clear(l.ofApp)
	l.order = nil
	return rows
}

// Run writes each second until ctx ends, and then once more.
func (l *WebhookLog) Run(ctx context.Context) error {
	ticks := time.NewTicker(deliveryInterval)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			l.Flush(context.WithoutCancel(ctx))
			return nil
		case <-ticks.C:
			l.Flush(ctx)
		}
	}
}

// Flush writes what waits. What cannot be written is lost: nothing but a log depends on it.
func (l *WebhookLog) Flush(ctx context.Context) {
	for rows := l.take(); len(rows) > 0; {
		batch := rows[:min(deliveryRows, len(rows))]
		rows = rows[len(batch):]
		if err := l.store.writeDeliveries(ctx, batch); err != nil {
			l.logger.Warn("what was sent to webhooks cannot be written down", "deliveries", len(batch)+len(rows), "err", err)
			return
		}
	}
}
