package tenant

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// How the meter works with the ledger.
const (
	flushInterval     = 10 * time.Second // DESIGN 8: what a killed process may lose
	elsewhereInterval = time.Minute      // how old the figures of other processes may be
	purgeInterval     = time.Hour        // between two clearings of what has ended
	finalFlush        = 5 * time.Second  // at shutdown
	flushRows         = 250              // of one statement: 11 parameters each
)

// Meter counts what apps use and brings it to the ledger. Run must run for that; the counting itself needs nothing.
type Meter struct {
	// immutable after NewMeter
	store     *Store
	directory *Directory
	node      string
	logger    *slog.Logger

	apps      sync.Map                          // app id -> *Counters
	elsewhere atomic.Pointer[map[string]Values] // app id -> this month's values of other processes; replaced as a whole

	flushing sync.Mutex // one flush at a time; taken before mu
	mu       sync.Mutex
	records  map[string]*record // app id -> guarded by mu
	failing  bool               // the last flush did: guarded by flushing
}

// NewMeter makes a meter for one process life, which instance names: the ledger has its rows apart from all others.
func NewMeter(store *Store, directory *Directory, instance uint64, logger *slog.Logger) *Meter {
	m := &Meter{
		store: store, directory: directory, node: strconv.FormatUint(instance, 36), logger: logger, records: make(map[string]*record),
	}
	m.elsewhere.Store(&map[string]Values{})
	return m
}

// App returns the counters of an app. They stay the same for the life of the process.
func (m *Meter) App(appID string) *Counters {
	if found, ok := m.apps.Load(appID); ok {
		return found.(*Counters)
	}
	found, _ := m.apps.LoadOrStore(appID, newCounters((*m.elsewhere.Load())[appID]))
	return found.(*Counters)
}

// Totals iterates over the apps that this process has counted for, in no order, with what it counted for each since it began. The peak is
// left out.
func (m *Meter) Totals() iter.Seq2[string, Values] {
	return func(yield func(string, Values) bool) {
		m.apps.Range(func(id, counters any) bool { return yield(id.(string), counters.(*Counters).totals()) })
	}
}

// Current is what an app uses now.
type Current struct {
	Month       Values    // this calendar month in UTC; the peak is the present number of connections
	Connections int64     // open now, on this node
	Resets      time.Time // when the month ends
}

// Current returns what an app used this month, with what is not in the ledger yet. It does not ask the database; what other nodes
// counted may be a minute old.
func (m *Meter) Current(appID string, now time.Time) Current {
	counters := m.App(appID)
	return Current{Month: counters.month(), Connections: counters.connections.Load(), Resets: PeriodMonth.next(now)}
}

// Run flushes every ten seconds until ctx ends, and then once more. Now and then it also clears the database of what has ended.
func (m *Meter) Run(ctx context.Context) error {
	m.loadElsewhere(ctx, time.Now())
	loaded, purged := time.Now(), time.Now()
	for {
		now := time.Now()
		// Aligned to the clock, so that what is collected belongs to the minute that ends.
		timer := time.NewTimer(now.Truncate(flushInterval).Add(flushInterval).Sub(now))
		select {
		case <-ctx.Done():
			timer.Stop()
			return m.close(context.WithoutCancel(ctx))
		case now = <-timer.C:
		}
		_ = m.Flush(ctx, now.Add(-time.Millisecond)) // it is logged, and what was not written waits
		if now.Sub(loaded) >= elsewhereInterval {
			m.loadElsewhere(ctx, now)
			loaded = now
		}
		if now.Sub(purged) >= purgeInterval {
			m.purge(ctx, now)
			purged = now
		}
	}
}

func (m *Meter) purge(ctx context.Context, now time.Time) {
	if err := m.store.Purge(ctx, now); err != nil {
		m.logger.Warn("what has ended cannot be cleared from the database", "err", err)
	}
}

func (m *Meter) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, finalFlush)
	defer cancel()
	return m.Flush(ctx, time.Now())
}

// Flush writes to the ledger what it does not have. Rows hold absolute values, so a flush whose outcome is not known is repeated
// without harm. What cannot be written waits for the next flush.
func (m *Meter) Flush(ctx context.Context, now time.Time) error {
	m.flushing.Lock()
	defer m.flushing.Unlock()
	rows := m.collect(now)
	var failure error
	for len(rows) > 0 {
		batch := rows[:min(flushRows, len(rows))]
		rows = rows[len(batch):]
		if err := m.write(ctx, batch); err != nil {
			failure = err
			break
		}
		m.written(batch)
	}
	m.report(failure)
	return failure
}

// write writes a batch; where one row refers to an app that is no more, the others are still written.
func (m *Meter) write(ctx context.Context, batch []ledgerRow) error {
	err := m.store.writeLedger(ctx, batch)
	if !errors.Is(err, ErrNoParent) {
		return err
	}
	for i := range batch {
		err := m.store.writeLedger(ctx, batch[i:i+1])
		if errors.Is(err, ErrNoParent) {
			m.logger.Error("usage of an app that is not in the database is dropped", "app", batch[i].appID, "err", err)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// report logs when the ledger is lost and when it is back, not each failure between.
func (m *Meter) report(failure error) {
	switch {
	case failure != nil && !m.failing:
		m.logger.Warn("usage cannot be written and waits", "err", failure)
	case failure == nil && m.failing:
		m.logger.Info("usage is written again")
	}
	m.failing = failure != nil
}

// collect brings the counters into their records and returns the rows that the ledger does not have.
func (m *Meter) collect(now time.Time) []ledgerRow {
	m.mu.Lock()
	defer m.mu.Unlock()
	var rows []ledgerRow
	m.apps.Range(func(key, value any) bool {
		r := m.recordLocked(key.(string), value.(*Counters))
		r.collect(now)
		if r.accountID == "" {
			return true
		}
		for span, kept := range r.spans {
			if kept.dirty {
				rows = append(rows, ledgerRow{r.accountID, key.(string), span, m.node, kept.values})
			}
		}
		return true
	})
	return rows
}

func (m *Meter) recordLocked(appID string, counters *Counters) *record {
	r := m.records[appID]
	if r == nil {
		r = &record{counters: counters, spans: make(map[span]*spanValues)}
		m.records[appID] = r
	}
	if r.accountID == "" {
		if view := m.directory.known(appID); view != nil {
			r.accountID = view.AccountID
		}
	}
	return r
}

func (m *Meter) written(batch []ledgerRow) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, row := range batch {
		m.records[row.appID].written(row.span, row.values)
	}
}

// loadElsewhere learns what other processes used this month.
func (m *Meter) loadElsewhere(ctx context.Context, now time.Time) {
	totals, err := m.store.monthElsewhere(ctx, PeriodMonth.start(now), m.node)
	if err != nil {
		m.logger.Warn("usage of other nodes cannot be read", "err", err)
		return
	}
	m.elsewhere.Store(&totals)
	m.apps.Range(func(key, value any) bool {
		values := totals[key.(string)]
		value.(*Counters).elsewhere.Store(&values)
		return true
	})
}
