package tenant_test

import (
	"errors"
	"strings"
	"testing"

	"halley/tenant"
)

// credentials reads id:key:secret.
func credentials(t *testing.T, text string) tenant.PusherCredentials {
	t.Helper()
	read, err := tenant.ParsePusherCredentials(text)
	must(t, err)
	return read
}

func testBringPusher(t *testing.T, s *tenant.Store) {
	c, other := newCustomer(t, s), newCustomer(t, s)
	ctx := t.Context()
	bring := func(c customer, text string) error {
		return s.BringPusher(ctx, c.scope, c.app.ID, credentials(t, text))
	}
	must(t, bring(c, "app-id:app-key:app-secret"))
	must(t, bring(c, "app-id:app-key:app-secret"))
	must(t, s.SwitchPusher(ctx, c.scope, c.app.ID, false))
	must(t, bring(c, "77:second:secret-2")) // another number, one more key, and on again
	app, err := s.Pusher(ctx, c.scope, c.app.ID)
	if err != nil || !app.Enabled || app.Number != "77" {
		t.Errorf("app %+v, %v; want number 77, on", app, err)
	}
	for key, want := range map[string]string{"app-key": "app-secret", "second": "secret-2"} {
		if got, err := s.PusherSecret(ctx, c.scope, c.app.ID, key); err != nil || got.Reveal() != want {
			t.Errorf("secret of %s: %v, want the one that was brought", key, err)
		}
	}
	must(t, s.SwitchPusher(ctx, other.scope, other.app.ID, true))
	for text, word := range map[string]string{
		"77:fresh:secret":       "77 is another app's",
		"78:app-key:app-secret": "app-key is in use already",
	} {
		for _, who := range []customer{other, newCustomer(t, s)} { // one with a number, one without
			var wrong *tenant.InvalidError
			if err := bring(who, text); !errors.As(err, &wrong) || !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v, want %q", text, err, word)
			}
		}
	}
	if kept, err := s.Pusher(ctx, other.scope, other.app.ID); err != nil || kept.Number == "78" {
		t.Errorf("a refused key left its number %s behind, %v", kept.Number, err)
	}
	for text, word := range map[string]string{"77:second:wrong": "another secret", "77:app-key:app-secret": "revoked"} {
		if word == "revoked" {
			must(t, s.RevokePusherKey(ctx, c.scope, c.app.ID, "app-key"))
		}
		if err := bring(c, text); err == nil || !strings.Contains(err.Error(), word) || strings.Contains(err.Error(), "wrong") {
			t.Errorf("%s: %v, want %q", text, err, word)
		}
	}
	if err := bring(other, "78:app-key:app-secret"); err == nil {
		t.Error("a revoked key went to another app")
	}
	must(t, s.DeleteApp(ctx, c.scope, c.app.ID))
	must(t, bring(other, "77:app-key:new-secret")) // nobody's any more
}

func testProvisionPusher(t *testing.T, s *tenant.Store) {
	ctx := t.Context()
	want := tenant.Provision{Account: "Comet", App: "Chat", Email: "ops@example.com"}
	plain, err := s.Provision(ctx, want, tenant.Client{})
	if err != nil || plain.Pusher != (tenant.PusherCredentials{}) {
		t.Errorf("not asked for: %+v, %v", plain.Pusher, err)
	}
	want.Pusher = true
	first, err := s.Provision(ctx, want, tenant.Client{})
	if err != nil || first.AppID != plain.AppID || first.Pusher.Validate() != nil {
		t.Errorf("an app that was there: %+v, %v", first, err)
	}
	again, err := s.Provision(ctx, want, tenant.Client{})
	if err != nil || again.Pusher.Number != first.Pusher.Number || again.Pusher.Key != first.Pusher.Key ||
		again.Pusher.Secret.Reveal() != first.Pusher.Secret.Reveal() {
		t.Errorf("again: %+v, %v; want the same as %+v", again.Pusher, err, first.Pusher)
	}
	want.App, want.Pusher, want.PusherCredentials = "Moved", false, credentials(t, "1234567:abcdef:hidden")
	moved, err := s.Provision(ctx, want, tenant.Client{})
	if err != nil || moved.Pusher.Number != "1234567" || moved.Pusher.Key != "abcdef" || moved.Pusher.Secret.Reveal() != "hidden" {
		t.Errorf("with credentials: %+v, %v", moved.Pusher, err)
	}
	if found, err := openDirectory(t, s).PusherByKey("abcdef"); err != nil || found.AppID != moved.AppID || found.Number != "1234567" {
		t.Errorf("by its key: %+v, %v; want the app that was made", found, err)
	}
	want.App = "Other"
	var wrong *tenant.InvalidError
	if _, err := s.Provision(ctx, want, tenant.Client{}); !errors.As(err, &wrong) || strings.Contains(err.Error(), "hidden") {
		t.Errorf("a number that is another app's: %v", err)
	}
	want.PusherCredentials.Key = ""
	if _, err := s.Provision(ctx, want, tenant.Client{}); !errors.As(err, &wrong) || wrong.Field != "pusher key" {
		t.Errorf("no key: %v", err)
	}
	list, err := s.AllApps(ctx, s.OperatorScope("", tenant.Client{}))
	if err != nil || len(list) != 2 {
		t.Fatalf("%d apps, %v; want none of those that were refused", len(list), err)
	}
	if chat, moved := list[0].Pusher, list[1].Pusher; chat.Number != first.Pusher.Number || moved != (tenant.PusherNumber{Number: "1234567", Enabled: true}) {
		t.Errorf("listed as %+v and %+v", chat, moved)
	}
}

