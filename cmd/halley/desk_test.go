package main

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"halley/console"
	"halley/pushnode/wire"
	"halley/tenant"
)

// startDesk runs the parts of a node, without ports, and makes an app.
func startDesk(t *testing.T) (*desk, tenant.Provisioned) {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	serve := serveCommand{storeConfig: storeConfig{DataDir: t.TempDir()}, consoleConfig: consoleConfig{Signup: "open"}}
	store, closeStore, err := serve.openClaimed(t.Context(), logger)
	if err != nil {
		t.Fatal(err)
	}
	made, err := store.Provision(t.Context(), tenant.Provision{
		Account: "acme", App: "shop", Email: "a@b.example", Limits: tenant.Overrides{tenant.LimitMessageBytes: 100},
	}, operator)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := serve.build(t.Context(), store, place{instance: 1, cluster: 1}, "http://localhost:8080", newRegistry(), logger, logger)
	if err != nil {
		t.Fatal(err)
	}
	running := newServices()
	running.start("directory", parts.directory.Run)
	running.start("meter", parts.meter.Run)
	running.start("node", parts.node.Run)
	running.start("console", parts.runConsole)
	t.Cleanup(func() {
		if err := running.stop(); err != nil {
			t.Error(err)
		}
		closeStore()
	})
	return parts.desk, made
}

func TestDeskPublishes(t *testing.T) {
	t.Parallel()
	d, app := startDesk(t)
	for i, data := range []string{`{ "n": 1 }`, `"two"`} {
		receipt, err := d.Publish(t.Context(), app.AppID, "private-room", "greeting", []byte(data))
		if err != nil || receipt.Offset != uint64(i+1) || receipt.Copies != 1 || !strings.HasPrefix(receipt.ID, "msg_") {
			t.Fatalf("receipt %+v, %v", receipt, err)
		}
	}
	messages, err := d.Recent(t.Context(), app.AppID, "private-room", 10)
	if err != nil || len(messages) != 2 {
		t.Fatalf("recent: %v, %v", messages, err)
	}
	newest, oldest := messages[0], messages[1]
	if string(newest.Data) != `"two"` || string(oldest.Data) != `{"n":1}` || newest.Event != "greeting" || newest.Offset != 2 ||
		time.Since(newest.Time) > time.Minute {
		t.Errorf("recent: %+v", messages)
	}
}

// Whoever types into the console's form is told what is wrong in the words of the API.
func TestDeskExplains(t *testing.T) {
	t.Parallel()
	d, app := startDesk(t)
	tests := []struct {
		name, app, channel, event, data string
		code                            wire.Code
	}{
		{"no JSON", app.AppID, "news", "e", `hello`, wire.CodeMalformedJSON},
		{"two values", app.AppID, "news", "e", `1,"id":"x"`, wire.CodeMalformedJSON},
		{"a name twice", app.AppID, "news", "e", `{"a":1,"a":2}`, wire.CodeMalformedJSON},
		{"no channel", app.AppID, "no channel", "e", `1`, wire.CodeInvalidChannel},
		{"a long event", app.AppID, "news", strings.Repeat("e", 101), `1`, wire.CodeInvalidField},
		{"too large", app.AppID, "news", "e", `"` + strings.Repeat("x", 100) + `"`, wire.CodeMessageTooLarge},
		{"no such app", "app_none", "news", "e", `1`, wire.CodeAppNotFound},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := d.Publish(t.Context(), test.app, test.channel, test.event, []byte(test.data))
			told, ok := errors.AsType[console.Explained](err)
			if !ok || !errors.Is(err, test.code) {
				t.Fatalf("got %v, want %v", err, test.code)
			}
			if status, sentence, _ := told.Explain(); status != test.code.Status() || sentence == "" {
				t.Errorf("explained as %d %q", status, sentence)
			}
		})
	}
	if _, err := d.Recent(t.Context(), app.AppID, "no channel", 1); !errors.Is(err, wire.CodeInvalidChannel) {
		t.Errorf("history of no channel: %v", err)
	}
}

// A fault of ours is for the log; nobody else is told more than that there is one.
func TestDeskHidesFaults(t *testing.T) {
	t.Parallel()
	err := explain(errors.New("the disk is on fire"))
	if _, ok := errors.AsType[console.Explained](err); ok {
		t.Error("an internal fault is explained to people")
	}
	status, _, wait := explained{wire.NewError(wire.CodeRateLimited).After(time.Minute)}.Explain()
	if status != http.StatusTooManyRequests || wait != time.Minute {
		t.Errorf("explained as %d, %v", status, wait)
	}
}

func TestDeskSignsTokens(t *testing.T) {
	t.Parallel()
	d, app := startDesk(t)
	token, expires, err := d.SignToken(t.Context(), app.AppID, map[string][]string{"news": {"subscribe"}}, 5*time.Minute)
	if err != nil || time.Until(expires) > 5*time.Minute || time.Until(expires) < 4*time.Minute {
		t.Fatalf("ends %v, %v", expires, err)
	}
	claims, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil || !strings.Contains(string(claims), app.AppID) || !strings.Contains(string(claims), `"news":["subscribe"]`) {
		t.Errorf("claims %s, %v", claims, err)
	}
	if _, _, err := d.SignToken(t.Context(), app.AppID, map[string][]string{"news": {"fly"}}, time.Minute); err == nil {
		t.Error("an operation that there is not is signed")
	}
	if _, _, err := d.SignToken(context.Background(), "app_none", map[string][]string{"news": {"subscribe"}}, time.Minute); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("for no app: %v", err)
	}
}
