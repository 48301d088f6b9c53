package tenant

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// queryDeadline bounds one transaction or query that has no shorter deadline of its own.
const queryDeadline = 5 * time.Second

// Config says where the data is. Either URL or DataDir must be set.
type Config struct {
	URL           string // postgres://…; empty: SQLite in DataDir
	DataDir       string // of the embedded store and of the generated master key; made if it is not there
	MasterKeyFile string // empty: master.key in DataDir
	// MasterKeys are used where no file is named and none is in DataDir: 32 bytes each, the first seals, all open. None: a file is made.
	MasterKeys [][]byte
	Logger     *slog.Logger
}

// Validate returns an *InvalidError for what cannot work.
func (c Config) Validate() error {
	if c.URL != "" && !strings.HasPrefix(c.URL, "postgres://") && !strings.HasPrefix(c.URL, "postgresql://") {
		return invalid("database", "the address begins with postgres://; left empty, an embedded store in the data folder is used")
	}
	if c.DataDir == "" && (c.URL == "" || c.MasterKeyFile == "") {
		return invalid("data-dir", "a data folder is needed for the embedded store and for the generated master key")
	}
	return nil
}

// Store is the database. Its methods are safe for concurrent use; each is one transaction.
type Store struct {
	db     *sql.DB
	engine engine
	seals  *sealer
	hashes *hasher
	logger *slog.Logger
	lock   string // path of the lock file of serve; empty where there is none

	madeKey string // path of the master key, if this process made it; else empty

	// changed is signalled when apps may have changed. It is for one Directory.
	changed chan struct{}
}

// engine is what the two databases do differently.
type engine interface {
	// migrate brings the schema up to date; safe while other processes do the same.
	migrate(ctx context.Context, db *sql.DB, logger *slog.Logger) error
	// announce tells the other processes, once tx is committed, that apps have changed.
	announce(ctx context.Context, tx *sql.Tx) error
	// listen calls heard for each announcement until ctx ends.
	listen(ctx context.Context, logger *slog.Logger, heard func())
	// now is the database's clock, in Unix milliseconds: the only one that all processes share.
	now(ctx context.Context, from queryRower) (int64, error)
	// identity returns what tells the database from every other.
	identity(ctx context.Context, db *sql.DB) (system, name string, err error)
	close() error
}

// queryRower is a database, or a transaction in it.
type queryRower interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Open opens the database and reads the master key, or makes it on the first start. It does not migrate.
func Open(ctx context.Context, config Config) (*Store, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if config.DataDir != "" {
		if err := os.MkdirAll(config.DataDir, 0o700); err != nil {
			return nil, fmt.Errorf("make the data folder: %w", err)
		}
	}
	seals, made, err := config.sealer()
	if err != nil {
		return nil, err
	}
	s := &Store{seals: seals, madeKey: made, hashes: newHasher(), logger: config.Logger, changed: make(chan struct{}, 1)}
	if config.URL != "" {
		s.db, s.engine, err = openPostgres(ctx, config.URL)
	} else {
		s.lock = filepath.Join(config.DataDir, "serve.lock")
		s.db, s.engine, err = openSQLite(ctx, config.DataDir)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// sealer reads the master keys from where the Config says. made is the file of the key, if that was made just now.
func (c Config) sealer() (seals *sealer, made string, err error) {
	if c.MasterKeyFile != "" {
		seals, err = openSealer(c.MasterKeyFile, false)
		return seals, "", err
	}
	generated := filepath.Join(c.DataDir, "master.key")
	if _, err := os.Stat(generated); errors.Is(err, fs.ErrNotExist) {
		if len(c.MasterKeys) > 0 {
			seals, err = newSealer(c.MasterKeys)
			return seals, "", err
		}
		made = generated
	}
	seals, err = openSealer(generated, true)
	return seals, made, err
}

// Migrate brings the schema up to date. Several processes may do it at once.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.engine.migrate(ctx, s.db, s.logger); err != nil {
		return fmt.Errorf("migrate the database: %w", storeError(err))
	}
	err := s.claimMasterKey(ctx)
	if errors.Is(err, ErrMasterKey) && s.madeKey != "" {
		_ = os.Remove(s.madeKey) // it sealed nothing, and would go before the right keys at the next start
	}
	return err
}

// Claim makes this process the one that serves from the data folder, until release is called or the process ends. The error is
// ErrInUse where another one does. With Postgres many may serve, so there is nothing to claim.
func (s *Store) Claim() (release func() error, err error) {
	if s.lock == "" {
		return func() error { return nil }, nil
	}
	lock, err := tryLock(s.lock)
	if errors.Is(err, ErrInUse) {
		return nil, fmt.Errorf("%w: another halley serves from %s; stop it, or give this one a --data-dir of its own",
			ErrInUse, filepath.Dir(s.lock))
	}
	if err != nil {
		return nil, err
	}
	return lock.Close, nil
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	return storeError(s.db.PingContext(ctx))
}

// Close closes the connections. Everything that uses the store must have ended.
func (s *Store) Close() error { return errors.Join(s.db.Close(), s.engine.close()) }

// nudge tells the directory of this process to look.
func (s *Store) nudge() {
	select {
	case s.changed <- struct{}{}:
	default: // it will look anyway
	}
}

func (s *Store) listen(ctx context.Context) { s.engine.listen(ctx, s.logger, s.nudge) }

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// collect reads all rows of a query.
func collect[T any](ctx context.Context, q querier, scan func(scan func(...any) error) (T, error), query string,
	args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, storeError(err)
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		item, err := scan(rows.Scan)
		if err != nil {
			return nil, storeError(err)
		}
		list = append(list, item)
	}
	return list, storeError(rows.Err())
}

// text reads a row of one text column.
func text(scan func(...any) error) (value string, err error) {
	err = scan(&value)
	return value, err
}

// millis is how times are stored; the zero time, which stands for never, as 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// bit is how booleans are stored.
func bit(value bool) int64 {
	if value {
		return 1
	}
	return 0
}
