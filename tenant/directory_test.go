package tenant_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"halley/auth"
	"halley/pushnode/channel"
	"halley/tenant"
)

// soon is how fast a change must be live on every node: DESIGN 8.
const soon = 2 * time.Second

func openDirectory(t *testing.T, s *tenant.Store) *tenant.Directory {
	t.Helper()
	d, err := tenant.OpenDirectory(t.Context(), s, quiet())
	must(t, err)
	return d
}

func testDirectory(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	ctx := t.Context()
	must(t, s.SetRule(ctx, c.scope, c.app.ID, channel.Rule{Prefix: "room:", Public: true, Policy: channel.PolicyBlock,
		Retention: channel.Retention{Messages: 5, Age: time.Hour}}))
	must(t, s.SetLimits(ctx, c.scope, c.app.ID, tenant.Overrides{tenant.LimitHistoryMessages: 50}))
	must(t, s.AddTokenKey(ctx, c.scope, c.app.ID, "k", auth.NewSecret("0123456789abcdef0123456789abcdef")))
	form := c.app.Form()
	form.Origins, form.TokenTTL, form.Issuer, form.JWKSURL = []string{"https://a.example.com"}, time.Hour, "me",
		"https://a.example.com/keys"
	must(t, s.UpdateApp(ctx, c.scope, c.app.ID, form))
	key, secret, err := s.CreateKey(ctx, c.scope, c.app.ID, tenant.KeyForm{Kind: secretKind})
	must(t, err)

	d := openDirectory(t, s)
	view, err := d.App(c.app.ID)
	must(t, err)
	if view.AccountID != c.accountID || view.Disabled || len(view.Origins) != 1 || view.Limits.HistoryMessages != 50 ||
		len(view.Rules()) != 1 {
		t.Errorf("view %+v", view)
	}
	if rule := view.Rule("room:1"); rule.Policy != channel.PolicyBlock || rule.Retention.Messages != 5 {
		t.Errorf("rule of room:1 %+v", rule)
	}
	if rule := view.Rule("news"); rule.Retention.Messages != 50 || !rule.Public {
		t.Errorf("rule of news %+v, want the default within the limit", rule)
	}
	trust, err := d.TokenTrust(ctx, c.app.ID)
	if err != nil || trust.MaxTTL != time.Hour || trust.Issuer != "me" || trust.JWKSURL != form.JWKSURL || len(trust.Keys) != 1 ||
		trust.Keys[0].ID() != "k" {
		t.Errorf("trust %+v, %v", trust, err)
	}
	found, err := d.Key(ctx, key.ID)
	parsed, _ := auth.ParseKey(secret.Reveal())
	if err != nil || found.Hash != parsed.Hash || found.AppID != c.app.ID || !found.Capability.Allows(auth.OpPublish, "x") {
		t.Errorf("key %+v, %v", found, err)
	}
	if _, err := d.App("app_none"); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("no app: %v, want ErrNotFound", err)
	}
	if _, err := d.Key(ctx, "none"); !errors.Is(err, auth.ErrUnknownKey) {
		t.Errorf("no key: %v, want auth.ErrUnknownKey", err)
	}
	if _, err := d.TokenTrust(ctx, "app_none"); !errors.Is(err, auth.ErrUnknownKey) {
		t.Errorf("trust of no app: %v, want auth.ErrUnknownKey", err)
	}
}

