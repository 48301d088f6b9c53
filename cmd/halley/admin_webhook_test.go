package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"halley/tenant"
)

func TestAddWebhook(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	created := execute("admin", "create-app", "--data-dir", folder, "--account", "acme", "--app", "shop", "--email", "a@b.example", "--pusher")
	var made createdApp
	if err := json.Unmarshal([]byte(created.stdout), &made); err != nil {
		t.Fatalf("create-app: %+v, %v", created, err)
	}
	add := func(arguments ...string) result {
		t.Helper()
		return execute(append([]string{"admin", "add-webhook", "--data-dir", folder, "--app", made.AppID}, arguments...)...)
	}
	got := add("--event", "cache_miss", "--event", "member_added", "--prefix", "presence-", "--batched", "https://example.com/hooks")
	var added webhookAdded
	if err := json.Unmarshal([]byte(got.stdout), &added); err != nil || got.code != exitOK {
		t.Fatalf("add-webhook: %+v, %v", got, err)
	}
	if !slices.Equal(added.Events, []string{"cache_miss", "member_added"}) || added.Prefix != "presence-" || !added.Batched ||
		!strings.HasPrefix(added.WebhookID, "whk_") || added.URL != "https://example.com/hooks" {
		t.Errorf("added: %+v", added)
	}
	all := add("https://example.com/all")
	if err := json.Unmarshal([]byte(all.stdout), &added); err != nil || !slices.Equal(added.Events, tenant.WebhookEvents) {
		t.Errorf("for all events: %+v, %v", all, err)
	}
	for _, wrong := range [][]string{{"ftp://example.com"}, {"https://example.com", "--event", "rain"}, {"https://name:password@example.com"}} {
		if got := add(wrong...); got.code == exitOK {
			t.Errorf("%v: %+v", wrong, got)
		}
	}
}
