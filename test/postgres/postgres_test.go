package postgres_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"halley/test/leak"
	"halley/test/postgres"
)

// victim names the environment variable that makes this test binary a process to be killed, see TestServerDiesWithItsProcess.
const victim = "HALLEY_TEST_POSTGRES_VICTIM"

func TestMain(m *testing.M) { leak.Main(m) }

func TestURLIsFreshAndEmpty(t *testing.T) {
	for range 2 {
		conn := connect(t, postgres.URL(t))
		var tables int
		query := "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
		if err := conn.QueryRow(t.Context(), query).Scan(&tables); err != nil || tables != 0 {
			t.Fatalf("a fresh database has %d tables, error %v", tables, err)
		}
		if _, err := conn.Exec(t.Context(), "CREATE TABLE t (id bigint PRIMARY KEY)"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestURLIsDroppedWithItsTest(t *testing.T) {
	var database string
	t.Run("user", func(t *testing.T) { database = postgres.URL(t) })

	conn, err := pgx.Connect(t.Context(), database)
	if err == nil {
		conn.Close(t.Context())
		t.Error("the database outlived its test")
	}
}

func TestSharedServerOutlivesGarbageCollections(t *testing.T) {
	conn := connect(t, postgres.URL(t))
	for range 3 { // what is found unreachable by one is closed after it, by a finalizer
		runtime.GC()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	// Nothing is notified here: the connection stays quiet until the time is over, unless the server ends.
	if _, err := conn.WaitForNotification(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the connection broke: %v", err)
	}
}

func TestServerKeepsItsDataOverAStop(t *testing.T) {
	server := postgres.Start(t)
	database := server.URL()
	if _, err := connect(t, database).Exec(t.Context(), "CREATE TABLE kept (id bigint)"); err != nil {
		t.Fatal(err)
	}

	server.Stop()
	if conn, err := pgx.Connect(t.Context(), database); err == nil {
		conn.Close(t.Context())
		t.Fatal("a stopped server takes connections")
	}
	server.Restart()
	if _, err := connect(t, database).Exec(t.Context(), "INSERT INTO kept VALUES (1)"); err != nil {
		t.Errorf("after the restart: %v", err)
	}
}

func TestGivenServerIsUsed(t *testing.T) {
	use := func(server string) ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestURLIsFreshAndEmpty$")
		cmd.Env = append(os.Environ(), postgres.Variable+"="+server)
		return cmd.CombinedOutput()
	}
	if output, err := use(postgres.Start(t).URL()); err != nil {
		t.Errorf("on a good server: %v\n%s", err, output)
	}
	if output, err := use("postgres://nobody@127.0.0.1:1/none"); err == nil {
		t.Errorf("a server that is not there was replaced by another:\n%s", output)
	}
}

func TestServerDiesWithItsProcess(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVictim$")
	cmd.Env = append(os.Environ(), victim+"=1")
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	folder := announced(t, bufio.NewScanner(output))
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() // the error says that it was killed

	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for deadline := time.After(20 * time.Second); ; {
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			return
		}
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatalf("the server's folder %s outlived its killed process", folder)
		}
	}
}

// TestVictim starts a server, tells its folder and waits to be killed, when it runs in a process of its own.
func TestVictim(t *testing.T) {
	if os.Getenv(victim) == "" {
		return
	}
	u, err := url.Parse(postgres.Start(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("folder=%s\n", u.Query().Get("host"))
	select {
	case <-t.Context().Done():
	case <-time.After(time.Minute):
		t.Fatal("nobody killed this process")
	}
}

// announced returns the folder that the victim tells.
func announced(t *testing.T, lines *bufio.Scanner) string {
	t.Helper()
	for lines.Scan() {
		if folder, ok := strings.CutPrefix(lines.Text(), "folder="); ok {
			return folder
		}
	}
	t.Fatal("the victim ended without telling its folder")
	return ""
}

// connect opens a connection that closes with the test.
func connect(t *testing.T, database string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(t.Context()) })
	return conn
}