func testImportPusher(t *testing.T, s *tenant.Store) {
	ctx := t.Context()
	want := tenant.PusherImport{
		Account: "Comet", Email: "ops@example.com", App: "moved", Credentials: credentials(t, "100200:key-1:secret"), Enabled: true,
		Settings: tenant.PusherSettings{ClientEvents: true, EventBytes: 102_400}, Limits: tenant.Overrides{tenant.LimitConnections: 50},
	}
	first, err := s.ImportPusher(ctx, want, tenant.Client{})
	if err != nil || !first.Made {
		t.Fatalf("first: %+v, %v", first, err)
	}
	scope := s.OperatorScope(first.AccountID, tenant.Client{})
	app, err := s.App(ctx, scope, first.AppID)
	if err != nil || app.Name != "moved" || app.Label != tenant.Production {
		t.Errorf("app %+v, %v", app, err)
	}
	app.Name = "renamed since"
	must(t, s.UpdateApp(ctx, scope, first.AppID, app.Form()))
	want.Settings.ClientEvents, want.Enabled = false, false
	again, err := s.ImportPusher(ctx, want, tenant.Client{})
	if err != nil || again.Made || again.AppID != first.AppID {
		t.Errorf("again: %+v, %v; want the same app, by its number", again, err)
	}
	side, err := s.Pusher(ctx, scope, first.AppID)
	if err != nil || side.Enabled || side.PusherSettings != want.Settings || side.Number != "100200" {
		t.Errorf("pusher side %+v, %v; want off, with the settings of the second import", side, err)
	}
	if limits, _, err := s.LimitsOf(ctx, scope, first.AppID); err != nil || limits.Connections != 50 {
		t.Errorf("limits %+v, %v", limits, err)
	}
	named, err := s.CreateApp(ctx, scope, tenant.AppForm{Name: "named"})
	must(t, err)
	want.App, want.Credentials = "named", credentials(t, "300:key-2:secret")
	if got, err := s.ImportPusher(ctx, want, tenant.Client{}); err != nil || got.Made || got.AppID != named.ID {
		t.Errorf("by name: %+v, %v; want the app of that name", got, err)
	}
	want.Account = "Another"
	var wrong *tenant.InvalidError
	if _, err := s.ImportPusher(ctx, want, tenant.Client{}); !errors.As(err, &wrong) {
		t.Errorf("into another account: %v, want it refused", err)
	}
	for field, change := range map[string]func(p *tenant.PusherImport){
		"account": func(p *tenant.PusherImport) { p.Account = "" }, "email": func(p *tenant.PusherImport) { p.Email = "x" },
		"name": func(p *tenant.PusherImport) { p.App = "" }, "event_bytes": func(p *tenant.PusherImport) { p.Settings.EventBytes = 0 },
		"limit":         func(p *tenant.PusherImport) { p.Limits = tenant.Overrides{"x": 1} },
		"pusher secret": func(p *tenant.PusherImport) { p.Credentials.Secret = tenant.PusherCredentials{}.Secret },
	} {
		bad := want
		change(&bad)
		if _, err := s.ImportPusher(ctx, bad, tenant.Client{}); !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
