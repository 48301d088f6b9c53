package tenant_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"halley/auth"
	"halley/tenant"
)

// hook is an endpoint with something of everything.
var hook = tenant.WebhookSettings{
	URL: "https://example.com/hook?token=1", Events: []string{"channel_occupied", "member_added"}, Prefix: "presence-", Suffix: "-x", Batched: true,
}

func testWebhooks(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	ctx := t.Context()
	headers := []tenant.WebhookHeader{{Name: "Authorization", Value: auth.NewSecret("Bearer canary-header")}}
	id, err := s.AddWebhook(ctx, c.scope, c.app.ID, hook, headers)
	must(t, err)
	read := func() tenant.Webhook {
		t.Helper()
		list, err := s.Webhooks(ctx, c.scope, c.app.ID)
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v, %v; want one", list, err)
		}
		return list[0]
	}
	if got := read(); got.ID != id || !got.Enabled || !slices.Equal(got.HeaderNames, []string{"Authorization"}) ||
		fmt.Sprint(got.WebhookSettings) != fmt.Sprint(hook) || got.CreatedAt.IsZero() {
		t.Errorf("made: %+v", got)
	}
	changed := tenant.WebhookSettings{URL: "https://example.com/elsewhere"}
	must(t, s.SetWebhook(ctx, c.scope, c.app.ID, id, changed, nil))
	if got := read(); fmt.Sprint(got.WebhookSettings) != fmt.Sprint(changed) || len(got.HeaderNames) != 1 {
		t.Errorf("set: %+v; want the headers as before", got)
	}
	var wrong *tenant.InvalidError
	for _, elsewhere := range []string{"http://example.com/elsewhere", "https://example.net/", "https://example.com:8443/"} {
		err := s.SetWebhook(ctx, c.scope, c.app.ID, id, tenant.WebhookSettings{URL: elsewhere}, nil)
		if !errors.As(err, &wrong) || wrong.Field != "headers" {
			t.Errorf("headers taken along to %s: %v", elsewhere, err)
		}
	}
	if _, _, err := s.UseWebhook(ctx, c.scope, c.app.ID, id, "webhook.test"); !errors.As(err, &wrong) {
		t.Errorf("used with Pusher off: %v", err)
	}
	must(t, s.SwitchPusher(ctx, c.scope, c.app.ID, true))
	target, signer, err := s.UseWebhook(ctx, c.scope, c.app.ID, id, "webhook.test")
	if err != nil || target.Headers[0].Value.Reveal() != "Bearer canary-header" || signer.Key == "" || signer.Secret.IsZero() {
		t.Errorf("used: %+v, %v", target, err)
	}
	must(t, s.Exec(ctx, `UPDATE pusher_keys SET created_at = 1 WHERE pusher_key = $1`, signer.Key))
	_, err = s.RollPusherKey(ctx, c.scope, c.app.ID, signer.Key, time.Hour)
	must(t, err)
	if _, again, err := s.UseWebhook(ctx, c.scope, c.app.ID, id, "webhook.test"); err != nil || again.Key != signer.Key {
		t.Errorf("while its key is rolled: signed by %s, %v, want %s as nodes do", again.Key, err, signer.Key)
	}
	must(t, s.SetWebhook(ctx, c.scope, c.app.ID, id, changed, []tenant.WebhookHeader{}))
	must(t, s.SwitchWebhook(ctx, c.scope, c.app.ID, id, false))
	if got := read(); got.Enabled || len(got.HeaderNames) != 0 {
		t.Errorf("paused, without headers: %+v", got)
	}
	for i := range tenant.MaxWebhooks - 1 {
		_, err := s.AddWebhook(ctx, c.scope, c.app.ID, tenant.WebhookSettings{URL: fmt.Sprint("https://example.com/", i)}, nil)
		must(t, err)
	}
	if _, err := s.AddWebhook(ctx, c.scope, c.app.ID, hook, nil); !errors.As(err, &wrong) {
		t.Errorf("one too many: %v", err)
	}
	must(t, s.DeleteWebhook(ctx, c.scope, c.app.ID, id))
	for name, err := range map[string]error{
		"delete": s.DeleteWebhook(ctx, c.scope, c.app.ID, id), "set": s.SetWebhook(ctx, c.scope, c.app.ID, id, changed, nil),
		"switch": s.SwitchWebhook(ctx, c.scope, c.app.ID, id, true),
	} {
		if !errors.Is(err, tenant.ErrNotFound) {
			t.Errorf("%s one that is gone: %v, want ErrNotFound", name, err)
		}
	}
	rows, err := s.Audit(ctx, c.scope, "")
	must(t, err)
	var actions []string
	for _, row := range rows[:tenant.MaxWebhooks+6] {
		actions = append(actions, row.Action)
		if strings.Contains(row.Detail, "canary") || strings.Contains(row.Detail, "token=1") {
			t.Errorf("the audit log says %s", row.Detail)
		}
	}
	for _, want := range []string{"webhook.create", "webhook.set", "webhook.test", "webhook.pause", "webhook.delete"} {
		if !slices.Contains(actions, want) {
			t.Errorf("audit: %v, without %s", actions, want)
		}
	}
	for _, scope := range []tenant.Scope{c.member(t, s, tenant.RoleViewer)} {
		if _, err := s.AddWebhook(ctx, scope, c.app.ID, hook, nil); !errors.Is(err, tenant.ErrForbidden) {
			t.Errorf("as viewer: %v, want ErrForbidden", err)
		}
	}
}