// testDirectoryChanges makes every kind of change through another store, as another process would, and waits for it here.
func testDirectoryChanges(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	ctx := t.Context()
	key, _, err := s.CreateKey(ctx, c.scope, c.app.ID, tenant.KeyForm{Kind: secretKind})
	must(t, err)
	elsewhere := s.Elsewhere(t, quiet())
	d := openDirectory(t, s)
	running(t, d.Run)
	changed := func(what string, live func(view *tenant.AppView) bool) {
		t.Helper()
		end := time.After(soon)
		for {
			select {
			case id := <-d.Changes():
				if id != c.app.ID {
					continue
				}
			case <-end:
				t.Fatalf("not live within %v: %s", soon, what)
			}
			if view, err := d.App(c.app.ID); err == nil && live(view) {
				return
			}
		}
	}
	must(t, elsewhere.RevokeKey(ctx, c.scope, c.app.ID, key.ID))
	changed("a revoked key", func(*tenant.AppView) bool {
		found, err := d.Key(ctx, key.ID)
		return err == nil && !found.RevokedAt.IsZero()
	})
	form := c.app.Form()
	form.Disabled = true
	must(t, elsewhere.UpdateApp(ctx, c.scope, c.app.ID, form))
	changed("a disabled app", func(view *tenant.AppView) bool { return view.Disabled && !view.Suspended })
	form.Disabled = false
	must(t, elsewhere.UpdateApp(ctx, c.scope, c.app.ID, form))
	changed("an app that is on again", func(view *tenant.AppView) bool { return !view.Disabled })
	operator := s.OperatorScope(c.accountID, tenant.Client{})
	must(t, elsewhere.SuspendAccount(ctx, operator, true))
	changed("a suspended account", func(view *tenant.AppView) bool { return view.Disabled && view.Suspended })
	must(t, elsewhere.SetAccountLimits(ctx, operator, tenant.Overrides{tenant.LimitBatch: 3}))
	changed("an account's limit", func(view *tenant.AppView) bool { return view.Limits.Batch == 3 })
	must(t, elsewhere.SetRule(ctx, c.scope, c.app.ID, tenant.DefaultRule("x")))
	changed("a rule", func(view *tenant.AppView) bool { return len(view.Rules()) == 1 })
	must(t, elsewhere.DeleteApp(ctx, c.scope, c.app.ID))
	eventually(t, soon, "a deleted app", func() bool { _, err := d.App(c.app.ID); return errors.Is(err, tenant.ErrNotFound) })
	if _, err := d.Key(ctx, key.ID); !errors.Is(err, auth.ErrUnknownKey) {
		t.Errorf("key of a deleted app: %v, want auth.ErrUnknownKey", err)
	}
	// Nobody reads Changes any more: the directory goes on.
	fresh, err := elsewhere.CreateApp(ctx, c.scope, tenant.AppForm{Name: "fresh"})
	must(t, err)
	eventually(t, soon, "a new app is in memory", func() bool { return d.Holds(fresh.ID) })
}

func testDirectoryLookUp(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	d := openDirectory(t, s) // which does not run: only asking helps
	app, err := s.CreateApp(t.Context(), c.scope, tenant.AppForm{Name: "late"})
	must(t, err)
	key, _, err := s.CreateKey(t.Context(), c.scope, app.ID, tenant.KeyForm{Kind: publishableKind})
	must(t, err)
	if found, err := d.Key(t.Context(), key.ID); err != nil || found.AppID != app.ID {
		t.Errorf("key made a moment ago: %+v, %v", found, err)
	}
	if view, err := d.App(app.ID); err != nil || view.Name != "late" {
		t.Errorf("app made a moment ago: %+v, %v", view, err)
	}
	if known := d.Known(); known != 3 {
		t.Errorf("%d apps known, want 3", known)
	}
	// What does not exist is not asked for again: even with the store closed the answer is the same.
	_, err = d.App("app_none")
	if !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("no app: %v", err)
	}
	for _, strange := range []string{"a\x00b", "\xff", strings.Repeat("x", 10_000)} {
		if _, err := d.App(strange); !errors.Is(err, tenant.ErrNotFound) {
			t.Errorf("app %.20q: %v, want ErrNotFound", strange, err)
		}
		if _, err := d.Key(t.Context(), strange); !errors.Is(err, auth.ErrUnknownKey) {
			t.Errorf("key %.20q: %v, want auth.ErrUnknownKey", strange, err)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Key(cancelled, "unheard"); !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("given up on: %v, want auth.ErrUnavailable", err)
	}
}

