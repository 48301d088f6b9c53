package tenant

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"

	"github.com/pressly/goose/v3"

	"halley/migrations"
)

// sqliteConnections bounds readers; writers take turns.
const sqliteConnections = 8

// sqliteEngine is the embedded store. Other processes (halley admin) are noticed by the directory's sweep.
type sqliteEngine struct {
	lock string // path of the file that those who migrate lock
}

// openSQLite opens the database in the folder. What it asks of SQLite: a write-ahead log, so that readers never wait; commits
// that survive a loss of power; foreign keys; transactions that write from their first statement, so that two never wait for
// each other.
func openSQLite(ctx context.Context, folder string) (*sql.DB, engine, error) {
	address := url.URL{
		Scheme: "file", Opaque: (&url.URL{Path: filepath.Join(folder, "halley.db")}).EscapedPath(),
		RawQuery: "_busy_timeout=5000&_foreign_keys=on&_journal_mode=WAL&_synchronous=FULL&_txlock=immediate",
	}
	db, err := sql.Open("sqlite", address.String())
	if err != nil {
		return nil, nil, fmt.Errorf("open the embedded store: %w", err)
	}
	db.SetMaxOpenConns(sqliteConnections)
	db.SetMaxIdleConns(sqliteConnections)
	e := &sqliteEngine{lock: filepath.Join(folder, "migrate.lock")}
	// The first connection changes the journal's mode, which two processes must not do at once.
	if err := e.alone(ctx, func() error { return db.PingContext(ctx) }); err != nil {
		_ = db.Close()
		return nil, nil, fmt.Errorf("open the embedded store: %w", storeError(err))
	}
	return db, e, nil
}

func (e *sqliteEngine) migrate(ctx context.Context, db *sql.DB, logger *slog.Logger) error {
	return e.alone(ctx, func() error {
		return migrate(ctx, goose.DialectSQLite3, db, migrations.SQLite(), logger)
	})
}

// alone runs do while no other process runs it.
func (e *sqliteEngine) alone(ctx context.Context, do func() error) error {
	lock, err := waitLock(ctx, e.lock)
	if err != nil {
		return err
	}
	defer lock.Close()
	return do()
}

func (e *sqliteEngine) announce(context.Context, *sql.Tx) error { return nil }

func (e *sqliteEngine) listen(context.Context, *slog.Logger, func()) {}

func (e *sqliteEngine) close() error { return nil }
