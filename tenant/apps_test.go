package tenant_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"halley/auth"
	"halley/pushnode/channel"
	"halley/tenant"
)

const hour = time.Hour

func now() time.Time { return time.Now() }

func testApps(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	ctx := t.Context()
	if _, err := s.CreateApp(ctx, c.scope, tenant.AppForm{Name: c.app.Name}); !errors.Is(err, tenant.ErrConflict) {
		t.Errorf("same name: %v, want ErrConflict", err)
	}
	form := tenant.AppForm{
		Name: "Live", Label: tenant.Production, Origins: []string{" https://Example.com/ ", "", "https://example.com",
			"http://localhost:3000"},
		TokenTTL: time.Hour, Issuer: "me", JWKSURL: "https://example.com/jwks.json", Disabled: true,
	}
	must(t, s.UpdateApp(ctx, c.scope, c.app.ID, form))
	app, err := s.App(ctx, c.scope, c.app.ID)
	must(t, err)
	form.Origins = []string{"https://example.com", "http://localhost:3000"}
	if got := fmt.Sprintf("%+v", app.Form()); got != fmt.Sprintf("%+v", form) {
		t.Errorf("got %s\nwant %+v", got, form)
	}
	if app.AccountID != c.accountID || app.CreatedBy != c.scope.UserID() || time.Since(app.CreatedAt) > time.Minute {
		t.Errorf("app %+v", app)
	}
	must(t, s.DeleteApp(ctx, c.scope, c.app.ID))
	for name, err := range map[string]error{
		"delete again": s.DeleteApp(ctx, c.scope, c.app.ID), "update": s.UpdateApp(ctx, c.scope, c.app.ID, form),
		"set a rule": s.SetRule(ctx, c.scope, c.app.ID, tenant.DefaultRule("")),
	} {
		if !errors.Is(err, tenant.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	list, err := s.Apps(ctx, c.scope)
	if err != nil || len(list) != 1 || list[0].Name != "first" {
		t.Errorf("apps %+v, %v; want the first alone", list, err)
	}
	if _, err := s.CreateApp(ctx, c.scope, tenant.AppForm{Name: "Live"}); err != nil {
		t.Errorf("the name of a deleted app: %v", err)
	}
}

func testAppForms(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	many := make([]string, 51)
	for i := range many {
		many[i] = fmt.Sprintf("https://a%d.example.com", i)
	}
	for name, test := range map[string]struct {
		field string
		form  tenant.AppForm
	}{
		"no name":             {"name", tenant.AppForm{}},
		"name with a newline": {"name", tenant.AppForm{Name: "a\nb"}},
		"name not text":       {"name", tenant.AppForm{Name: "a\xffb"}},
		"label":               {"label", tenant.AppForm{Name: "a", Label: "test"}},
		"short ttl":           {"token_ttl", tenant.AppForm{Name: "a", TokenTTL: time.Second}},
		"long ttl":            {"token_ttl", tenant.AppForm{Name: "a", TokenTTL: 25 * time.Hour}},
		"many origins":        {"origins", tenant.AppForm{Name: "a", Origins: many}},
		"issuer not text":     {"issuer", tenant.AppForm{Name: "a", Issuer: "\xff"}},
		"jwks not text":       {"jwks_url", tenant.AppForm{Name: "a", JWKSURL: "https://example.com/\xff"}},
		"long issuer":         {"issuer", tenant.AppForm{Name: "a", Issuer: strings.Repeat("x", 201)}},
		"jwks in the clear":   {"jwks_url", tenant.AppForm{Name: "a", JWKSURL: "http://example.com"}},
		"jwks with a user":    {"jwks_url", tenant.AppForm{Name: "a", JWKSURL: "https://me@example.com"}},
	} {
		var wrong *tenant.InvalidError
		if _, err := s.CreateApp(t.Context(), c.scope, test.form); !errors.As(err, &wrong) || wrong.Field != test.field {
			t.Errorf("%s: %v, want an InvalidError of %s", name, err, test.field)
		}
	}
	for origin, good := range map[string]bool{
		"https://example.com": true, "https://example.com:8443": true, "https://*.example.com": true, "http://127.0.0.1:3000": true,
		"http://[::1]:3000": true, "*": false, "https://*": false, "https://a.*.com": false, "https://*example.com": false,
		"https://example.com*": false, "https://example.com/path": false, "https://example.com?x": false, "ftp://example.com": false,
		"example.com": false, "null": false, "https://": false, "https://me@example.com": false, "https://example.com:": false,
		"https://*.*.example.com": false, "https://\xff.com": false, "https://ä.com": false, "https://a\x00.com": false,
		"https://" + strings.Repeat("x", 300): false,
	} {
		app, err := s.CreateApp(t.Context(), c.scope, tenant.AppForm{Name: "o", Origins: []string{origin}})
		if (err == nil) != good {
			t.Errorf("origin %q: %v, want good %v", origin, err, good)
		}
		if err == nil {
			must(t, s.DeleteApp(t.Context(), c.scope, app.ID))
		}
	}
}

func testKeys(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	ctx := t.Context()
	narrow, err := auth.ParseCapability(map[string][]string{"room:*": {"publish"}})
	must(t, err)
	key, secret, err := s.CreateKey(ctx, c.scope, c.app.ID, tenant.KeyForm{Kind: secretKind, Capability: narrow})
	must(t, err)
	parsed, err := auth.ParseKey(secret.Reveal())
	if err != nil || parsed.ID != key.ID || !strings.HasSuffix(secret.Reveal(), key.Last4) {
		t.Errorf("key %+v of text with id %s, %v", key, parsed.ID, err)
	}
	fresh, _, err := s.RollKey(ctx, c.scope, c.app.ID, key.ID, time.Hour)
	must(t, err)
	if fresh.RolledFrom != key.ID || !fresh.Capability.Allows(auth.OpPublish, "room:1") ||
		fresh.Capability.Allows(auth.OpPublish, "other") {
		t.Errorf("rolled key %+v", fresh)
	}
	var wrong *tenant.InvalidError
	if _, _, err := s.RollKey(ctx, c.scope, c.app.ID, key.ID, 0); !errors.As(err, &wrong) {
		t.Errorf("rolled twice: %v", err)
	}
	alive := func() (ids []string) {
		list, err := s.Keys(ctx, c.scope, c.app.ID)
		must(t, err)
		for _, k := range list {
			if k.Alive(time.Now()) {
				ids = append(ids, k.ID)
			}
		}
		slices.Sort(ids)
		return ids
	}
	if got, want := alive(), slices.Sorted(slices.Values([]string{key.ID, fresh.ID})); !slices.Equal(got, want) {
		t.Errorf("alive in the overlap %v, want %v", got, want)
	}
	must(t, s.RevokeKey(ctx, c.scope, c.app.ID, key.ID)) // sooner than the overlap
	if got := alive(); !slices.Equal(got, []string{fresh.ID}) {
		t.Errorf("alive after revoking %v, want %v", got, fresh.ID)
	}
	if err := s.RevokeKey(ctx, c.scope, c.app.ID, key.ID); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("revoked twice: %v, want ErrNotFound", err)
	}
	if _, _, err := s.RollKey(ctx, c.scope, c.app.ID, fresh.ID, 8*24*time.Hour); !errors.As(err, &wrong) {
		t.Errorf("overlap of 8 days: %v", err)
	}
}

func testKeyForms(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	for field, form := range map[string]tenant.KeyForm{
		"kind":       {Kind: auth.KindToken},
		"name":       {Kind: secretKind, Name: strings.Repeat("x", 101)},
		"capability": {Kind: publishableKind, Capability: auth.AllowAll()},
		"expires_at": {Kind: secretKind, ExpiresAt: time.Now().Add(-time.Second)},
	} {
		var wrong *tenant.InvalidError
		if _, _, err := s.CreateKey(t.Context(), c.scope, c.app.ID, form); !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	key, _, err := s.CreateKey(t.Context(), c.scope, c.app.ID, tenant.KeyForm{Kind: secretKind,
		ExpiresAt: time.Now().Add(time.Hour)})
	must(t, err)
	if !key.Alive(time.Now()) || key.Alive(time.Now().Add(time.Hour)) || key.Name != "Secret key" ||
		!key.Capability.Allows(auth.OpHistory, "x") {
		t.Errorf("key %+v", key)
	}
	for i := 1; i < tenant.MaxKeys; i++ {
		_, _, err := s.CreateKey(t.Context(), c.scope, c.app.ID, tenant.KeyForm{Kind: publishableKind})
		must(t, err)
	}
	var wrong *tenant.InvalidError
	if _, _, err := s.CreateKey(t.Context(), c.scope, c.app.ID, tenant.KeyForm{Kind: publishableKind}); !errors.As(err, &wrong) {
		t.Errorf("one key too many: %v", err)
	}
}

func testRules(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	ctx := t.Context()
	rule := tenant.DefaultRule("room:")
	if !rule.Public || rule.ClientPublish || rule.Policy != channel.PolicyResume || rule.Retention != channel.DefaultRetention {
		t.Errorf("default rule %+v", rule)
	}
	rule.Policy, rule.Retention.Bytes = channel.PolicyBlock, 0
	must(t, s.SetRule(ctx, c.scope, c.app.ID, rule))
	rule.Retention.Messages, rule.Retention.Age, rule.ClientPublish = 1000, 24*time.Hour, true
	must(t, s.SetRule(ctx, c.scope, c.app.ID, rule))
	must(t, s.SetRule(ctx, c.scope, c.app.ID, tenant.DefaultRule("")))
	list, err := s.Rules(ctx, c.scope, c.app.ID)
	rule.Retention.Bytes = tenant.DefaultLimits().HistoryBytes
	if err != nil || len(list) != 2 || list[0] != rule {
		t.Errorf("rules %+v, %v; want %+v first of two", list, err, rule)
	}
	for field, change := range map[string]func(r *channel.Rule){
		"prefix":  func(r *channel.Rule) { r.Prefix = "room:*" },
		"policy":  func(r *channel.Rule) { r.Policy = "drop" },
		"history": func(r *channel.Rule) { r.Retention.Messages = 10_001 },
		"bytes":   func(r *channel.Rule) { r.Retention.Bytes = 5 << 20 },
		"ttl":     func(r *channel.Rule) { r.Retention.Age = 25 * time.Hour },
	} {
		bad := rule
		change(&bad)
		var wrong *tenant.InvalidError
		if err := s.SetRule(ctx, c.scope, c.app.ID, bad); !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	must(t, s.DeleteRule(ctx, c.scope, c.app.ID, "room:"))
	if err := s.DeleteRule(ctx, c.scope, c.app.ID, "room:"); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("delete twice: %v, want ErrNotFound", err)
	}
	for i := 1; i < tenant.MaxRules; i++ {
		must(t, s.SetRule(ctx, c.scope, c.app.ID, tenant.DefaultRule(fmt.Sprint(i, ":")[:1]+fmt.Sprint(i))))
	}
	var wrong *tenant.InvalidError
	if err := s.SetRule(ctx, c.scope, c.app.ID, tenant.DefaultRule("too-many:")); !errors.As(err, &wrong) {
		t.Errorf("one rule too many: %v", err)
	}
}

func testLimits(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	ctx := t.Context()
	operator := s.OperatorScope(c.accountID, tenant.Client{})
	must(t, s.SetAccountLimits(ctx, operator, tenant.Overrides{tenant.LimitConnections: 500, tenant.LimitBatch: 50}))
	must(t, s.SetLimits(ctx, c.scope, c.app.ID, tenant.Overrides{tenant.LimitConnections: 100}))
	limits, own, err := s.LimitsOf(ctx, c.scope, c.app.ID)
	must(t, err)
	if limits.Connections != 100 || limits.Batch != 50 || limits.MessageBytes != 64<<10 ||
		!maps.Equal(own, tenant.Overrides{tenant.LimitConnections: 100}) {
		t.Errorf("limits %+v, own %v", limits, own)
	}
	if err := s.SetLimits(ctx, c.scope, c.app.ID, tenant.Overrides{tenant.LimitConnections: 501}); !errors.Is(err,
		tenant.ErrForbidden) {
		t.Errorf("above the account's: %v, want ErrForbidden", err)
	}
	must(t, s.SetLimits(ctx, operator, c.app.ID, tenant.Overrides{tenant.LimitConnections: 501, tenant.LimitMessagesPerMonth: 9e9}))
	for name, values := range map[string]tenant.Overrides{
		"unknown": {"conections": 1}, "zero": {tenant.LimitConnections: 0}, "huge": {tenant.LimitMessageBytes: 1 << 40},
	} {
		var wrong *tenant.InvalidError
		if err := s.SetLimits(ctx, operator, c.app.ID, values); !errors.As(err, &wrong) {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.SetAccountLimits(ctx, operator, values); !errors.As(err, &wrong) {
			t.Errorf("%s for the account: %v", name, err)
		}
	}
}

func testTokenKeys(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	ctx := t.Context()
	good := auth.NewSecret("0123456789abcdef0123456789abcdef")
	var wrong *tenant.InvalidError
	if err := s.AddTokenKey(ctx, c.scope, c.app.ID, "k", auth.NewSecret("short")); !errors.As(err, &wrong) ||
		wrong.Field != "secret" {
		t.Errorf("short secret: %v", err)
	}
	if err := s.AddTokenKey(ctx, c.scope, c.app.ID, "", good); !errors.As(err, &wrong) || wrong.Field != "id" {
		t.Errorf("no id: %v", err)
	}
	for i := range tenant.MaxTokenKeys {
		must(t, s.AddTokenKey(ctx, c.scope, c.app.ID, fmt.Sprint("k", i), good))
	}
	if err := s.AddTokenKey(ctx, c.scope, c.app.ID, "more", good); !errors.As(err, &wrong) {
		t.Errorf("one too many: %v", err)
	}
	must(t, s.DeleteTokenKey(ctx, c.scope, c.app.ID, "k0"))
	if err := s.DeleteTokenKey(ctx, c.scope, c.app.ID, "k0"); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("delete twice: %v, want ErrNotFound", err)
	}
	if err := s.AddTokenKey(ctx, c.scope, c.app.ID, "k1", good); !errors.Is(err, tenant.ErrConflict) {
		t.Errorf("same id: %v, want ErrConflict", err)
	}
	list, err := s.TokenKeys(ctx, c.scope, c.app.ID)
	if err != nil || len(list) != tenant.MaxTokenKeys-1 || list[0].CreatedBy != c.scope.UserID() {
		t.Errorf("token keys %+v, %v", list, err)
	}
}

func testAudit(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	ctx := t.Context()
	start, err := s.Audit(ctx, c.scope, "")
	must(t, err)
	key, secret, err := s.CreateKey(ctx, c.scope, c.app.ID, tenant.KeyForm{Kind: secretKind})
	must(t, err)
	_ = s.RevokeKey(ctx, c.scope, c.app.ID, "none")                    // fails: no row
	_ = s.SetRule(ctx, c.scope, c.app.ID, channel.Rule{Prefix: "a b"}) // fails: no row
	must(t, s.RevokeKey(ctx, c.scope, c.app.ID, key.ID))
	rows, err := s.Audit(ctx, c.scope, "")
	must(t, err)
	if len(rows) != len(start)+2 {
		t.Fatalf("%d rows, want %d", len(rows), len(start)+2)
	}
	newest := rows[0]
	if newest.Action != "key.revoke" || newest.Target != key.ID || newest.Actor != c.scope.UserID() ||
		newest.Role != tenant.RoleOwner ||
		newest.IP != "192.0.2.1" || newest.RequestID != "req_test" {
		t.Errorf("row %+v", newest)
	}
	var detail map[string]any
	if err := json.Unmarshal([]byte(rows[1].Detail), &detail); err != nil || detail["name"] != "Secret key" {
		t.Errorf("detail %q, %v", rows[1].Detail, err)
	}
	if strings.Contains(rows[1].Detail, secret.Reveal()) {
		t.Error("the secret is in the audit log")
	}
	for i := range 110 {
		must(t, s.RenameAccount(ctx, c.scope, fmt.Sprint("name ", i)))
	}
	first, err := s.Audit(ctx, c.scope, "")
	must(t, err)
	second, err := s.Audit(ctx, c.scope, first[len(first)-1].ID)
	must(t, err)
	if len(first) != 100 || len(second) != len(rows)+10 || second[len(second)-1].ID != rows[len(rows)-1].ID {
		t.Errorf("pages of %d and %d rows, want 100 and %d", len(first), len(second), len(rows)+10)
	}
	if _, err := s.Audit(ctx, c.member(t, s, tenant.RoleDeveloper), ""); !errors.Is(err, tenant.ErrForbidden) {
		t.Errorf("as developer: %v, want ErrForbidden", err)
	}
}
