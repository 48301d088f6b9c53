package tenant

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// What callers branch on. Every error of the package wraps one of these, context.Canceled, an *InvalidError, or is a fault of
// the database that nothing can be done about.
var (
	// ErrNotFound: it does not exist, or belongs to another account: the two are not told apart.
	ErrNotFound = errors.New("not found")
	// ErrConflict: there is one of that name or address already.
	ErrConflict = errors.New("exists already")
	// ErrNoParent: what it refers to does not exist.
	ErrNoParent = errors.New("refers to something that does not exist")
	// ErrForbidden: the role does not allow it.
	ErrForbidden = errors.New("not allowed")
	// ErrUnavailable: the database does not answer. Trying again later helps.
	ErrUnavailable = errors.New("database unavailable")
	// ErrInUse: another process serves from the same data folder.
	ErrInUse = errors.New("data folder in use")
)

// InvalidError says which field of a form or flag is wrong, in one sentence for the person who filled it in.
type InvalidError struct {
	Field  string // "name", "email", "origins" …
	Reason string
}

// Error is the field and the reason.
func (e *InvalidError) Error() string { return e.Field + ": " + e.Reason }

func invalid(field, format string, arguments ...any) error {
	return &InvalidError{Field: field, Reason: fmt.Sprintf(format, arguments...)}
}

// SQLite's extended result codes (sqlite3.h).
const (
	sqliteBusy       = 5
	sqliteIOError    = 10
	sqliteFull       = 13
	sqliteCantOpen   = 14
	sqlitePrimaryKey = 1555
	sqliteUnique     = 2067
	sqliteForeignKey = 787
)

// storeError maps what a driver says onto the sentinels. It is the only such mapping. The driver's words stay in the chain for
// the log.
func storeError(err error) error {
	if err == nil {
		return nil
	}
	if sentinel := sentinelOf(err); sentinel != nil && !errors.Is(err, sentinel) {
		return fmt.Errorf("%w: %w", sentinel, err)
	}
	return err
}

func sentinelOf(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	var postgres *pgconn.PgError
	if errors.As(err, &postgres) {
		return postgresSentinel(postgres.Code)
	}
	var embedded *sqlite.Error
	if errors.As(err, &embedded) {
		return sqliteSentinel(embedded.Code())
	}
	var network net.Error
	var connect *pgconn.ConnectError
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &connect) || errors.As(err, &network) || brokenConnection(err) {
		return ErrUnavailable
	}
	return nil
}

// brokenConnection reports whether a connection was lost or was not usable any more.
func brokenConnection(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || pgconn.SafeToRetry(err)
}

// postgresSentinel judges a SQLSTATE: appendix A of Postgres' manual.
func postgresSentinel(state string) error {
	switch {
	case state == "23505":
		return ErrConflict
	case state == "22021": // an id with bytes that no text can hold, so no row has it: what is stored was checked before
		return ErrNotFound
	case state == "23503":
		return ErrNoParent
	case strings.HasPrefix(state, "08"), // connection
		strings.HasPrefix(state, "57"), // operator intervention: shutting down, starting up, statement time-out
		strings.HasPrefix(state, "53"), // insufficient resources
		strings.HasPrefix(state, "40"), // serialization, deadlock: may be tried again
		state == "55P03":               // lock not available
		return ErrUnavailable
	}
	return nil
}

func sqliteSentinel(code int) error {
	switch code {
	case sqlitePrimaryKey, sqliteUnique:
		return ErrConflict
	case sqliteForeignKey:
		return ErrNoParent
	}
	switch code & 0xff { // the primary code
	case sqliteBusy, sqliteIOError, sqliteFull, sqliteCantOpen:
		return ErrUnavailable
	}
	return nil
}
