package tenant_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"halley/auth"
	"halley/tenant"
)

func testProvision(t *testing.T, s *tenant.Store) {
	ctx := t.Context()
	want := tenant.Provision{
		Account: "Comet", App: "Chat", Email: "Ops@example.com", Limits: tenant.Overrides{tenant.LimitPublishesPerSecond: 50_000},
		Origins: []string{"https://example.com"},
	}
	first, err := s.Provision(ctx, want, tenant.Client{})
	must(t, err)
	for kind, key := range map[auth.Kind]auth.Secret{secretKind: first.SecretKey, publishableKind: first.PublishableKey} {
		if parsed, err := auth.ParseKey(key.Reveal()); err != nil || parsed.Kind != kind {
			t.Errorf("key of kind %v, %v; want %v", parsed.Kind, err, kind)
		}
	}
	want.Origins, want.Limits = nil, tenant.Overrides{tenant.LimitBatch: 7}
	again, err := s.Provision(ctx, want, tenant.Client{})
	must(t, err)
	if again.AccountID != first.AccountID || again.AppID != first.AppID || again.SecretKey.Reveal() == first.SecretKey.Reveal() {
		t.Errorf("again: %s/%s, want %s/%s with a new key", again.AccountID, again.AppID, first.AccountID, first.AppID)
	}
	want.App, want.Email, want.Origins = "Other", "second@example.com", []string{"https://other.example.com"}
	other, err := s.Provision(ctx, want, tenant.Client{})
	must(t, err)
	if other.AccountID != first.AccountID || other.AppID == first.AppID {
		t.Errorf("another app: %s/%s", other.AccountID, other.AppID)
	}
	_, err = s.Provision(ctx, want, tenant.Client{})
	must(t, err)
	scope, err := s.OperatorScopeOf(ctx, first.AppID, tenant.Client{})
	must(t, err)
	app, err := s.App(ctx, scope, first.AppID)
	if err != nil || len(app.Origins) != 1 || app.Label != tenant.Production {
		t.Errorf("app %+v, %v; want its origins kept", app, err)
	}
	limits, _, err := s.LimitsOf(ctx, scope, first.AppID)
	if err != nil || limits.PublishesPerSecond != 50_000 || limits.Batch != 7 {
		t.Errorf("limits %+v, %v", limits, err)
	}
	members, err := s.Members(ctx, scope)
	if err != nil || len(members) != 2 {
		t.Errorf("members %+v, %v; want both addresses", members, err)
	}
	list, err := s.AllApps(ctx, scope)
	if err != nil || len(list) != 2 || list[0].AccountName != "Comet" || list[0].App.Name != "Chat" {
		t.Errorf("all apps %+v, %v", list, err)
	}
	stranger, account := signUp(t, s, "stranger@example.com")
	must(t, s.RenameAccount(ctx, scopeOf(t, s, stranger.ID, account.ID), "Nebula"))
	mine, err := s.Provision(ctx, tenant.Provision{Account: "Nebula", App: "a", Email: "ops@example.com"}, tenant.Client{})
	if err != nil || mine.AccountID == account.ID {
		t.Errorf("the operator's app went into a stranger's account of the same name: %v", err)
	}
	theirs, err := s.Provision(ctx, tenant.Provision{Account: "ada", App: "a", Email: "stranger@example.com"}, tenant.Client{})
	if err != nil || theirs.AccountID == account.ID {
		t.Errorf("another name went into the same account: %v", err)
	}
	for field, bad := range map[string]tenant.Provision{
		"account": {App: "a", Email: "a@example.com"}, "name": {Account: "a", Email: "a@example.com"}, "email": {Account: "a",
			App: "a"},
		"origins": {Account: "a", App: "a", Email: "a@example.com", Origins: []string{"*"}},
		"limit":   {Account: "a", App: "a", Email: "a@example.com", Limits: tenant.Overrides{"x": 1}},
	} {
		var wrong *tenant.InvalidError
		if _, err := s.Provision(ctx, bad, tenant.Client{}); !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// Several operators, or one in a hurry: one account, one app, as many keys as calls.
func TestProvisionAtOnce(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, db.config(t))
			var made [6]tenant.Provisioned
			var calls sync.WaitGroup
			for i := range made {
				calls.Go(func() {
					var err error
					made[i], err = s.Provision(t.Context(), tenant.Provision{Account: "a", App: "b", Email: "c@example.com"},
						tenant.Client{})
					if err != nil {
						t.Error(err)
					}
				})
			}
			calls.Wait()
			for _, one := range made {
				if one.AccountID != made[0].AccountID || one.AppID != made[0].AppID {
					t.Errorf("%s/%s, want %s/%s", one.AccountID, one.AppID, made[0].AccountID, made[0].AppID)
				}
			}
		})
	}
}

func testOperatorOnly(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	_, listed := s.AllApps(t.Context(), c.scope)
	for name, err := range map[string]error{
		"AllApps":          listed,
		"SuspendAccount":   s.SuspendAccount(t.Context(), c.scope, true),
		"SetAccountLimits": s.SetAccountLimits(t.Context(), c.scope, tenant.Overrides{tenant.LimitBatch: 1}),
	} {
		if !errors.Is(err, tenant.ErrForbidden) {
			t.Errorf("%s as owner: %v, want ErrForbidden", name, err)
		}
	}
	if _, err := s.OperatorScopeOf(t.Context(), "app_none", tenant.Client{}); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("scope of no app: %v, want ErrNotFound", err)
	}
	nowhere := s.OperatorScope("acc_none", tenant.Client{})
	if _, err := s.CreateApp(t.Context(), nowhere, tenant.AppForm{Name: "a"}); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("app in no account: %v, want ErrNotFound", err)
	}
}

func testSigningKeys(t *testing.T, s *tenant.Store) {
	ctx := t.Context()
	var starts sync.WaitGroup
	var ids [4]string
	for i := range ids { // several nodes start on an empty database
		starts.Go(func() {
			keys, err := s.SigningKeys(ctx)
			if err != nil || len(keys) != 1 {
				t.Errorf("%d keys, %v; want one", len(keys), err)
				return
			}
			ids[i] = keys[0].ID()
		})
	}
	starts.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("nodes have different keys: %v", ids)
		}
	}
	if err := s.RetireSigningKey(ctx, ids[0]); !errors.Is(err, tenant.ErrConflict) {
		t.Errorf("retire the only key: %v, want ErrConflict", err)
	}
	fresh, err := s.AddSigningKey(ctx)
	must(t, err)
	order := func(want ...string) {
		t.Helper()
		keys, err := s.SigningKeys(ctx)
		must(t, err)
		if len(keys) != len(want) {
			t.Fatalf("%d keys, want %v", len(keys), want)
		}
		for i := range want {
			if keys[i].ID() != want[i] {
				t.Errorf("key %d is %s, want %s", i, keys[i].ID(), want[i])
			}
		}
	}
	order(ids[0], fresh)
	must(t, s.RetireSigningKey(ctx, ids[0]))
	order(fresh, ids[0])
	if err := s.RetireSigningKey(ctx, ids[0]); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("retire twice: %v, want ErrNotFound", err)
	}
	must(t, s.Exec(ctx, `UPDATE signing_keys SET retired_at = $1 WHERE key_id = $2`, time.Now().Add(-time.Second).UnixMilli(),
		ids[0]))
	order(fresh)
}
