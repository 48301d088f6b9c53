package tenant_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"halley/tenant"
)

// Six nodes start at once on an empty database.
func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			config := db.config(t)
			var nodes sync.WaitGroup
			for range 6 {
				nodes.Go(func() {
					s, err := tenant.Open(t.Context(), config)
					if err != nil {
						t.Error(err)
						return
					}
					defer s.Close()
					if err := s.Migrate(t.Context()); err != nil {
						t.Error(err)
					}
					if err := s.Ping(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			nodes.Wait()
			s := open(t, config)
			applied, err := s.Texts(t.Context(), `SELECT CAST(version_id AS text) FROM goose_db_version WHERE version_id > 0`)
			if err != nil || strings.Join(applied, " ") != "1 2 3 4" {
				t.Errorf("applied %v, %v; want each migration once", applied, err)
			}
		})
	}
}

func TestClaim(t *testing.T) {
	t.Parallel()
	config := databases()[0].config(t)
	first, second := open(t, config), open(t, config)
	release, err := first.Claim()
	must(t, err)
	if _, err := second.Claim(); !errors.Is(err, tenant.ErrInUse) || !strings.Contains(err.Error(), config.DataDir) {
		t.Errorf("second serve: %v, want ErrInUse with the folder", err)
	}
	newCustomer(t, second) // but an admin may work on it meanwhile
	must(t, release())
	release, err = second.Claim()
	if err != nil {
		t.Errorf("after the first has ended: %v", err)
	}
	must(t, release())
	shared := open(t, databases()[1].config(t))
	for range 2 {
		if _, err := shared.Claim(); err != nil {
			t.Errorf("with postgres: %v", err)
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]tenant.Config{
		"mysql": {URL: "mysql://host/db", DataDir: "x"}, "nothing": {}, "postgres without a key": {URL: "postgres://host/db"},
	} {
		var wrong *tenant.InvalidError
		if _, err := tenant.Open(t.Context(), config); !errors.As(err, &wrong) {
			t.Errorf("%s: %v, want an InvalidError", name, err)
		}
	}
	secret := "postgres://halley:hunter2@127.0.0.1:notaport/db"
	if _, err := tenant.Open(t.Context(), tenant.Config{URL: secret, DataDir: t.TempDir()}); err == nil ||
		strings.Contains(err.Error(), "hunter2") {
		t.Errorf("broken address: %v, want an error without the password", err)
	}
	closed := "postgres://halley@" + closedPort(t) + "/db?connect_timeout=1"
	if _, err := tenant.Open(t.Context(), tenant.Config{URL: closed, DataDir: t.TempDir()}); !errors.Is(err,
		tenant.ErrUnavailable) {
		t.Errorf("nobody listens: %v, want ErrUnavailable", err)
	}
	if _, err := tenant.Open(t.Context(), tenant.Config{DataDir: "/dev/null/x"}); err == nil {
		t.Error("a data folder that cannot be made: accepted")
	}
}

// closedPort returns an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

func TestStoreError(t *testing.T) {
	t.Parallel()
	state := func(code string) error { return fmt.Errorf("query: %w", &pgconn.PgError{Code: code}) }
	for _, test := range []struct {
		name string
		err  error
		want error // nil: stays as it is
	}{
		{"no rows", sql.ErrNoRows, tenant.ErrNotFound}, {"unique", state("23505"), tenant.ErrConflict},
		{"foreign key", state("23503"), tenant.ErrNoParent}, {"shutting down", state("57P01"), tenant.ErrUnavailable},
		{"too many connections", state("53300"), tenant.ErrUnavailable}, {"deadlock", state("40P01"), tenant.ErrUnavailable},
		{"lock", state("55P03"), tenant.ErrUnavailable}, {"connection", state("08006"), tenant.ErrUnavailable},
		{"syntax", state("42601"), nil}, {"deadline", context.DeadlineExceeded, tenant.ErrUnavailable},
		{"cancelled", context.Canceled, nil}, {"cut", io.ErrUnexpectedEOF, tenant.ErrUnavailable},
		{"network", &net.OpError{Op: "read", Err: errors.New("reset")}, tenant.ErrUnavailable},
		{"our own", tenant.ErrForbidden, nil}, {"other", errors.New("other"), nil},
	} {
		got := tenant.StoreError(test.err)
		if !errors.Is(got, test.err) {
			t.Errorf("%s: %v lost its cause", test.name, got)
		}
		for _, sentinel := range []error{tenant.ErrNotFound, tenant.ErrConflict, tenant.ErrNoParent, tenant.ErrUnavailable} {
			if errors.Is(got, sentinel) != (sentinel == test.want) {
				t.Errorf("%s: %v, want %v", test.name, got, test.want)
			}
		}
	}
	if tenant.StoreError(nil) != nil {
		t.Error("nil became an error")
	}
}

// A call that waits for a lock gives up at its caller's deadline.
func TestBusyDatabase(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, db.config(t))
			c := newCustomer(t, s)
			release, err := s.HoldAccount(t.Context(), c.accountID)
			must(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			began := time.Now()
			err = s.RenameAccount(ctx, c.scope, "other")
			if !errors.Is(err, tenant.ErrUnavailable) || time.Since(began) > 8*time.Second {
				t.Errorf("after %v: %v, want ErrUnavailable soon", time.Since(began), err)
			}
			release()
			if err := s.RenameAccount(t.Context(), c.scope, "other"); err != nil {
				t.Errorf("when the lock is free: %v", err)
			}
		})
	}
}
