package pushnode_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"halley/auth"
	"halley/tenant"
)

// TestTokenLifetimes asks for tokens in an app that bounds how long they live.
func TestTokenLifetimes(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	short, usual := n.newApp(t, "short", nil), n.newApp(t, "usual", nil)
	form := tenant.AppForm{Name: "short", TokenTTL: 10 * time.Minute}
	short.changed(t, func() error { return n.Store.UpdateApp(t.Context(), short.scope(), short.id, form) })
	tests := map[string]struct {
		app  *app
		ttl  string
		want time.Duration // 0: refused
	}{
		"default":                         {usual, ``, time.Hour},
		"text":                            {usual, `,"ttl":"90m"`, 90 * time.Minute},
		"seconds":                         {usual, `,"ttl":90`, 90 * time.Second},
		"longest":                         {usual, `,"ttl":"24h"`, 24 * time.Hour},
		"longer":                          {usual, `,"ttl":"24h1s"`, 0},
		"a year":                          {usual, `,"ttl":"8760h"`, 0},
		"shorter than a second":           {usual, `,"ttl":"999ms"`, 0},
		"nothing":                         {usual, `,"ttl":0`, 0},
		"negative":                        {usual, `,"ttl":-60`, 0},
		"null":                            {usual, `,"ttl":null`, 0},
		"not whole":                       {usual, `,"ttl":"1.5s"`, time.Second},
		"app's own bound is the default":  {short, ``, 10 * time.Minute},
		"app's own bound":                 {short, `,"ttl":"10m"`, 10 * time.Minute},
		"longer than the app's own bound": {short, `,"ttl":601`, 0},
	}
	for name, test := range tests {
		got := test.app.call(t, http.MethodPost, "/v1/tokens", `{"capabilities":{"*":["subscribe"]}`+test.ttl+`}`)
		if test.want == 0 {
			if got.errorName() != "invalid_field" {
				t.Errorf("%s: got %d %s, want invalid_field", name, got.Status, got.Text)
			}
			continue
		}
		life := time.Until(time.UnixMilli(int64(got.JSON.number("expires"))))
		if got.Status != http.StatusOK || life > test.want || life < test.want-patience {
			t.Errorf("%s: got %d %s, which lives for %v, want %v", name, got.Status, got.Text, life, test.want)
			continue
		}
		if test.want < patience {
			continue // it may be over by now
		}
		used := n.call(t, http.MethodGet, "/v1/poll?channel=news&wait=0s&token="+got.JSON.text("token"), "", "")
		if used.Status != http.StatusOK {
			t.Errorf("%s: the token is refused: %d %s", name, used.Status, used.Text)
		}
	}
	// A token that was issued for longer than the app now allows is not good any more.
	token := usual.token(t, `{"capabilities":{"*":["subscribe"]},"ttl":"2h"}`)
	form = tenant.AppForm{Name: "usual", TokenTTL: time.Hour}
	usual.changed(t, func() error { return n.Store.UpdateApp(t.Context(), usual.scope(), usual.id, form) })
	got := n.call(t, http.MethodGet, "/v1/poll?channel=news&wait=0s&token="+token, "", "")
	if got.Status != http.StatusUnauthorized {
		t.Errorf("a token of 2 h where 1 h is allowed: got %d %s", got.Status, got.Text)
	}
}

