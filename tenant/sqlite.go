package tenant

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"

	"halley/migrations"
)

// sqliteConnections bounds readers; writers take turns.
const sqliteConnections = 8

// databaseFile is the embedded store's name in the data folder.
const databaseFile = "halley.db"

// HasEmbedded reports whether there is an embedded store in the folder, for those who must not make one.
func HasEmbedded(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, databaseFile))
	return !errors.Is(err, fs.ErrNotExist)
}

// sqliteEngine is the embedded store. Other processes (halley admin) are noticed by the directory's sweep.
type sqliteEngine struct {
	lock string // path of the file that those who migrate lock
}

// openSQLite opens the database in the folder. What it asks of SQLite: a write-ahead log, so that readers never wait; commits
// that survive a loss of power; foreign keys; transactions that write from their first statement, so that two never wait for
// each other.
func openSQLite(ctx context.Context, folder string) (*sql.DB, engine, error) {
	path := filepath.Join(folder, databaseFile)
	address := url.URL{
		Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(),
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
	first := func() error { return errors.Join(keepToOneself(path), db.PingContext(ctx)) }
	if err := e.alone(ctx, first); err != nil {
		_ = db.Close()
		return nil, nil, fmt.Errorf("open the embedded store: %w", storeError(err))
	}
	return db, e, nil
}

// keepToOneself makes the database's files readable by their owner alone, whatever the mode of the folder: it may have been there
// before, for others to read, and the files from a version that left their mode to the umask. The log and its index, which SQLite
// makes when it needs them, get the mode of the database.
func keepToOneself(path string) error {
	// Never opened where it exists: to close it again would end the locks that another store of this process holds on it.
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		return file.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			if err := os.Chmod(name, 0o600); err != nil {
				return fmt.Errorf("others can read it: %w", err)
			}
		}
	}
	return nil
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

func (e *sqliteEngine) identity(context.Context, *sql.DB) (system, name string, err error) {
	return "", "", nil
}

func (e *sqliteEngine) close() error { return nil }

// now is the clock of the machine: no process of another one has the file.
func (*sqliteEngine) now(context.Context, queryRower) (int64, error) {
	return time.Now().UnixMilli(), nil
}
