package tenant_test

import (
	"errors"
	"strings"
	"testing"

	"halley/auth"
	"halley/pushnode/channel"
	"halley/tenant"
)

const (
	secretKind      = auth.KindSecret
	publishableKind = auth.KindPublishable
)

// testRoles drives the table of roles over every changing method: libraries.md 2.2.
func testRoles(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	live, err := s.CreateApp(t.Context(), c.scope, tenant.AppForm{Name: "live", Label: tenant.Production})
	must(t, err)
	scopes := map[tenant.Role]tenant.Scope{
		tenant.RoleOwner: c.scope, tenant.RoleAdmin: c.member(t, s, tenant.RoleAdmin),
		tenant.RoleDeveloper: c.member(t, s, tenant.RoleDeveloper), tenant.RoleViewer: c.member(t, s, tenant.RoleViewer),
	}
	ctx := t.Context()
	newKey := func(appID string) string {
		key, _, err := s.CreateKey(ctx, c.scope, appID, tenant.KeyForm{Kind: secretKind})
		must(t, err)
		return key.ID
	}
	onApp := map[string]func(scope tenant.Scope, app tenant.App) error{
		"UpdateApp": func(scope tenant.Scope, app tenant.App) error { return s.UpdateApp(ctx, scope, app.ID, app.Form()) },
		"CreateKey": func(scope tenant.Scope, app tenant.App) error {
			_, _, err := s.CreateKey(ctx, scope, app.ID, tenant.KeyForm{Kind: publishableKind})
			return err
		},
		"RollKey": func(scope tenant.Scope, app tenant.App) error {
			_, _, err := s.RollKey(ctx, scope, app.ID, newKey(app.ID), 0)
			return err
		},
		"RevokeKey": func(scope tenant.Scope, app tenant.App) error { return s.RevokeKey(ctx, scope, app.ID, newKey(app.ID)) },
		"SetRule": func(scope tenant.Scope, app tenant.App) error {
			return s.SetRule(ctx, scope, app.ID, tenant.DefaultRule("room:"))
		},
		"DeleteRule": func(scope tenant.Scope, app tenant.App) error {
			must(t, s.SetRule(ctx, c.scope, app.ID, tenant.DefaultRule("gone:")))
			return s.DeleteRule(ctx, scope, app.ID, "gone:")
		},
		"SetLimits": func(scope tenant.Scope, app tenant.App) error {
			return s.SetLimits(ctx, scope, app.ID, tenant.Overrides{tenant.LimitBatch: 10})
		},
		"TokenKeys": func(scope tenant.Scope, app tenant.App) error {
			secret := auth.NewSecret("0123456789abcdef0123456789abcdef")
			if err := s.AddTokenKey(ctx, scope, app.ID, "k", secret); err != nil {
				return err
			}
			return s.DeleteTokenKey(ctx, scope, app.ID, "k")
		},
		"DeleteApp": func(scope tenant.Scope, app tenant.App) error {
			copied, err := s.CreateApp(ctx, c.scope, tenant.AppForm{Name: "to delete", Label: app.Label})
			must(t, err)
			err = s.DeleteApp(ctx, scope, copied.ID)
			if err != nil {
				must(t, s.DeleteApp(ctx, c.scope, copied.ID))
			}
			return err
		},
	}
	allowed := map[tenant.Role]map[tenant.Label]bool{
		tenant.RoleOwner:     {tenant.Development: true, tenant.Production: true},
		tenant.RoleAdmin:     {tenant.Development: true, tenant.Production: true},
		tenant.RoleDeveloper: {tenant.Development: true, tenant.Production: false},
		tenant.RoleViewer:    {tenant.Development: false, tenant.Production: false},
	}
	for role, scope := range scopes {
		for name, do := range onApp {
			for _, app := range []tenant.App{c.app, live} {
				err := do(scope, app)
				if want := allowed[role][app.Label]; (err == nil) != want || !want && !errors.Is(err, tenant.ErrForbidden) {
					t.Errorf("%s as %s on an app in %s: %v, want allowed %v", name, role, app.Label, err, want)
				}
				if scope.May(tenant.Manage, app.Label) != allowed[role][app.Label] {
					t.Errorf("May says otherwise for %s in %s", role, app.Label)
				}
			}
		}
	}
	if err := s.UpdateApp(ctx, scopes[tenant.RoleDeveloper], c.app.ID, tenant.AppForm{Name: "mine",
		Label: tenant.Production}); !errors.Is(err, tenant.ErrForbidden) {
		t.Errorf("a developer made an app production: %v", err)
	}
}

