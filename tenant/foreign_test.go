package tenant_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"halley/tenant"
	"halley/test/postgres"
)

// foreignExec runs a statement in a database that is no store.
func foreignExec(t *testing.T, address, statement string) {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), address)
	must(t, err)
	defer connection.Close(t.Context())
	_, err = connection.Exec(t.Context(), statement)
	must(t, err)
}

// TestForeignApps reads soketi's table as its documentation makes it.
func TestForeignApps(t *testing.T) {
	t.Parallel()
	address := postgres.URL(t)
	if _, err := tenant.ForeignApps(t.Context(), address); err == nil || !strings.Contains(err.Error(), "table apps") {
		t.Errorf("no such table: %v", err)
	}
	foreignExec(t, address, `CREATE TABLE apps (id varchar(255) PRIMARY KEY, "key" varchar(255) NOT NULL,
		secret varchar(255) NOT NULL, max_connections integer NOT NULL, enable_client_messages smallint NOT NULL, webhooks json)`)
	if rows, err := tenant.ForeignApps(t.Context(), address); err != nil || rows != "" {
		t.Errorf("an empty table: %q, %v", rows, err)
	}
	foreignExec(t, address, `INSERT INTO apps VALUES ('1', 'k', 's', 200, 1, '[]'), ('2', 'l', 's', -1, 0, NULL)`)
	rows, err := tenant.ForeignApps(t.Context(), address)
	want := `{"id":"1","key":"k","secret":"s","max_connections":200,"enable_client_messages":1,"webhooks":[]}` + "\n" +
		`{"id":"2","key":"l","secret":"s","max_connections":-1,"enable_client_messages":0,"webhooks":null}`
	if err != nil || rows != want {
		t.Errorf("got %s, %v; want %s", rows, err, want)
	}
	var wrong *tenant.InvalidError
	if _, err := tenant.ForeignApps(t.Context(), "postgres://u:hunter2@127.0.0.1:notaport/db"); !errors.As(err, &wrong) ||
		strings.Contains(err.Error(), "hunter2") {
		t.Errorf("broken address: %v, want it without the password", err)
	}
	closed := "postgres://u:hunter2@" + closedPort(t) + "/db"
	if _, err := tenant.ForeignApps(t.Context(), closed); !errors.Is(err, tenant.ErrUnavailable) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("nobody listens: %v, want ErrUnavailable without the password", err)
	}
}
