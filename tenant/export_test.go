package tenant

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"halley/pushnode/channel"
)

// LoginAs makes a login without a password.
func LoginAs(userID string) Login {
	return Login{userID: userID, client: Client{IP: "192.0.2.1", RequestID: "req_test"}}
}

// Exec runs a statement on the store's database.
func (s *Store) Exec(ctx context.Context, query string, args ...any) error {
	_, err := s.db.ExecContext(ctx, query, args...)
	return storeError(err)
}

// Texts reads a column of text.
func (s *Store) Texts(ctx context.Context, query string, args ...any) ([]string, error) {
	return collect(ctx, s.db, text, query, args...)
}

// SealPlaced seals and OpenPlaced opens for a place.
func (s *Store) SealPlaced(secret []byte, tenant, table, row string) []byte {
	return s.seals.seal(secret, place(tenant, table, row))
}

func (s *Store) OpenPlaced(sealed []byte, tenant, table, row string) ([]byte, error) {
	return s.seals.open(sealed, place(tenant, table, row))
}

// LoadElsewhere reads what other processes used.
func (m *Meter) LoadElsewhere(ctx context.Context, now time.Time) { m.loadElsewhere(ctx, now) }

// Spans counts the spans of an app that the meter holds in memory.
func (m *Meter) Spans(appID string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.records[appID]; r != nil {
		return len(r.spans)
	}
	return 0
}

// Known returns how many apps the directory holds.
func (d *Directory) Known() int { return int(d.count.Load()) }

// WriteUsed writes the keys' last use.
func (d *Directory) WriteUsed(ctx context.Context) { d.writeUsed(ctx) }

// The unexported rules of names, errors and hashes that in-package tables judge.
var (
	TooMany    = tooMany
	Leaves     = leaves
	StoreError = storeError
)

// Dump returns every value of a table, one after the other.
func (s *Store) Dump(ctx context.Context, table string) (all []byte, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT * FROM "+table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		values := make([]sql.RawBytes, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		for _, value := range values {
			all = append(append(all, value...), '\n')
		}
	}
	return all, rows.Err()
}

// HoldAccount locks an account's row until release is called.
func (s *Store) HoldAccount(ctx context.Context, accountID string) (release func(), err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, sqlHoldAccount, accountID); err != nil {
		return nil, err
	}
	return func() { _ = tx.Rollback() }, nil
}

// Elsewhere opens the same database again, as another process does.
func (s *Store) Elsewhere(t testing.TB, logger *slog.Logger) *Store {
	t.Helper()
	other, err := Open(t.Context(), s.config(t, logger))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	return other
}

func (s *Store) config(t testing.TB, logger *slog.Logger) Config {
	if e, ok := s.engine.(*postgresEngine); ok {
		// A master key of its own does: what is changed here is not sealed.
		return Config{URL: e.pool.Config().ConnString(), DataDir: t.TempDir(), Logger: logger}
	}
	return Config{DataDir: filepath.Dir(s.lock), Logger: logger}
}

// Holds reports whether an app is in memory.
func (d *Directory) Holds(appID string) bool { return d.known(appID) != nil }

// ViewWithRules makes a view of an app with rules.
func ViewWithRules(rules ...channel.Rule) *AppView {
	view := &AppView{ID: "app_test", Limits: DefaultLimits(), rules: rules}
	for i := range view.rules {
		view.rules[i].Retention = channel.DefaultRetention
	}
	byPrefix(view.rules)
	return view
}

// MaxKnown is how many apps a directory holds.
const MaxKnown = maxKnown

// PretendKnown makes the directory count that many apps.
func (d *Directory) PretendKnown(count int64) { d.count.Store(count) }

// ForgetApp deletes an app from the database as no statement of the package does: with its row.
func (s *Store) ForgetApp(ctx context.Context, appID string) error {
	for _, table := range []string{"usage_ledger", "app_limits", "app_keys", "apps"} {
		if err := s.Exec(ctx, "DELETE FROM "+table+" WHERE app_id = $1", appID); err != nil {
			return err
		}
	}
	return nil
}

// ParsePHC reads a password's hash.
func ParsePHC(text string) error {
	_, _, err := parsePHC(text)
	return err
}

// Sweep loads what changed, as Run does every second.
func (d *Directory) Sweep(ctx context.Context) { d.sweep(ctx) }

// HeldBytes is what bodies take in memory that wait to be written.
func (l *WebhookLog) HeldBytes() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := 0
	for _, row := range l.waiting {
		held += len(row.Body)
	}
	return held
}
