package tenant_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"halley/tenant"
)

func testPusher(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	ctx := t.Context()
	before, err := s.Pusher(ctx, c.scope, c.app.ID)
	if err != nil || before.Enabled || before.Number != "" || before.PusherSettings != tenant.DefaultPusherSettings() {
		t.Errorf("before: %+v, %v; want off, with the defaults", before, err)
	}
	if err := s.SwitchPusher(ctx, c.scope, c.app.ID, false); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("off before on: %v, want ErrNotFound", err)
	}
	if err := s.SetPusher(ctx, c.scope, c.app.ID, before.PusherSettings); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("settings before on: %v, want ErrNotFound", err)
	}
	must(t, s.SwitchPusher(ctx, c.scope, c.app.ID, true))
	on, err := s.Pusher(ctx, c.scope, c.app.ID)
	if err != nil || !on.Enabled || !regexp.MustCompile(`^[1-9]\d{5,8}$`).MatchString(on.Number) {
		t.Errorf("on: %+v, %v; want a number of 6 to 9 digits", on, err)
	}
	want := tenant.PusherSettings{ClientEvents: true, SubscriptionCounts: true, EventBytes: 20_000, Rewind: 7}
	must(t, s.SetPusher(ctx, c.scope, c.app.ID, want))
	must(t, s.SwitchPusher(ctx, c.scope, c.app.ID, false))
	must(t, s.SwitchPusher(ctx, c.scope, c.app.ID, true))
	after, err := s.Pusher(ctx, c.scope, c.app.ID)
	keys, _ := s.PusherKeys(ctx, c.scope, c.app.ID)
	if err != nil || !after.Enabled || after.Number != on.Number || after.PusherSettings != want || len(keys) != 1 {
		t.Errorf("off and on again: %+v with %d keys, %v; want the same number, settings and key", after, len(keys), err)
	}
	for field, change := range map[string]func(p *tenant.PusherSettings){
		"event_bytes": func(p *tenant.PusherSettings) { p.EventBytes = tenant.MaxPusherEventBytes + 1 },
		"rewind":      func(p *tenant.PusherSettings) { p.Rewind = -1 },
	} {
		bad := want
		change(&bad)
		var wrong *tenant.InvalidError
		if err := s.SetPusher(ctx, c.scope, c.app.ID, bad); !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	viewer := c.member(t, s, tenant.RoleViewer)
	if err := s.SwitchPusher(ctx, viewer, c.app.ID, false); !errors.Is(err, tenant.ErrForbidden) {
		t.Errorf("as viewer: %v, want ErrForbidden", err)
	}
}

func testPusherKeys(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	ctx := t.Context()
	must(t, s.SwitchPusher(ctx, c.scope, c.app.ID, true))
	keys, err := s.PusherKeys(ctx, c.scope, c.app.ID)
	if err != nil || len(keys) != 1 || !regexp.MustCompile(`^[0-9a-f]{20}$`).MatchString(keys[0].Key) {
		t.Fatalf("keys %+v, %v; want one of 20 hex digits", keys, err)
	}
	first := keys[0].Key
	secret, err := s.PusherSecret(ctx, c.scope, c.app.ID, first)
	if err != nil || !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(secret.Reveal()) {
		t.Errorf("secret of %d characters, %v; want 32 hex digits", len(secret.Reveal()), err)
	}
	rows, err := s.Audit(ctx, c.scope, "")
	if err != nil || rows[0].Action != "pusher_key.reveal" || rows[0].Target != first || strings.Contains(rows[0].Detail, secret.Reveal()) {
		t.Errorf("newest audit row %+v, %v; want that the secret was shown, without it", rows[0], err)
	}
	if _, err := s.PusherSecret(ctx, c.member(t, s, tenant.RoleViewer), c.app.ID, first); !errors.Is(err, tenant.ErrForbidden) {
		t.Errorf("secret for a viewer: %v, want ErrForbidden", err)
	}
	rolled, err := s.RollPusherKey(ctx, c.scope, c.app.ID, first, time.Hour)
	must(t, err)
	if again, err := s.PusherSecret(ctx, c.scope, c.app.ID, rolled.Key); err != nil || again.Reveal() != rolled.Secret.Reveal() {
		t.Errorf("the secret of the new key is another, %v", err)
	}
	if _, err := s.PusherSecret(ctx, c.scope, c.app.ID, first); err != nil {
		t.Errorf("secret of a key in its overlap: %v", err)
	}
	var wrong *tenant.InvalidError
	if _, err := s.RollPusherKey(ctx, c.scope, c.app.ID, first, 0); !errors.As(err, &wrong) {
		t.Errorf("roll twice: %v", err)
	}
	if _, err := s.RollPusherKey(ctx, c.scope, c.app.ID, rolled.Key, 8*24*time.Hour); !errors.As(err, &wrong) || wrong.Field != "overlap" {
		t.Errorf("overlap of 8 days: %v", err)
	}
	must(t, s.RevokePusherKey(ctx, c.scope, c.app.ID, first))
	if err := s.RevokePusherKey(ctx, c.scope, c.app.ID, first); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("revoke twice: %v, want ErrNotFound", err)
	}
	if _, err := s.PusherSecret(ctx, c.scope, c.app.ID, first); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("secret of a dead key: %v, want ErrNotFound", err)
	}
	for range tenant.MaxPusherKeys - 1 {
		_, err := s.AddPusherKey(ctx, c.scope, c.app.ID)
		must(t, err)
	}
	if _, err := s.AddPusherKey(ctx, c.scope, c.app.ID); !errors.As(err, &wrong) {
		t.Errorf("one key too many: %v", err)
	}
	must(t, s.RevokePusherKey(ctx, c.scope, c.app.ID, rolled.Key))
}

