package console_test

import (
	"net/http"
	"strings"
	"testing"
)

// The life of a key: made, shown once, rolled, revoked.
func TestKeyLife(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	ada := house.visitor()
	app, _ := ada.signUp("ada@example.com")
	keys := app + "/keys"
	ada.get(keys).want(t, http.StatusOK, "Secret key", "Publishable key", "Everything", "What the rules leave public")

	made := ada.post(
		keys, "name", "Orders", "kind", "secret", "operation", "publish", "operation", "history", "pattern", "orders:*",
	).want(t, http.StatusSeeOther)
	page, _, _ := strings.Cut(made.location, "?")
	first := ada.get(made.location).want(t, http.StatusOK, "Your new secret key", "Publish, history on orders:*", "Active")
	secret := find(t, secretPattern, first.body)
	for _, path := range []string{made.location, page, keys, app} {
		if got := ada.get(path); strings.Contains(got.body, secret) {
			t.Errorf("%s shows the key again", path)
		}
	}

	ada.post(page+"/roll", "overlap", "3h").want(t, http.StatusUnprocessableEntity, "Choose when the old key ends")
	rolled := ada.post(page+"/roll", "overlap", "24h").want(t, http.StatusSeeOther)
	fresh := ada.get(rolled.location).want(t, http.StatusOK, "The key is rolled", "Your new secret key")
	if again := find(t, secretPattern, fresh.body); again == secret {
		t.Error("the rolled key is the old one")
	}
	ada.get(page).want(t, http.StatusOK, "Ends in 24 hours")
	ada.post(page+"/roll", "overlap", "1h").want(t, http.StatusUnprocessableEntity, "being replaced already")

	ada.post(page+"/revoke", "confirm", "orders").want(t, http.StatusUnprocessableEntity, "exactly as it is written")
	ada.post(page+"/revoke", "confirm", "Orders").want(t, http.StatusSeeOther)
	ended := ada.get(page).want(t, http.StatusOK, "Ended")
	if strings.Contains(ended.body, "/revoke") {
		t.Error("a key that has ended can be revoked")
	}
	ada.post(page+"/revoke", "confirm", "Orders").want(t, http.StatusNotFound)

	public := ada.post(keys, "name", "Page", "kind", "publishable").want(t, http.StatusSeeOther)
	shown := ada.get(public.location).want(t, http.StatusOK, "Your new publishable key")
	text := find(t, publishablePattern, shown.body)
	publicPage, _, _ := strings.Cut(public.location, "?")
	ada.get(publicPage).want(t, http.StatusOK, text) // it is no secret
	ada.get(app).want(t, http.StatusOK, text)        // the newest stands in the snippets
}

// A secret waits for the session that made it, and for no other.
func TestRevealIsTheMakersOwn(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	ada := house.visitor()
	app, landing := ada.signUp("ada@example.com")
	elsewhere := house.visitor()
	elsewhere.post("/login", "email", "ada@example.com", "password", goodPassword).want(t, http.StatusSeeOther)
	if got := elsewhere.get(landing); strings.Contains(got.body, "hl_sk_") {
		t.Error("another session saw the secret")
	}
	eve := house.visitor()
	eve.signUp("eve@example.com")
	eve.get(landing).want(t, http.StatusNotFound)
	ada.get(landing).want(t, http.StatusOK, "Your secret key")
	if got := ada.get(landing); strings.Contains(got.body, "Your secret key") {
		t.Error("a reload shows the secret again")
	}
	if got := ada.get(app); got.header.Get("Cache-Control") != "no-store" {
		t.Error("a browser may keep the page, and Back would show it")
	}
}

func TestKeyForms(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	ada := house.visitor()
	app, _ := ada.signUp("ada@example.com")
	for _, test := range []struct {
		says   string
		fields []string
	}{
		{"Give the key a name", []string{"name", " ", "kind", "secret", "operation", "publish"}},
		{"secret or publishable", []string{"name", "x", "kind", "master"}},
		{"Tick at least one", []string{"name", "x", "kind", "secret"}},
		{"unknown operation", []string{"name", "x", "kind", "secret", "operation", "root"}},
		{"whole segment", []string{"name", "x", "kind", "secret", "operation", "publish", "pattern", "orders*"}},
		{"At most 100 characters", []string{"name", strings.Repeat("x", 101), "kind", "secret", "operation", "publish"}},
	} {
		ada.post(app+"/keys", test.fields...).want(t, http.StatusUnprocessableEntity, test.says)
	}
	all := ada.post(
		app+"/keys", "name", "all", "kind", "secret",
		"operation", "publish", "operation", "subscribe", "operation", "presence", "operation", "history",
	)
	ada.get(all.location).want(t, http.StatusOK, "Everything")
}

