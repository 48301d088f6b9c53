package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// createPusherApp runs create-app and returns what it printed of Pusher.
func createPusherApp(t *testing.T, folder, name string, arguments ...string) *pusherMade {
	t.Helper()
	got := execute(append([]string{"admin", "create-app", "--data-dir", folder, "--account", "acme", "--app", name, "--email", "a@b.example"}, arguments...)...)
	var made createdApp
	if err := json.Unmarshal([]byte(got.stdout), &made); err != nil || got.code != exitOK {
		t.Fatalf("create-app: %+v, %v", got, err)
	}
	return made.Pusher
}

func TestCreateAppForPusher(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if made := createPusherApp(t, folder, "plain"); made != nil {
		t.Errorf("not asked for: %+v", made)
	}
	first := createPusherApp(t, folder, "shop", "--pusher")
	if first == nil || first.AppID == "" || len(first.Key) != 20 || len(first.Secret) != 32 {
		t.Fatalf("got %+v", first)
	}
	if again := createPusherApp(t, folder, "shop", "--pusher"); again == nil || *again != *first {
		t.Errorf("again: %+v, want %+v", again, first)
	}
	given := createPusherApp(t, folder, "moved", "--pusher-credentials", "77:key-1:se:cret")
	if given == nil || *given != (pusherMade{"77", "key-1", "se:cret"}) {
		t.Errorf("with credentials: %+v", given)
	}
	got := execute("admin", "create-app", "--data-dir", folder, "--account", "acme", "--app", "other", "--email", "a@b.example",
		"--pusher-credentials", "77:key-2:hidden")
	if got.code != exitUsage || !strings.Contains(got.stderr, "77 is another app's") || strings.Contains(got.stderr, "hidden") {
		t.Errorf("a number that is another app's: %+v", got)
	}
}

func TestImportPusher(t *testing.T) {
	t.Setenv("SOKETI_DEFAULT_APP_ID", "app-id")
	t.Setenv("SOKETI_DEFAULT_APP_KEY", "app-key")
	t.Setenv("SOKETI_DEFAULT_APP_SECRET", "hidden")
	folder := filepath.Join(t.TempDir(), "data")
	run := func(arguments ...string) importedApps {
		t.Helper()
		got := execute(append([]string{"admin", "import-pusher", "--data-dir", folder, "--account", "acme", "--email", "a@b.example"}, arguments...)...)
		var apps importedApps
		if err := json.Unmarshal([]byte(got.stdout), &apps); err != nil || got.code != exitOK || strings.Contains(got.stdout, "hidden") {
			t.Fatalf("import-pusher %v: %+v, %v; want JSON without a secret", arguments, got, err)
		}
		return apps
	}
	file := write(t, "apps.json", `[{"id":"1","key":"k1","secret":"hidden-0123456789","max_connections":200,"max_event_name_length":200},
		{"id":"2","key":"k2","secret":"hidden-0123456789","enabled":false}]`)
	if dry := run(file, "--dry-run"); len(dry.Apps) != 2 || dry.Apps[0].AppID != "" || dry.Apps[0].Taken["connections"] != 200.0 ||
		!strings.Contains(dry.Apps[0].Left["max_event_name_length"], "200") {
		t.Errorf("dry run: %+v", dry)
	}
	if got := execute("admin", "list-apps", "--data-dir", folder); got.code != exitFailure {
		t.Errorf("a dry run made a database: %+v", got)
	}
	first := run(file)
	if len(first.Apps) != 2 || !first.Apps[0].Made || !first.Apps[0].Enabled || first.Apps[1].Enabled {
		t.Errorf("import: %+v", first)
	}
	if got := execute("admin", "list-apps", "--data-dir", folder); !strings.Contains(got.stdout, `"pusher":{"app_id":"2","enabled":false}`) {
		t.Errorf("list-apps: %+v", got)
	}
	second := run(file)
	for i, app := range second.Apps {
		if app.Made || app.AppID != first.Apps[i].AppID {
			t.Errorf("again: %+v, want the same app as %+v", app, first.Apps[i])
		}
	}
	if env := run(); len(env.Apps) != 1 || env.Apps[0].PusherAppID != "app-id" || env.Apps[0].Key != "app-key" ||
		!strings.Contains(env.Apps[0].Left["SOKETI_DEFAULT_APP_SECRET"], "roll the key") {
		t.Errorf("from the environment: %+v", env)
	}
	clash := write(t, "clash.json", `[{"id":"3","key":"k3","secret":"hidden"},{"id":"4","key":"k1","secret":"hidden"}]`)
	got := execute("admin", "import-pusher", "--data-dir", folder, "--account", "acme", "--email", "a@b.example", clash)
	if got.code != exitUsage || !strings.Contains(got.stderr, "app 4, number 2 of 2") || strings.Contains(got.stderr, "hidden") {
		t.Errorf("a key that is another app's: %+v", got)
	}
	if after := run(write(t, "third.json", `{"id":"3","key":"k3","secret":"hidden"}`)); after.Apps[0].Made {
		t.Error("what was before the fault is not there")
	}
}

// An app that is imported while a node runs is reached there by its old credentials within two seconds, and by no others.
func TestImportReachesNodes(t *testing.T) {
	t.Parallel()
	client := plainClient()
	n := startNode(t, client, "http")
	file := write(t, "env", "SOKETI_DEFAULT_APP_ID=app-id\nSOKETI_DEFAULT_APP_KEY=app-key\nSOKETI_DEFAULT_APP_SECRET=app-secret\n")
	got := halley(t, nil, "admin", "import-pusher", "--data-dir", n.dataDir, "--account", "acme", "--email", "a@b.example", file)
	if got.code != exitOK {
		t.Fatalf("import-pusher: %+v", got)
	}
	status := func(secret string) int {
		t.Helper()
		query := fmt.Sprintf("auth_key=app-key&auth_timestamp=%d&auth_version=1.0", time.Now().Unix())
		mac := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(mac, "GET\n/apps/app-id/channels\n%s", query)
		address := "http://" + n.public + "/apps/app-id/channels?" + query + "&auth_signature=" + hex.EncodeToString(mac.Sum(nil))
		response, body := fetch(t, client, address)
		if response.StatusCode == http.StatusOK && body != `{"channels":{}}` {
			t.Errorf("channels: %s", body)
		}
		return response.StatusCode
	}
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for end := time.Now().Add(2*time.Second + time.Second); status("app-secret") != http.StatusOK; <-poll.C {
		if time.Now().After(end) {
			t.Fatalf("not reached after 3 s: %d", status("app-secret"))
		}
	}
	if got := status("app-secreT"); got != http.StatusUnauthorized {
		t.Errorf("with another secret: %d, want 401", got)
	}
}
