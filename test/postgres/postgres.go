// Package postgres gives tests a real Postgres.
//
// The server is the one that $HALLEY_TEST_DATABASE_URL names; else one that this package starts from the server programs on PATH,
// in Debian's versioned folders or, where apt-get and root allow, of Debian's package. There is one such server per test process,
// started by the first test that asks, and it ends with the process, however that ends. Tables are the caller's affair.
// Start at URL; at Start for a server that a test may stop.
package postgres

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Variable names the environment variable that holds the URL of a server to use, postgres://…, with a user that may create
// databases.
const Variable = "HALLEY_TEST_DATABASE_URL"

// patience bounds one statement on the server.
const patience = 30 * time.Second

// URL returns the URL of a fresh, empty database, which is dropped when the test is over. Where no Postgres is to be had, the
// test fails with a line that says what to do.
func URL(tb testing.TB) string {
	tb.Helper()
	server, err := serverURL()
	if err != nil {
		tb.Fatalf("postgres: %v", err)
	}
	database, name, err := create(server)
	if err != nil {
		tb.Fatalf("postgres: %v", err)
	}
	tb.Cleanup(func() {
		if err := execute(server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			tb.Errorf("postgres: %v", err)
		}
	})
	return database
}

// serverURL returns the URL of the server that the tests of this process share.
func serverURL() (string, error) {
	if given := os.Getenv(Variable); given != "" {
		if !strings.HasPrefix(given, "postgres://") && !strings.HasPrefix(given, "postgresql://") {
			return "", fmt.Errorf("$%s must be a URL, postgres://…", Variable)
		}
		return given, nil
	}
	c, err := shared()
	if err != nil {
		return "", err
	}
	return c.url(), nil
}

// shared starts the server at the first call. It keeps the cluster itself: were only the URL kept, the garbage collector would
// close the pipe to the watchdog, which ends the server.
var shared = sync.OnceValues(newCluster)

// create makes an empty database on the server and returns its URL and name.
func create(server string) (database, name string, err error) {
	name = "halley_test_" + strings.ToLower(rand.Text())
	if err := execute(server, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		return "", "", err
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", "", fmt.Errorf("parse the server's URL: %w", err)
	}
	u.Path = "/" + name
	return u.String(), name, nil
}

// execute runs one statement on a connection of its own.
func execute(server, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}