func testMembers(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	admin, viewer := c.member(t, s, tenant.RoleAdmin), c.member(t, s, tenant.RoleViewer)
	ctx := t.Context()
	stranger := newCustomer(t, s).scope.UserID()
	for _, test := range []struct {
		name string
		err  error
		want error
	}{
		{"an admin adds an owner", s.AddMember(ctx, admin, stranger, tenant.RoleOwner), tenant.ErrForbidden},
		{"a viewer adds a viewer", s.AddMember(ctx, viewer, stranger, tenant.RoleViewer), tenant.ErrForbidden},
		{"an admin makes themselves owner", s.SetRole(ctx, admin, admin.UserID(), tenant.RoleOwner), tenant.ErrForbidden},
		{"an admin demotes the owner", s.SetRole(ctx, admin, c.scope.UserID(), tenant.RoleViewer), tenant.ErrForbidden},
		{"an admin removes the owner", s.RemoveMember(ctx, admin, c.scope.UserID()), tenant.ErrForbidden},
		{"a viewer removes an admin", s.RemoveMember(ctx, viewer, admin.UserID()), tenant.ErrForbidden},
		{"the last owner steps down", s.SetRole(ctx, c.scope, c.scope.UserID(), tenant.RoleAdmin), tenant.ErrLastOwner},
		{"the last owner leaves", s.RemoveMember(ctx, c.scope, c.scope.UserID()), tenant.ErrLastOwner},
		{"nobody's role", s.SetRole(ctx, c.scope, stranger, tenant.RoleAdmin), tenant.ErrNotFound},
		{"a user who does not exist", s.AddMember(ctx, c.scope, "usr_none", tenant.RoleViewer), tenant.ErrNoParent},
		{"a member again", s.AddMember(ctx, c.scope, viewer.UserID(), tenant.RoleViewer), tenant.ErrConflict},
		{"an admin promotes a viewer", s.SetRole(ctx, admin, viewer.UserID(), tenant.RoleDeveloper), nil},
		{"a viewer leaves", s.RemoveMember(ctx, viewer, viewer.UserID()), nil},
		{"the owner makes another", s.SetRole(ctx, c.scope, admin.UserID(), tenant.RoleOwner), nil},
		{"the first owner leaves", s.RemoveMember(ctx, c.scope, c.scope.UserID()), nil},
	} {
		if !errors.Is(test.err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, test.err, test.want)
		}
	}
	members, err := s.Members(ctx, admin)
	if err != nil || len(members) != 1 || members[0].UserID != admin.UserID() || members[0].Role != tenant.RoleOwner {
		t.Errorf("members %+v, %v; want the new owner alone", members, err)
	}
}

// A scope outlives a membership by as long as its request takes: changes look again.
func testRemovedMember(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	admin := c.member(t, s, tenant.RoleAdmin)
	must(t, s.RemoveMember(t.Context(), c.scope, admin.UserID()))
	if _, err := s.CreateApp(t.Context(), admin, tenant.AppForm{Name: "late"}); !errors.Is(err, tenant.ErrForbidden) {
		t.Errorf("a removed member made an app: %v", err)
	}
	if _, err := s.Scope(t.Context(), tenant.LoginAs(admin.UserID()), c.accountID); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("scope of a removed member: %v", err)
	}
}

func testAccounts(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	must(t, s.RenameAccount(t.Context(), c.scope, " Comet Ltd "))
	account, err := s.Account(t.Context(), c.scope)
	if err != nil || account.Name != "Comet Ltd" || account.Suspended || account.CreatedAt.IsZero() {
		t.Errorf("account %+v, %v", account, err)
	}
	if err := s.RenameAccount(t.Context(), c.member(t, s, tenant.RoleViewer), "Mine"); !errors.Is(err, tenant.ErrForbidden) {
		t.Errorf("a viewer renamed the account: %v", err)
	}
	var wrong *tenant.InvalidError
	if err := s.RenameAccount(t.Context(), c.scope, " "); !errors.As(err, &wrong) {
		t.Errorf("no name: %v", err)
	}
	must(t, s.SuspendAccount(t.Context(), s.OperatorScope(c.accountID, tenant.Client{}), true))
	list, err := s.Memberships(t.Context(), tenant.LoginAs(c.scope.UserID()))
	if err != nil || len(list) != 2 && len(list) != 1 || !list[0].Account.Suspended {
		t.Errorf("memberships %+v, %v; want it suspended", list, err)
	}
}

