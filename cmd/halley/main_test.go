package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"halley/test/leak"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) {
	code := leak.Run(m)
	removeBinary()
	os.Exit(code)
}

// patience is far more than anything here takes.
const patience = 60 * time.Second

// result is what a command line came to.
type result struct {
	code           int
	stdout, stderr string
}

// execute runs a command line in this process.
func execute(arguments ...string) result {
	var stdout, stderr bytes.Buffer
	code := run(arguments, process{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr})
	return result{code: code, stdout: stdout.String(), stderr: stderr.String()}
}

// parse reads a command line without running it.
func parse(t *testing.T, arguments ...string) (*commands, error) {
	t.Helper()
	grammar := &commands{}
	var out bytes.Buffer
	parser, err := newParser(grammar, process{ctx: context.Background(), stdout: &out, stderr: &out}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(arguments)
	return grammar, err
}

// write makes a file in a folder of the test and returns its name.
func write(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// The help is the reference: what it says is pinned, so that a change is seen.
func TestHelp(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	for _, command := range []string{
		"", "serve", "migrate", "admin", "admin create-app", "admin import-pusher", "admin set-pusher", "admin add-webhook", "admin set-rule", "admin set-limit", "admin list-apps",
		"admin nodes", "admin bury-node",
		"publish", "subscribe", "token", "verify", "bench", "version",
	} {
		t.Run(command, func(t *testing.T) {
			got := execute(append(strings.Fields(command), "--help")...)
			if got.code != exitOK || got.stderr != "" {
				t.Fatalf("exit code %d: %s", got.code, got.stderr)
			}
			golden := filepath.Join("testdata", "help", strings.ReplaceAll("halley "+command, " ", "-")+".txt")
			golden = strings.Replace(golden, "-.txt", ".txt", 1)
			if *update {
				if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(golden, []byte(got.stdout), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got.stdout != string(want) {
				t.Errorf("%s has changed (go test -update rewrites it):\n%s", golden, got.stdout)
			}
		})
	}
}

func TestExitCodes(t *testing.T) {
	t.Setenv("HALLEY_KEY", "")
	tests := []struct {
		name      string
		arguments []string
		code      int
		stderr    string // is in it
	}{
		{"nothing", nil, exitUsage, "expected one of"},
		{"no such command", []string{"fly"}, exitUsage, "fly"},
		{"no such flag", []string{"serve", "--fast"}, exitUsage, "--fast"},
		{"an argument too many", []string{"version", "please"}, exitUsage, "please"},
		{"no such level", []string{"--log-level", "loud", "version"}, exitUsage, "--log-level"},
		{"half a certificate", []string{"serve", "--tls-cert", "a.pem"}, exitUsage, "--tls-cert and --tls-key go together"},
		{"two certificates", []string{"serve", "--tls-cert", "a", "--tls-key", "b", "--acme-domain", "a.example"}, exitUsage, "exclude"},
		{"no port", []string{"serve", "--listen", "8080"}, exitUsage, "--listen"},
		{"no such port", []string{"serve", "--listen", ":80800"}, exitUsage, "--listen"},
		{"no such operator's port", []string{"serve", "--admin-listen", "here"}, exitUsage, "--admin-listen"},
		{"a public path", []string{"serve", "--public-url", "https://example.com/push"}, exitUsage, "--public-url"},
		{"no public scheme", []string{"serve", "--public-url", "example.com"}, exitUsage, "--public-url"},
		{"no network", []string{"serve", "--trusted-proxies", "10.0.0.1"}, exitUsage, "--trusted-proxies"},
		{"nobody gets mail", []string{"serve", "--confirm-mail"}, exitUsage, "--smtp-host"},
		{"nobody sends mail", []string{"serve", "--smtp-host", "mail"}, exitUsage, "--mail-from"},
		{"a negative drain", []string{"serve", "--drain-timeout", "-1s"}, exitUsage, "--drain-timeout"},
		{"a negative cap", []string{"serve", "--max-connections", "-1"}, exitUsage, "--max-connections"},
		{"no such sign-up", []string{"serve", "--signup", "maybe"}, exitUsage, "--signup"},
		{"no such database", []string{"migrate", "--database", "mysql://x", "--data-dir", t.TempDir()}, exitUsage, "postgres://"},
		{"no such file", []string{"--config", "/no/such/file", "version"}, exitUsage, "/no/such/file"},
		{"no such limit", []string{"admin", "create-app", "--account", "a", "--app", "b", "--email", "c@d.example", "--limit", "luck=1", "--data-dir", t.TempDir()}, exitUsage, "luck"},
		{"no such address", []string{"admin", "create-app", "--account", "a", "--app", "b", "--email", "nobody", "--data-dir", t.TempDir()}, exitUsage, "email"},
		{"no database", []string{"admin", "set-limit", "--app", "app_1", "batch=1", "--data-dir", t.TempDir()}, exitFailure, "no database"},
		{"no such policy", []string{"admin", "set-rule", "--app", "a", "--prefix", "b", "--policy", "hope"}, exitUsage, "--policy"},
		{"no data", []string{"publish", "news"}, exitUsage, "data"},
		{"broken data", []string{"publish", "news", "{"}, exitUsage, "DATA is not JSON"},
		{"no key", []string{"publish", "news", "1"}, exitFailure, "HALLEY_KEY"},
		{"no such URL", []string{"publish", "--url", "localhost:8080", "news", "1"}, exitUsage, "--url"},
		{"no channel", []string{"subscribe"}, exitUsage, "channel"},
		{"nothing to measure", []string{"bench"}, exitUsage, "mode"},
		{"no such load", []string{"bench", "luck"}, exitUsage, "luck"},
		{"nobody to measure", []string{"bench", "fanout", "--subscribers", "0"}, exitUsage, "--subscribers"},
		{"another machine", []string{"bench", "fanout", "--url", "http://10.0.0.1"}, exitUsage, "--remote"},
		{"a process of nobody's node", []string{"bench", "fanout", "--pid", "1"}, exitUsage, "--url"},
		{"nothing allowed", []string{"token"}, exitUsage, "pattern=operations"},
		{"no operation", []string{"token", "news"}, exitUsage, "PATTERN=OPERATION"},
		{"a certificate that is not there", []string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", "off", "--data-dir", t.TempDir(), "--tls-cert", "/no/cert", "--tls-key", "/no/key"}, exitFailure, "/no/cert"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := execute(test.arguments...)
			if got.code != test.code || !strings.Contains(got.stderr, test.stderr) {
				t.Errorf("exit code %d, want %d; said %q, want it to say %q", got.code, test.code, got.stderr, test.stderr)
			}
			if got.stdout != "" {
				t.Errorf("printed %q", got.stdout)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	got := execute("version")
	if got.code != exitOK || !strings.HasPrefix(got.stdout, "halley ") || !strings.Contains(got.stdout, "(go1.") || !strings.Contains(got.stdout, "commit ") {
		t.Errorf("%+v", got)
	}
}
