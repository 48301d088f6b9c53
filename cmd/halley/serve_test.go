package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// The whole way of a newcomer at the command line: start, make an app, publish, follow, stop.
func TestServe(t *testing.T) {
	t.Parallel()
	client := plainClient()
	n := startNode(t, client, "http")
	app := n.createApp("--limit", "connections=5", "--limit", "channels=7", "--origin", "https://a.example")
	for _, id := range []string{app.AccountID, app.AppID, app.SecretKey, app.PublishableKey} {
		if id == "" {
			t.Fatalf("create-app printed %+v", app)
		}
	}
	secret := []string{"HALLEY_KEY=" + app.SecretKey, "HALLEY_URL=http://" + n.public}
	public := []string{"HALLEY_KEY=" + app.PublishableKey, "HALLEY_URL=http://" + n.public}

	if got := halley(t, secret, "publish", "news", `{"n":1}`); got.code != exitOK || !strings.Contains(got.stdout, `"offset":1`) {
		t.Errorf("publish: %+v", got)
	}
	if got := halley(t, secret, "publish", "news", "two", "--text", "--id", "m2"); got.code != exitOK || !strings.Contains(got.stdout, `"id":"m2"`) {
		t.Errorf("publish: %+v", got)
	}
	got := halley(t, public, "subscribe", "news", "--rewind", "9", "--count", "2")
	if lines := strings.Split(got.stdout, "\n"); got.code != exitOK || len(lines) != 3 ||
		!strings.Contains(lines[0], `"data":{"n":1}`) || !strings.Contains(lines[1], `"data":"two"`) {
		t.Errorf("subscribe: %+v", got)
	}
	if got := halley(t, public, "publish", "news", "1"); got.code != exitFailure || !strings.Contains(got.stderr, "(denied)") {
		t.Errorf("publish with a publishable key: %+v", got)
	}

	var token struct {
		Token string `json:"token"`
	}
	got = halley(t, secret, "token", "--client-id", "ada", "private-room:*=subscribe,publish", "--ttl", "5m")
	if err := json.Unmarshal([]byte(got.stdout), &token); err != nil || got.code != exitOK {
		t.Fatalf("token: %+v, %v", got, err)
	}
	bearer := []string{"HALLEY_KEY=" + token.Token, "HALLEY_URL=http://" + n.public}
	if got := halley(t, bearer, "publish", "private-room:1", "1"); got.code != exitOK {
		t.Errorf("publish with the token: %+v", got)
	}
	if got := halley(t, bearer, "subscribe", "private-room:1", "--rewind", "1", "--count", "1"); got.code != exitOK {
		t.Errorf("subscribe with the token: %+v", got)
	}
	if got := halley(t, bearer, "subscribe", "news"); got.code != exitFailure || !strings.Contains(got.stderr, "(denied)") {
		t.Errorf("subscribe to what the token does not name: %+v", got)
	}

	n.signal(syscall.SIGTERM)
	if err := n.end(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	if want := "Halley is ready: http://" + n.public + "\n"; n.stdout.String() != want {
		t.Errorf("printed %q, want %q", n.stdout, want)
	}
	for _, canary := range []string{app.SecretKey, app.PublishableKey, token.Token} {
		if strings.Contains(n.stderr.String(), canary) {
			t.Error("the log shows a credential")
		}
	}
}

// Nodes that run hear what halley admin changes.
func TestAdminBesideANode(t *testing.T) {
	t.Parallel()
	n := startNode(t, plainClient(), "http")
	app := n.createApp()
	secret := []string{"HALLEY_KEY=" + app.SecretKey, "HALLEY_URL=http://" + n.public}
	admin := func(arguments ...string) string {
		t.Helper()
		got := halley(t, nil, append([]string{"admin", "--data-dir", n.dataDir}, arguments...)...)
		if got.code != exitOK || strings.Count(got.stdout, "\n") != 1 {
			t.Fatalf("%v: %+v", arguments, got)
		}
		return got.stdout
	}

	again := n.createApp()
	if again.AppID != app.AppID || again.AccountID != app.AccountID || again.SecretKey == app.SecretKey {
		t.Errorf("the same app again: %+v, was %+v", again, app)
	}
	if got := admin("list-apps"); strings.Count(got, `"app_id"`) != 1 || !strings.Contains(got, app.AppID) || !strings.Contains(got, `"account":"acme"`) {
		t.Errorf("list-apps: %s", got)
	}
	if got := admin("set-rule", "--app", app.AppID, "--prefix", "private-", "--history", "5", "--ttl", "1h", "--policy", "latest", "--presence"); !strings.Contains(got, `"public":false`) || !strings.Contains(got, `"presence":true`) {
		t.Errorf("set-rule: %s", got)
	}
	if got := admin("set-rule", "--app", app.AppID, "--prefix", "open", "--public=false", "--client-publish"); !strings.Contains(got, `"public":false`) {
		t.Errorf("set-rule --public=false: %s", got)
	}
	if got := admin("set-limit", "--app", app.AppID, "message_bytes=100", "batch=3"); !strings.Contains(got, `"message_bytes":100`) || !strings.Contains(got, `"connections":10000`) {
		t.Errorf("set-limit: %s", got)
	}

	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(patience); ; <-ticker.C {
		got := halley(t, secret, "publish", "news", "--text", strings.Repeat("x", 200))
		if got.code == exitFailure && strings.Contains(got.stderr, "(message_too_large)") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the node does not hear of the limit: %+v", got)
		}
	}
}