// testForeignIDs tries every method with ids of another account: they are not found, as if there were no such thing.
func testForeignIDs(t *testing.T, s *tenant.Store) {
	mine, theirs := newCustomer(t, s), newCustomer(t, s)
	ctx := t.Context()
	key, _, err := s.CreateKey(ctx, theirs.scope, theirs.app.ID, tenant.KeyForm{Kind: secretKind})
	must(t, err)
	must(t, s.SetRule(ctx, theirs.scope, theirs.app.ID, tenant.DefaultRule("room:")))
	must(t, s.SwitchPusher(ctx, theirs.scope, theirs.app.ID, true))
	pushers, err := s.PusherKeys(ctx, theirs.scope, theirs.app.ID)
	must(t, err)
	before, err := s.Audit(ctx, theirs.scope, "")
	must(t, err)
	attempts := map[string]func(scope tenant.Scope, appID, keyID string) error{
		"App":       func(scope tenant.Scope, appID, _ string) error { _, err := s.App(ctx, scope, appID); return err },
		"Keys":      func(scope tenant.Scope, appID, _ string) error { _, err := s.Keys(ctx, scope, appID); return err },
		"Rules":     func(scope tenant.Scope, appID, _ string) error { _, err := s.Rules(ctx, scope, appID); return err },
		"TokenKeys": func(scope tenant.Scope, appID, _ string) error { _, err := s.TokenKeys(ctx, scope, appID); return err },
		"LimitsOf": func(scope tenant.Scope, appID, _ string) error {
			_, _, err := s.LimitsOf(ctx, scope, appID)
			return err
		},
		"MonthUsage": func(scope tenant.Scope, appID, _ string) error {
			_, err := s.MonthUsage(ctx, scope, appID, now())
			return err
		},
		"Series": func(scope tenant.Scope, appID, _ string) error {
			_, err := s.Series(ctx, scope, appID, tenant.StepHour, now().Add(-hour), now())
			return err
		},
		"UpdateApp": func(scope tenant.Scope, appID, _ string) error {
			return s.UpdateApp(ctx, scope, appID, tenant.AppForm{Name: "taken"})
		},
		"DeleteApp": func(scope tenant.Scope, appID, _ string) error { return s.DeleteApp(ctx, scope, appID) },
		"CreateKey": func(scope tenant.Scope, appID, _ string) error {
			_, _, err := s.CreateKey(ctx, scope, appID, tenant.KeyForm{Kind: secretKind})
			return err
		},
		"RollKey": func(scope tenant.Scope, appID, keyID string) error {
			_, _, err := s.RollKey(ctx, scope, appID, keyID, 0)
			return err
		},
		"RevokeKey": func(scope tenant.Scope, appID, keyID string) error { return s.RevokeKey(ctx, scope, appID, keyID) },
		"SetRule": func(scope tenant.Scope, appID, _ string) error {
			return s.SetRule(ctx, scope, appID, channel.Rule{Prefix: "room:", Retention: channel.DefaultRetention})
		},
		"DeleteRule": func(scope tenant.Scope, appID, _ string) error { return s.DeleteRule(ctx, scope, appID, "room:") },
		"SetLimits": func(scope tenant.Scope, appID, _ string) error {
			return s.SetLimits(ctx, scope, appID, tenant.Overrides{tenant.LimitBatch: 1})
		},
		"AddTokenKey": func(scope tenant.Scope, appID, _ string) error {
			return s.AddTokenKey(ctx, scope, appID, "k", auth.NewSecret("0123456789abcdef0123456789abcdef"))
		},
		"Pusher":       func(scope tenant.Scope, appID, _ string) error { _, err := s.Pusher(ctx, scope, appID); return err },
		"PusherKeys":   func(scope tenant.Scope, appID, _ string) error { _, err := s.PusherKeys(ctx, scope, appID); return err },
		"SwitchPusher": func(scope tenant.Scope, appID, _ string) error { return s.SwitchPusher(ctx, scope, appID, true) },
		"SetPusher": func(scope tenant.Scope, appID, _ string) error {
			return s.SetPusher(ctx, scope, appID, tenant.DefaultPusherSettings())
		},
		"AddPusherKey": func(scope tenant.Scope, appID, _ string) error {
			_, err := s.AddPusherKey(ctx, scope, appID)
			return err
		},
		"BringPusher": func(scope tenant.Scope, appID, _ string) error {
			return s.BringPusher(ctx, scope, appID, credentials(t, "4711:brought:secret"))
		},
		"PusherSecret": func(scope tenant.Scope, appID, keyID string) error {
			_, err := s.PusherSecret(ctx, scope, appID, keyID)
			return err
		},
		"RollPusherKey": func(scope tenant.Scope, appID, keyID string) error {
			_, err := s.RollPusherKey(ctx, scope, appID, keyID, 0)
			return err
		},
		"RevokePusherKey": func(scope tenant.Scope, appID, keyID string) error {
			return s.RevokePusherKey(ctx, scope, appID, keyID)
		},
	}
	for name, attempt := range attempts {
		if err := attempt(mine.scope, theirs.app.ID, key.ID); !errors.Is(err, tenant.ErrNotFound) {
			t.Errorf("%s with a foreign app: %v, want ErrNotFound", name, err)
		}
		for _, strange := range []string{"a\x00b", "\xff", strings.Repeat("x", 10_000)} {
			if err := attempt(mine.scope, strange, strange); !errors.Is(err, tenant.ErrNotFound) {
				t.Errorf("%s with id %.20q: %v, want ErrNotFound", name, strange, err)
			}
		}
		if err := attempt(mine.scope, "app_none", "none"); !errors.Is(err, tenant.ErrNotFound) {
			t.Errorf("%s with no app: %v, want ErrNotFound", name, err)
		}
	}
	for _, name := range []string{"RollKey", "RevokeKey"} {
		if err := attempts[name](mine.scope, mine.app.ID, key.ID); !errors.Is(err, tenant.ErrNotFound) {
			t.Errorf("%s with a foreign key in an app of one's own: %v, want ErrNotFound", name, err)
		}
	}
	must(t, s.SwitchPusher(ctx, mine.scope, mine.app.ID, true))
	for _, name := range []string{"PusherSecret", "RollPusherKey", "RevokePusherKey"} {
		for _, appID := range []string{mine.app.ID, theirs.app.ID} {
			if err := attempts[name](mine.scope, appID, pushers[0].Key); !errors.Is(err, tenant.ErrNotFound) {
				t.Errorf("%s with a foreign Pusher key in app %s: %v, want ErrNotFound", name, appID, err)
			}
		}
	}
	if _, err := s.Scope(ctx, tenant.LoginAs(mine.scope.UserID()), theirs.accountID); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("scope on a foreign account: %v, want ErrNotFound", err)
	}
	if after, err := s.Audit(ctx, theirs.scope, ""); err != nil || len(after) != len(before) {
		t.Errorf("%d audit rows were %d before: %v", len(after), len(before), err)
	}
}