func testDirectoryKeyUse(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	key, _, err := s.CreateKey(t.Context(), c.scope, c.app.ID, tenant.KeyForm{Kind: secretKind})
	must(t, err)
	d := openDirectory(t, s)
	at := time.Now().Truncate(time.Millisecond)
	d.KeyUsed(c.app.ID, key.ID, at.Add(-time.Second))
	d.KeyUsed(c.app.ID, key.ID, at)
	d.KeyUsed("app_none", "none", at)
	stop := running(t, d.Run) // it writes when it ends
	stop()
	list, err := s.Keys(t.Context(), c.scope, c.app.ID)
	if err != nil || !list[0].LastUsedAt.Equal(at) {
		t.Errorf("last used %v, %v; want %v", list[0].LastUsedAt, err, at)
	}
	d.KeyUsed(c.app.ID, key.ID, at.Add(-time.Hour)) // a slower node
	d.WriteUsed(t.Context())
	if list, err := s.Keys(t.Context(), c.scope, c.app.ID); err != nil || !list[0].LastUsedAt.Equal(at) {
		t.Errorf("last used went back to %v, %v", list[0].LastUsedAt, err)
	}
}

// testDirectoryRestored puts the database back to an earlier state: what it says now is what holds.
func testDirectoryRestored(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	d := openDirectory(t, s)
	running(t, d.Run)
	must(t, s.Exec(t.Context(), `UPDATE apps SET disabled = 1, revision = 1 WHERE account_id = $1`, c.accountID))
	must(t, s.Exec(t.Context(), `UPDATE installation SET revision = 1`))
	eventually(t, soon, "the earlier state is live", func() bool {
		view, err := d.App(c.app.ID)
		return err == nil && view.Disabled
	})
}

// TestDirectoryIsBounded has more apps than memory may hold: all are answered, and no more are kept.
func TestDirectoryIsBounded(t *testing.T) {
	t.Parallel()
	s := open(t, databases()[0].config(t))
	c := newCustomer(t, s)
	d := openDirectory(t, s)
	d.PretendKnown(tenant.MaxKnown)
	app, err := s.CreateApp(t.Context(), c.scope, tenant.AppForm{Name: "one too many"})
	must(t, err)
	for range 2 {
		for _, id := range []string{c.app.ID, app.ID} {
			if _, err := d.App(id); err != nil {
				t.Errorf("app %s: %v", id, err)
			}
		}
	}
	if known := d.Known(); known != tenant.MaxKnown {
		t.Errorf("%d apps are kept, want %d", known, tenant.MaxKnown)
	}
}

func TestDirectoryPreloadsPages(t *testing.T) {
	t.Parallel()
	s := open(t, databases()[0].config(t))
	c := newCustomer(t, s)
	for i := range 1200 {
		must(t, s.Exec(t.Context(), `INSERT INTO apps (account_id, app_id, name, label, origins, disabled, token_ttl, issuer,
			jwks_url,
			created_at, created_by, revision, deleted_at) VALUES ($1, $2, $2, 'development', '[]', 0, 1000, '', '', 0, '', 0, 0)`,
			c.accountID, fmt.Sprintf("app_%04d", i)))
	}
	d := openDirectory(t, s)
	if known := d.Known(); known != 1202 {
		t.Errorf("%d apps known, want 1202", known)
	}
}

func TestRule(t *testing.T) {
	t.Parallel()
	view := tenant.ViewWithRules(
		channel.Rule{Prefix: "", Policy: "a"}, channel.Rule{Prefix: "room:", Policy: "b"}, channel.Rule{Prefix: "room:vip:",
			Policy: "c"},
		channel.Rule{Prefix: "private-open", Policy: "d", Public: true},
	)
	for name, want := range map[string]channel.Policy{
		"room:1": "b", "room:vip:1": "c", "room": "a", "x": "a", "private-open:1": "d", "room:vip": "b",
	} {
		if got := view.Rule(name).Policy; got != want {
			t.Errorf("%s: rule %s, want %s", name, got, want)
		}
	}
	plain := tenant.ViewWithRules()
	for name, public := range map[string]bool{"news": true, "private-x": false, "presence-x": false, "my-private-x": true} {
		rule := plain.Rule(name)
		if rule.Public != public || rule.ClientPublish || rule.Presence || rule.Policy != channel.PolicyResume ||
			rule.Retention != channel.DefaultRetention {
			t.Errorf("%s: %+v, want public %v and the defaults", name, rule, public)
		}
	}
	if !view.Rule("private-open").Public {
		t.Error("a rule cannot open a private channel")
	}
}
