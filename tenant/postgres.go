package tenant

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"halley/migrations"
)

// How Halley uses Postgres.
const (
	postgresConnections = 12
	connectDeadline     = 3 * time.Second
	listenRetry         = time.Second      // before the first new attempt; then longer, with jitter
	listenRetryMost     = 10 * time.Second //
	listenCheck         = 30 * time.Second // a connection that heard nothing for so long is asked whether it lives
	migrateLockSeconds  = 120              // how long one process waits for another's migration
	channelName         = "halley_changes" // of LISTEN
)

// The statements of announcing. They name no table.
const (
	sqlNotify = `SELECT pg_notify('halley_changes', '')`
	sqlListen = `LISTEN ` + channelName
)

const sqlIdentity = `SELECT system_identifier, current_database() FROM pg_control_system()`

// sqlNow names no table either.
const sqlNow = `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint`

// postgresEngine is Postgres, shared by all nodes.
type postgresEngine struct {
	pool *pgxpool.Pool
}

func openPostgres(ctx context.Context, address string) (*sql.DB, engine, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, nil, invalid("database", "%v", err) // pgx leaves the password out
	}
	config.MaxConns = postgresConnections
	config.ConnConfig.ConnectTimeout = connectDeadline
	config.MaxConnLifetime = time.Hour
	config.MaxConnLifetimeJitter = 5 * time.Minute
	// The server ends what we have given up on, so that it does not hold locks.
	config.ConnConfig.RuntimeParams["statement_timeout"] = strconv.FormatInt(2*queryDeadline.Milliseconds(), 10)
	config.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = config.ConnConfig.RuntimeParams["statement_timeout"]
	config.ConnConfig.RuntimeParams["application_name"] = "halley"
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, nil, fmt.Errorf("open the database: %w", storeError(err))
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, nil, fmt.Errorf("open the database: %w", storeError(err))
	}
	return stdlib.OpenDBFromPool(pool), &postgresEngine{pool: pool}, nil
}

func (e *postgresEngine) migrate(ctx context.Context, db *sql.DB, logger *slog.Logger) error {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, migrateLockSeconds))
	if err != nil {
		return err
	}
	return migrate(ctx, goose.DialectPostgres, db, migrations.Postgres(), logger, goose.WithSessionLocker(locker))
}

func (e *postgresEngine) announce(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, sqlNotify)
	return err
}

// listen keeps one connection that listens, and makes another when it is lost. What is announced meanwhile is found by the sweep.
func (e *postgresEngine) listen(ctx context.Context, logger *slog.Logger, heard func()) {
	wait := listenRetry
	for ctx.Err() == nil {
		began := time.Now()
		err := e.listenOnce(ctx, heard)
		if ctx.Err() != nil {
			return
		}
		logger.Debug("the connection that listens was lost", "err", err)
		if time.Since(began) > listenCheck {
			wait = listenRetry
		}
		timer := time.NewTimer(wait/2 + rand.N(wait/2))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		wait = min(2*wait, listenRetryMost)
	}
}

func (e *postgresEngine) listenOnce(ctx context.Context, heard func()) error {
	connecting, cancel := context.WithTimeout(ctx, connectDeadline)
	defer cancel()
	conn, err := pgx.ConnectConfig(connecting, e.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer closeConnection(ctx, conn)
	if _, err := conn.Exec(connecting, sqlListen); err != nil {
		return err
	}
	for {
		heard() // also at first: something may have changed while nobody listened
		if err := waitForNotification(ctx, conn); err != nil {
			return err
		}
	}
}

// waitForNotification waits until something is announced or it is time to look anyway; a connection that does not answer then is
// an error.
func waitForNotification(ctx context.Context, conn *pgx.Conn) error {
	waiting, cancel := context.WithTimeout(ctx, listenCheck)
	defer cancel()
	_, err := conn.WaitForNotification(waiting)
	if err == nil || ctx.Err() != nil || waiting.Err() == nil {
		return err
	}
	checking, cancel := context.WithTimeout(ctx, connectDeadline)
	defer cancel()
	return conn.Ping(checking)
}

func closeConnection(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}

func (e *postgresEngine) identity(ctx context.Context, db *sql.DB) (system, name string, err error) {
	err = db.QueryRowContext(ctx, sqlIdentity).Scan(&system, &name)
	return system, name, err
}

func (e *postgresEngine) close() error {
	e.pool.Close()
	return nil
}

func (*postgresEngine) now(ctx context.Context, from queryRower) (now int64, err error) {
	err = from.QueryRowContext(ctx, sqlNow).Scan(&now)
	return now, err
}
