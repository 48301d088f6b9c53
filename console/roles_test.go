package console_test

import (
	"net/http"
	"strings"
	"testing"

	"halley/console"
	"halley/tenant"
)

// A viewer sees everything and changes nothing, on every form of an app.
func TestViewersOnlyLook(t *testing.T) {
	t.Parallel()
	house := furnish(t, nil, "Shop")
	eve := house.visitor()
	eve.signUp("eve@example.com")
	house.join(t, "ada@example.com", "eve@example.com", tenant.RoleViewer)
	fields := values([]string{
		"name", "Shop", "kind", "publishable", "overlap", "0s", "confirm", "Shop",
		"prefix", "orders:", "messages", "1", "age", "1m", "policy", "resume",
		"channel", "hello", "data", "1", "origins", "", "shared", "", "jwks", "https://a.example",
		"state", "on", "event_bytes", "100", "number", "77", "key", "k", "secret", "s", "url", "https://a.example",
	})
	for _, route := range console.Routes() {
		if !route.App {
			continue
		}
		method, path := fill(route.Pattern, house.own())
		if strings.HasSuffix(path, "/token-keys/"+house.own()["key"]+"/remove") {
			path = house.app + "/settings/token-keys/jwks/remove"
		}
		want := http.StatusOK
		if method == http.MethodPost {
			want = http.StatusForbidden
		}
		if got := eve.do(method, path, fields, nil); got.status != want {
			t.Errorf("%s: %d, want %d: %s", route.Pattern, got.status, want, textOf(got.body))
		}
	}
	if got := eve.get(house.pusher); strings.Contains(got.body, "/show") {
		t.Error("a viewer is offered the secret of a Pusher key")
	}
	if got := eve.get(house.app); strings.Contains(got.body, "data-id=") {
		t.Error("a viewer reads messages, which a debug console shows")
	}
}

// join makes one user a member of the account of another.
func (h *house) join(t *testing.T, owner, member string, role tenant.Role) {
	t.Helper()
	login, _, err := h.store.LogIn(t.Context(), owner, goodPassword, tenant.Client{})
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := h.store.Memberships(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	scope, err := h.store.Scope(t.Context(), login, accounts[0].Account.ID)
	if err != nil {
		t.Fatal(err)
	}
	user, err := h.store.UserByEmail(t.Context(), member)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.store.AddMember(t.Context(), scope, user.ID, role); err != nil {
		t.Fatal(err)
	}
}