func TestWebhookRefused(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		field  string
		change func(w *tenant.WebhookSettings)
	}{
		"no scheme":      {"url", func(w *tenant.WebhookSettings) { w.URL = "example.com" }},
		"another scheme": {"url", func(w *tenant.WebhookSettings) { w.URL = "ftp://example.com" }},
		"no host":        {"url", func(w *tenant.WebhookSettings) { w.URL = "https:///hook" }},
		"only a port":    {"url", func(w *tenant.WebhookSettings) { w.URL = "https://:443/hook" }},
		"a password":     {"url", func(w *tenant.WebhookSettings) { w.URL = "https://user:password@example.com" }},
		"a fragment":     {"url", func(w *tenant.WebhookSettings) { w.URL = "https://example.com/#x" }},
		"a long one":     {"url", func(w *tenant.WebhookSettings) { w.URL = "https://example.com/" + strings.Repeat("x", 2_000) }},
		"a line break":   {"url", func(w *tenant.WebhookSettings) { w.URL = "https://example.com/\n" }},
		"an event":       {"events", func(w *tenant.WebhookSettings) { w.Events = []string{"channel_flooded"} }},
		"a star":         {"prefix", func(w *tenant.WebhookSettings) { w.Prefix = "room*" }},
		"a space":        {"suffix", func(w *tenant.WebhookSettings) { w.Suffix = "a b" }},
	} {
		settings := hook
		row.change(&settings)
		var wrong *tenant.InvalidError
		if err := settings.Validate(); !errors.As(err, &wrong) || wrong.Field != row.field {
			t.Errorf("%s: %v, want a fault of %s", name, err, row.field)
		}
	}
	if err := hook.Validate(); err != nil {
		t.Error(err)
	}
}

// testWebhookHeadersAreSealed looks for values in what is stored, and for what opens them elsewhere.
func testWebhookHeadersAreSealed(t *testing.T, s *tenant.Store) {
	mine, theirs := newCustomer(t, s), newCustomer(t, s)
	ctx := t.Context()
	var wrong *tenant.InvalidError
	for _, name := range []string{"", "a b", "Host", "content-length", "X-Pusher-Signature", "Halley-Delivery", "Transfer-Encoding"} {
		bad := []tenant.WebhookHeader{{Name: name, Value: auth.NewSecret("canary-value")}}
		if _, err := s.AddWebhook(ctx, mine.scope, mine.app.ID, hook, bad); !errors.As(err, &wrong) || strings.Contains(err.Error(), "canary") {
			t.Errorf("header %q: %v", name, err)
		}
	}
	for _, value := range []string{"", "a\r\nb: c", strings.Repeat("x", 1_001)} {
		bad := []tenant.WebhookHeader{{Name: "X-A", Value: auth.NewSecret(value)}}
		if _, err := s.AddWebhook(ctx, mine.scope, mine.app.ID, hook, bad); !errors.As(err, &wrong) {
			t.Errorf("value of %d characters: %v", len(value), err)
		}
	}
	headers := []tenant.WebhookHeader{{Name: "X-Token", Value: auth.NewSecret("canary-value")}}
	for _, c := range []customer{mine, theirs} {
		_, err := s.AddWebhook(ctx, c.scope, c.app.ID, hook, headers)
		must(t, err)
	}
	if stored := string(dump(t, s)); !strings.Contains(stored, "X-Token") || strings.Contains(stored, "canary-value") {
		t.Error("the dump lacks the header's name, or holds its value in the clear")
	}
	must(t, s.Exec(ctx, `UPDATE webhook_endpoints SET sealed = (SELECT w.sealed FROM webhook_endpoints w WHERE w.app_id = $1)
		WHERE app_id = $2`, mine.app.ID, theirs.app.ID))
	d := openDirectory(t, s)
	if view, err := d.App(theirs.app.ID); err != nil || len(view.Webhooks()) != 0 {
		t.Errorf("%+v, %v: sealed headers open in another tenant's row", view.Webhooks(), err)
	}
	if view, err := d.App(mine.app.ID); err != nil || len(view.Webhooks()) != 1 {
		t.Errorf("%+v, %v; want one", view.Webhooks(), err)
	}
}