func TestAppsAndSettings(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	ada := house.visitor()
	app, _ := ada.signUp("ada@example.com")
	ada.get("/apps/new").want(t, http.StatusOK, "New app")
	ada.post("/apps", "name", "").want(t, http.StatusUnprocessableEntity, "A name is needed")
	ada.post("/apps", "name", "My first app").want(t, http.StatusUnprocessableEntity, "of this name already")
	second := ada.post("/apps", "name", "Second").want(t, http.StatusSeeOther)
	ada.get(second.location).want(t, http.StatusOK, "Your secret key", "Second")
	ada.get("/apps").want(t, http.StatusOK, "My first app", "Second", "2 keys")

	settings := app + "/settings"
	ada.post(settings+"/name", "name", "").want(t, http.StatusUnprocessableEntity, "A name is needed")
	ada.post(settings+"/name", "name", "Second").want(t, http.StatusUnprocessableEntity, "of this name already")
	renamed := ada.post(settings+"/name", "name", "Shop").want(t, http.StatusSeeOther)
	ada.get(renamed.location).want(t, http.StatusOK, "The name is saved", `value="Shop"`)

	ada.post(settings+"/origins", "origins", "https://ok.example\njavascript:alert(1)").
		want(t, http.StatusUnprocessableEntity, "javascript:alert(1)", "https://ok.example")
	ada.post(settings+"/origins", "origins", "https://Shop.example.com/\r\nhttp://localhost:3000").want(t, http.StatusSeeOther)
	ada.get(settings).want(t, http.StatusOK, "https://shop.example.com\nhttp://localhost:3000")

	ada.post(settings+"/token-keys/secret", "shared", "short").want(t, http.StatusUnprocessableEntity, "32 to 1024 bytes")
	own := ada.post(settings+"/token-keys/secret", "shared", strings.Repeat("own secret ", 4)).want(t, http.StatusSeeOther)
	got := ada.get(own.location)
	if strings.Contains(got.body, "own secret") || strings.Contains(got.body, "Your signing secret") {
		t.Error("a secret of the customer's own is shown")
	}
	made := ada.post(settings+"/token-keys/secret").want(t, http.StatusSeeOther)
	shown := ada.get(made.location).want(t, http.StatusOK, "Your signing secret")
	secret := find(t, `id="secret"[^>]*value="([A-Z2-7]{52})"`, shown.body)
	if again := ada.get(made.location); strings.Contains(again.body, secret) {
		t.Error("the signing secret is shown twice")
	}
	ada.post(settings+"/token-keys/url", "jwks", "").want(t, http.StatusUnprocessableEntity, "Write the address")
	ada.post(settings+"/token-keys/url", "jwks", "http://keys.example.com/jwks").
		want(t, http.StatusUnprocessableEntity, "https://")
	ada.post(settings+"/token-keys/jwks/remove").want(t, http.StatusNotFound)
	ada.post(settings+"/token-keys/url", "jwks", "https://keys.example.com/jwks").want(t, http.StatusSeeOther)
	ada.get(settings).want(t, http.StatusOK, "https://keys.example.com/jwks")
	ada.post(settings+"/token-keys/jwks/remove").want(t, http.StatusSeeOther)
	id := find(t, `token-keys/(hs_[a-z0-9]+)/remove`, ada.get(settings).body)
	ada.post(settings+"/token-keys/"+id+"/remove").want(t, http.StatusSeeOther)
	if got := ada.get(settings); strings.Contains(got.body, id) || strings.Contains(got.body, "keys.example.com/jwks<") {
		t.Error("a removed key is still listed")
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	ada := house.visitor()
	app, _ := ada.signUp("ada@example.com")
	rules := app + "/rules"
	ada.get(rules).
		want(t, http.StatusOK, "No rules: the defaults hold", "halley admin set-rule --app "+strings.TrimPrefix(app, "/apps/"))
	for _, test := range []struct {
		says   string
		fields []string
	}{
		{"whole number", []string{"prefix", "a", "messages", "many", "age", "2m", "policy", "resume"}},
		{"with its unit", []string{"prefix", "a", "messages", "1", "age", "2", "policy", "resume"}},
		{"From 1s to", []string{"prefix", "a", "messages", "1", "age", "48h", "policy", "resume"}},
		{"messages", []string{"prefix", "a", "messages", "-1", "age", "2m", "policy", "resume"}},
		{"without a star", []string{"prefix", "a*", "messages", "1", "age", "2m", "policy", "resume"}},
		{"A policy is", []string{"prefix", "a", "messages", "1", "age", "2m", "policy", "magic"}},
	} {
		ada.post(rules, test.fields...).want(t, http.StatusUnprocessableEntity, test.says)
	}
	ada.post(
		rules, "prefix", "chat:", "public", "on", "presence", "on", "messages", "1000", "age", "1h30m", "policy", "lossy",
	).want(t, http.StatusSeeOther)
	ada.post(rules, "prefix", "", "messages", "0", "age", "2m", "policy", "resume").want(t, http.StatusSeeOther)
	ada.get(rules).
		want(t, http.StatusOK, "chat: Subscribe and read history, presence 1000 for 1h30m Lossy", "Every channel Nothing None Resume")
	ada.post(rules+"/remove", "prefix", "chat:").want(t, http.StatusSeeOther)
	ada.post(rules+"/remove", "prefix", "chat:").want(t, http.StatusNotFound)
}

func TestPublishForm(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	ada := house.visitor()
	app, _ := ada.signUp("ada@example.com")
	for _, test := range []struct{ channel, event, data, says string }{
		{"hello", "e", "", "The data is empty"},
		{"hello", "e", "{\n  \"a\": nope }", "at line 2, column 9"},
		{"hello", "e", `{"a":1,"a":2}`, "not JSON"},
		{"no spaces", "e", "1", "channel's name has"},
		{"", "e", "1", "channel's name has"},
		{"hello", strings.Repeat("e", 101), "1", "at most 100 characters"},
	} {
		got := ada.post(app+"/publish", "channel", test.channel, "event", test.event, "data", test.data)
		got.want(t, http.StatusUnprocessableEntity, test.says, strings.ReplaceAll(test.data, "\n ", ""))
	}
	script := http.Header{"Accept": {"application/json"}}
	ada.do(http.MethodPost, app+"/publish", values([]string{"channel", "hello", "data", "nope"}), script).
		want(t, http.StatusUnprocessableEntity, `"message":"This is not JSON`)
	ada.do(http.MethodPost, app+"/publish", values([]string{"channel", "hello", "data", "1"}), script).
		want(t, http.StatusCreated, `"offset":1`, `"channel":"hello"`)
	ada.do(http.MethodPost, app+"/live", nil, script).want(t, http.StatusOK, `"token":"tok_`)

	house.hub.refuseWith(refusal(http.StatusTooManyRequests, "Too many messages a second."))
	ada.post(app+"/publish", "channel", "hello", "data", "1").
		want(t, http.StatusUnprocessableEntity, "Too many messages a second.")
	got := ada.do(http.MethodPost, app+"/publish", values([]string{"channel", "hello", "data", "1"}), script)
	got.want(t, http.StatusTooManyRequests, "Too many messages a second.")
	if got.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
	}
	house.hub.refuseWith(refusal(http.StatusServiceUnavailable, "The node is draining."))
	ada.post(app+"/publish", "channel", "hello", "data", "1").want(t, http.StatusServiceUnavailable, "The node is draining.")
	house.hub.refuseWith(http.ErrBodyNotAllowed)
	got = ada.post(app+"/publish", "channel", "hello", "data", "1")
	got.want(t, http.StatusInternalServerError, "Our fault")
	cause := http.ErrBodyNotAllowed.Error()
	if strings.Contains(got.body, cause) || !strings.Contains(house.log.String(), cause) {
		t.Error("the cause belongs in the log and not on the page")
	}
}