// testForeignKeys goes behind the store's back: the schema itself has no place for a reference across accounts.
func testForeignKeys(t *testing.T, s *tenant.Store) {
	mine, theirs := newCustomer(t, s), newCustomer(t, s)
	for table, insert := range map[string]string{
		"app_keys": `INSERT INTO app_keys (account_id, app_id, key_id, kind, hash, last4, name, capability, created_at, created_by,
			expires_at, revoked_at, rolled_from, last_used_at, public_text)
			VALUES ($1, $2, 'k', 'secret', $3, '', '', '{}', 0, '', 0, 0, '', 0, '')`,
		"channel_rules": `INSERT INTO channel_rules (account_id, app_id, prefix, public, client_publish, presence, policy, messages,
			bytes, age)
			VALUES ($1, $2, '', 0, 0, 0, 'resume', 0, 0, 0)`,
		"app_limits": `INSERT INTO app_limits (account_id, app_id, limit_name, value) VALUES ($1, $2, 'batch', 1)`,
		"token_keys": `INSERT INTO token_keys (account_id, app_id, token_key_id, sealed, created_at, created_by)
			VALUES ($1, $2, 'k', $3, 0, '')`,
		"usage_ledger": `INSERT INTO usage_ledger (account_id, app_id, period, begins_at, node, publishes, deliveries, bytes_in,
			bytes_out,
			presence, connections) VALUES ($1, $2, 'month', 0, 'n', 0, 0, 0, 0, 0, 0)`,
		"pusher_apps": `INSERT INTO pusher_apps (account_id, app_id, number, enabled, client_events, subscription_counts, event_bytes,
			rewind) VALUES ($1, $2, '1', 0, 0, 0, 0, 0)`,
		"webhook_endpoints": `INSERT INTO webhook_endpoints (account_id, app_id, endpoint_id, url, events, prefix, suffix, batched, enabled,
			sealed, header_names, created_at, created_by) VALUES ($1, $2, 'w', '', '', '', '', 0, 0, $3, '', 0, '')`,
		"webhook_deliveries": `INSERT INTO webhook_deliveries (account_id, app_id, delivery_id, endpoint_id, outcome, status, fault, duration,
			attempts, events, body, begun_at, told_at, next_at) VALUES ($1, $2, 'd', 'w', '', 0, '', 0, 0, 0, '', 0, 0, 0)`,
	} {
		args := []any{mine.accountID, theirs.app.ID, []byte{}}[:2+strings.Count(insert, "$3")]
		if err := s.Exec(t.Context(), insert, args...); !errors.Is(err, tenant.ErrNoParent) {
			t.Errorf("%s of one account for an app of another: %v, want ErrNoParent", table, err)
		}
		args[0] = theirs.accountID
		if err := s.Exec(t.Context(), insert, args...); err != nil {
			t.Errorf("%s with the right account: %v", table, err)
		}
	}
}