func testDirectoryWebhooks(t *testing.T, s *tenant.Store) {
	c := newCustomer(t, s)
	ctx := t.Context()
	d := openDirectory(t, s)
	running(t, d.Run)
	count := func(want int) {
		t.Helper()
		eventually(t, soon, fmt.Sprint(want, " endpoints"), func() bool {
			view, err := d.App(c.app.ID)
			return err == nil && len(view.Webhooks()) == want
		})
	}
	count(0)
	headers := []tenant.WebhookHeader{{Name: "X-A", Value: auth.NewSecret("1")}, {Name: "X-B", Value: auth.NewSecret("2")}}
	id, err := s.AddWebhook(ctx, c.scope, c.app.ID, hook, headers)
	must(t, err)
	count(1)
	view, err := d.App(c.app.ID)
	must(t, err)
	got := view.Webhooks()[0]
	if got.ID != id || fmt.Sprint(got.WebhookSettings) != fmt.Sprint(hook) || len(got.Headers) != 2 || got.Headers[1].Value.Reveal() != "2" {
		t.Errorf("%+v", got)
	}
	must(t, s.SwitchWebhook(ctx, c.scope, c.app.ID, id, false))
	count(0)
	must(t, s.SwitchWebhook(ctx, c.scope, c.app.ID, id, true))
	count(1)
	must(t, s.DeleteApp(ctx, c.scope, c.app.ID))
	eventually(t, soon, "the app has gone", func() bool { _, err := d.App(c.app.ID); return errors.Is(err, tenant.ErrNotFound) })
}

func testWebhookLog(t *testing.T, s *tenant.Store) {
	mine, theirs := newCustomer(t, s), newCustomer(t, s)
	ctx := t.Context()
	log := tenant.NewWebhookLog(s, openDirectory(t, s), quiet())
	begun := time.UnixMilli(1_000_000).UTC()
	sent := tenant.Delivery{
		ID: "whd_a", Endpoint: "whk_1", Outcome: "retrying", Status: 500, Duration: 7 * time.Millisecond, Attempts: 1, Events: 2,
		Body: "{}", BegunAt: begun, ToldAt: begun, NextAt: begun.Add(time.Second),
	}
	log.Add(mine.app.ID, sent)
	log.Add("app_unknown", sent)
	log.Flush(ctx)
	sent.Outcome, sent.Status, sent.Fault, sent.Attempts, sent.ToldAt, sent.NextAt = "accepted", 0, "a fault", 2, begun.Add(time.Second), time.Time{}
	log.Add(mine.app.ID, tenant.Delivery{ID: "whd_a", Outcome: "overtaken"})
	log.Add(mine.app.ID, sent)
	log.Flush(ctx)
	list, err := s.Deliveries(ctx, mine.scope, mine.app.ID, time.Time{})
	if err != nil || len(list) != 1 || list[0] != sent {
		t.Errorf("got  %+v, %v\nwant %+v", list, err, sent)
	}
	if got, err := s.Delivery(ctx, mine.scope, mine.app.ID, "whd_a"); err != nil || got != sent {
		t.Errorf("one: %+v, %v", got, err)
	}
	for name, err := range map[string]error{
		"another app's": func() error { _, err := s.Delivery(ctx, theirs.scope, theirs.app.ID, "whd_a"); return err }(),
		"a foreign app": func() error { _, err := s.Deliveries(ctx, theirs.scope, mine.app.ID, time.Time{}); return err }(),
		"by hand there": s.LogDelivery(ctx, theirs.scope, mine.app.ID, sent),
	} {
		if !errors.Is(err, tenant.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	log.Add(mine.app.ID, tenant.Delivery{ID: "whd_long", Body: strings.Repeat("x", 256<<10), ToldAt: begun})
	if held := log.HeldBytes(); held > 32<<10 {
		t.Errorf("%d bytes of a body wait that is not kept", held)
	}
	for round := range 8 {
		for i := range 150 { // of which a hundred are taken
			n := 1000*round + i
			log.Add(mine.app.ID, tenant.Delivery{
				ID: fmt.Sprint("whd_", n), Body: strings.Repeat("x", 40_000*(i%2)), BegunAt: begun, ToldAt: begun.Add(time.Duration(n+2) * time.Second),
			})
		}
		log.Flush(ctx)
	}
	page, err := s.Deliveries(ctx, mine.scope, mine.app.ID, time.Time{})
	if err != nil || len(page) != 50 || page[0].ID != "whd_7099" || page[0].Body != "" {
		t.Fatalf("%d of them, the first is %+v, %v", len(page), page[0], err)
	}
	count := len(page)
	for len(page) > 0 {
		page, err = s.Deliveries(ctx, mine.scope, mine.app.ID, page[len(page)-1].ToldAt)
		must(t, err)
		count += len(page)
	}
	if count < 500 || count > 501 {
		t.Errorf("%d are kept, want 500", count)
	}
	must(t, s.Purge(ctx, time.Now()))
	if page, err := s.Deliveries(ctx, mine.scope, mine.app.ID, time.Time{}); err != nil || len(page) != 0 {
		t.Errorf("%d are kept for ever, %v", len(page), err)
	}
}