// TestTokenRequests are those that cannot be granted, and who may not ask.
func TestTokenRequests(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "ada", nil)
	many := make([]string, 65)
	for i := range many {
		many[i] = fmt.Sprintf(`"c%d":["subscribe"]`, i)
	}
	long := make([]string, 40)
	for i := range long {
		long[i] = fmt.Sprintf(`"%d%s":["subscribe"]`, i, strings.Repeat("x", 170))
	}
	tests := map[string]struct{ body, name string }{
		"no capabilities":      {`{"client_id":"ada"}`, "missing_field"},
		"empty":                {`{"capabilities":{}}`, "invalid_field"},
		"no operation":         {`{"capabilities":{"news":[]}}`, "invalid_field"},
		"unknown operation":    {`{"capabilities":{"news":["admin"]}}`, "invalid_field"},
		"every operation":      {`{"capabilities":{"news":["*"]}}`, ""},
		"part of a segment":    {`{"capabilities":{"ne*":["subscribe"]}}`, "invalid_field"},
		"too many patterns":    {`{"capabilities":{` + strings.Join(many, ",") + `}}`, "invalid_field"},
		"too long for a token": {`{"capabilities":{` + strings.Join(long, ",") + `}}`, "invalid_field"},
		"empty client id":      {`{"client_id":"","capabilities":{"news":["subscribe"]}}`, "invalid_field"},
		"long client id":       {`{"capabilities":{"news":["subscribe"]},"client_id":"` + accents(129) + `"}`, "invalid_field"},
		"longest client id":    {`{"capabilities":{"news":["subscribe"]},"client_id":"` + accents(128) + `"}`, ""},
		"another app's":        {`{"app_id":"app_x","capabilities":{"news":["subscribe"]}}`, "unknown_field"},
	}
	for name, test := range tests {
		if got := a.call(t, http.MethodPost, "/v1/tokens", test.body); got.errorName() != test.name {
			t.Errorf("%s: got %d %s, want %q", name, got.Status, got.Text, test.name)
		}
	}
	token := a.token(t, `{"capabilities":{"*":["subscribe","publish","presence","history"]}}`)
	for name, credential := range map[string]string{"token": token, "publishable key": a.publishable} {
		got := a.node.call(t, http.MethodPost, "/v1/tokens", `{"capabilities":{"*":["subscribe"]}}`, "Bearer "+credential)
		if got.errorName() != "denied" {
			t.Errorf("a %s asks for a token: got %d %s", name, got.Status, got.Text)
		}
	}
}

func accents(count int) string { return strings.Repeat("é", count) }

// TestTokensAreBoundToTheirKey has a token die with the key that asked for it, on a live connection too.
func TestTokensAreBoundToTheirKey(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	a := n.newApp(t, "ada", nil)
	form := tenant.KeyForm{Kind: auth.KindSecret, Capability: rooms(t, "subscribe")}
	key, secret := must2(n.Store.CreateKey(t.Context(), a.scope(), a.id, form))(t)
	token := a.wideToken(t, secret.Reveal(), "ada")
	s, connected := n.dial(t, token)
	if connected.text("client_id") != "ada" {
		t.Errorf("connected as %v", connected)
	}
	if got := s.ask("subscribe", `"channel":"room:1"`); got.text("op") != "ok" {
		t.Errorf("what key and token allow: %v", got)
	}
	for _, fields := range []string{`"channel":"room:1","data":1`, `"channel":"news","data":1`} {
		if got := s.ask("publish", fields); got.in("error").text("name") != "denied" {
			t.Errorf("what the token has and the key has not: %s: %v", fields, got)
		}
	}
	if err := n.Store.RevokeKey(t.Context(), a.scope(), a.id, key.ID); err != nil {
		t.Fatal(err)
	}
	if code := s.closing(); code != 4009 {
		t.Errorf("the connection closes with %d, want 4009", code)
	}
	if got := n.call(t, http.MethodGet, "/v1/poll?channel=room:1&wait=0s&token="+token, "", ""); got.errorName() != "unauthorized" {
		t.Errorf("the token is used again: got %d %s", got.Status, got.Text)
	}
}

// TestTokensAreRenewedInPlace gives a live connection tokens that are not for it, and one that is.
func TestTokensAreRenewedInPlace(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	a, b := n.newApp(t, "ada", nil), n.newApp(t, "bea", nil)
	const ada = `{"client_id":"ada","capabilities":{"*":["subscribe"]}}`
	s, _ := n.dial(t, a.token(t, ada))
	if got := s.ask("subscribe", `"channel":"news"`); got.text("op") != "ok" {
		t.Fatalf("subscribe: %v", got)
	}
	refused := map[string]string{
		"of another app":       b.token(t, ada),
		"of another client id": a.token(t, `{"client_id":"bea","capabilities":{"*":["subscribe"]}}`),
		"of nobody":            a.token(t, `{"capabilities":{"*":["subscribe"]}}`),
		"not a token":          "x.y.z",
		"key of another app":   b.publishable,
	}
	for name, token := range refused {
		if got := s.ask("token", fmt.Sprintf(`"token":%q`, token)); got.in("error").text("name") != "denied" {
			t.Errorf("a token %s: got %v, want denied", name, got)
		}
	}
	narrower := a.token(t, `{"client_id":"ada","capabilities":{"room:*":["subscribe"]},"ttl":60}`)
	if got := s.ask("token", fmt.Sprintf(`"token":%q`, narrower)); got.text("op") != "ok" || got.number("expires") == 0 {
		t.Fatalf("renew: %v", got)
	}
	if got := s.next("unsubscribed"); got.text("channel") != "news" || got.in("error").text("name") != "denied" {
		t.Errorf("what is not allowed any more ends with %v", got)
	}
}