func TestParsePusherCredentials(t *testing.T) {
	t.Parallel()
	good, err := tenant.ParsePusherCredentials("app-1:key.2:se:cr:et")
	if err != nil || good.Number != "app-1" || good.Key != "key.2" || good.Secret.Reveal() != "se:cr:et" {
		t.Errorf("got %+v, %v", good, err)
	}
	for text, field := range map[string]string{
		"": "pusher-credentials", "1:k": "pusher-credentials", ":k:hidden": "pusher app id", "1/2:k:hidden": "pusher app id",
		"..:k:hidden": "pusher app id", "1::hidden": "pusher key", "1:a b:hidden": "pusher key",
		strings.Repeat("1", 65) + ":k:hidden": "pusher app id", "1:k:": "pusher secret", "1:k:hidden\n": "pusher secret",
		"1:k:hidden ä": "pusher secret", "1:k:" + strings.Repeat("hidden", 50): "pusher secret",
	} {
		var wrong *tenant.InvalidError
		_, err := tenant.ParsePusherCredentials(text)
		if !errors.As(err, &wrong) || wrong.Field != field || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%.20q: %v, want a word about %s without the secret", text, err, field)
		}
	}
}

func FuzzParsePusherCredentials(f *testing.F) {
	f.Add("123:key:secret")
	f.Add("::")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := tenant.ParsePusherCredentials(text)
		if err == nil && got.Number+":"+got.Key+":"+got.Secret.Reveal() != text {
			t.Errorf("%q was read as %q, %q and %q", text, got.Number, got.Key, got.Secret.Reveal())
		}
	})
}

// testPusherSecretsAreSealed looks for secrets in what is stored, and for what opens them elsewhere.
func testPusherSecretsAreSealed(t *testing.T, s *tenant.Store) {
	mine, theirs := newCustomer(t, s), newCustomer(t, s)
	ctx := t.Context()
	for _, c := range []customer{mine, theirs} {
		must(t, s.SwitchPusher(ctx, c.scope, c.app.ID, true))
	}
	keys, err := s.PusherKeys(ctx, mine.scope, mine.app.ID)
	must(t, err)
	secret, err := s.PusherSecret(ctx, mine.scope, mine.app.ID, keys[0].Key)
	must(t, err)
	stored := string(dump(t, s))
	if !strings.Contains(stored, keys[0].Key) || strings.Contains(stored, secret.Reveal()) {
		t.Error("the dump lacks the key, or holds its secret in the clear")
	}
	must(t, s.Exec(ctx, `UPDATE pusher_keys SET sealed = (SELECT k.sealed FROM pusher_keys k WHERE k.app_id = $1) WHERE app_id = $2`,
		mine.app.ID, theirs.app.ID))
	others, err := s.PusherKeys(ctx, theirs.scope, theirs.app.ID)
	must(t, err)
	if moved, err := s.PusherSecret(ctx, theirs.scope, theirs.app.ID, others[0].Key); err == nil {
		t.Errorf("a sealed secret opens in another tenant's row: %v", moved)
	}
	d := openDirectory(t, s)
	if _, err := d.PusherOf(theirs.app.ID); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("app whose only secret cannot be opened: %v, want ErrNotFound", err)
	}
	if view, err := d.App(theirs.app.ID); err != nil || view.Name != theirs.app.Name {
		t.Errorf("its native side: %v, want it to live on", err)
	}
	if found, err := d.PusherOf(mine.app.ID); err != nil || found.Secret.Reveal() != secret.Reveal() {
		t.Errorf("the other app: %v, want its secret", err)
	}
}