func TestOperatorsPort(t *testing.T) {
	t.Parallel()
	client := plainClient()
	n := startNode(t, client, "http")
	response, metrics := fetch(t, client, "http://"+n.admin+"/metrics")
	if response.StatusCode != http.StatusOK {
		t.Errorf("metrics: %s", response.Status)
	}
	for _, name := range []string{"halley_build_info{", "halley_edge_connections ", "halley_edge_requests_total ", "go_goroutines "} {
		if !strings.Contains(metrics, "\n"+name) {
			t.Errorf("the metrics lack %s", name)
		}
	}
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/goroutine?debug=1", "/healthz", "/readyz"} {
		if response, _ := fetch(t, client, "http://"+n.admin+path); response.StatusCode != http.StatusOK {
			t.Errorf("%s on the operator's port: %s", path, response.Status)
		}
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/.well-known/jwks.json": 200, "/metrics": 404, "/debug/pprof/": 404, "/debug/pprof/heap": 404} {
		if response, _ := fetch(t, client, "http://"+n.public+path); response.StatusCode != want {
			t.Errorf("%s on the public port: %s, want %d", path, response.Status, want)
		}
	}
}

// A drained node tells its clients when to come back, is not ready meanwhile, and ends well.
func TestDrain(t *testing.T) {
	t.Parallel()
	client := plainClient()
	n := startNode(t, client, "http")
	app := n.createApp()
	stream, err := client.Get("http://" + n.public + "/v1/sse?channel=news&key=" + app.PublishableKey)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	if stream.StatusCode != http.StatusOK {
		t.Fatalf("event stream: %s", stream.Status)
	}
	n.signal(syscall.SIGTERM)
	text, err := io.ReadAll(stream.Body)
	if err != nil || !strings.Contains(string(text), "event: drain\n") || !strings.Contains(string(text), `"reconnect_in":`) {
		t.Errorf("the stream ended with %v after\n%s", err, text)
	}
	if err := n.end(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	if log := n.stderr.String(); strings.Contains(log, "level=ERROR") || strings.Contains(log, "level=WARN") {
		t.Errorf("a drain is no trouble, but the log says\n%s", log)
	}
}

// Who is in a hurry sends a second signal.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	client := plainClient()
	n := startNode(t, client, "http")
	// A request that never comes to its end holds the node up for longer than this test waits below.
	connection, err := net.Dial("tcp", n.public)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	app := n.createApp()
	fmt.Fprintf(connection, "POST /v1/channels/news/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", app.SecretKey)
	n.awaitMetric(client, "halley_edge_connections", "1")
	n.signal(syscall.SIGTERM)
	n.awaitUnready(client)
	begin := time.Now()
	n.signal(syscall.SIGTERM)
	err = n.end()
	exited, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exited.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("ended with %v", err)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
}

func (n *node) awaitMetric(client *http.Client, name, value string) {
	n.t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(patience); ; <-ticker.C {
		if _, metrics := fetch(n.t, client, "http://"+n.admin+"/metrics"); strings.Contains(metrics, "\n"+name+" "+value+"\n") {
			return
		}
		if time.Now().After(end) {
			n.t.Fatalf("%s does not become %s", name, value)
		}
	}
}

// awaitUnready waits until the operator's port, which is the last to go, says that the node drains.
func (n *node) awaitUnready(client *http.Client) {
	n.t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(patience); ; <-ticker.C {
		response, err := client.Get("http://" + n.admin + "/readyz")
		if err != nil {
			n.t.Fatalf("the operator's port: %v", err)
		}
		response.Body.Close()
		if response.StatusCode == http.StatusServiceUnavailable {
			return
		}
		if time.Now().After(end) {
			n.t.Fatal("the node does not drain")
		}
	}
}

func TestPortsThatAreTaken(t *testing.T) {
	t.Parallel()
	n := startNode(t, plainClient(), "http")
	tests := []struct {
		name      string
		arguments []string
		reason    string
	}{
		{"the public port", []string{"--listen", n.public, "--admin-listen", "off", "--data-dir", t.TempDir()}, "--listen " + n.public + ": another program listens there"},
		{"the operator's port", []string{"--listen", "127.0.0.1:0", "--admin-listen", n.admin, "--data-dir", t.TempDir()}, "--admin-listen " + n.admin + ": another program listens there"},
		{"the data folder", []string{"--listen", "127.0.0.1:0", "--admin-listen", "off", "--data-dir", n.dataDir}, "in use"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := halley(t, nil, append([]string{"serve"}, test.arguments...)...)
			if got.code != exitFailure || !strings.Contains(got.stderr, test.reason) {
				t.Errorf("%+v", got)
			}
		})
	}
}
