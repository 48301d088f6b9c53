package pushnode_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"halley/auth"
)

// TestNarrowedKey has a key for one room make the calls of the whole app.
func TestNarrowedKey(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	a := n.newApp(t, "ada", nil)
	a.publish(t, "payroll", "1")
	key := a.narrowKey(t, must(auth.ParseCapability(map[string][]string{"room:*": {"publish", "history"}}))(t))
	ask := func(method, path, body string) reply { return n.call(t, method, path, body, "Bearer "+key) }

	s, _ := n.dial(t, a.token(t, `{"client_id":"bob","capabilities":{"*":["subscribe"]}}`))
	for _, call := range []string{
		"DELETE /v1/sessions?client_id=bob", "GET /v1/channels", "GET /v1/usage", "GET /v1/channels/payroll",
	} {
		method, path, _ := strings.Cut(call, " ")
		if got := ask(method, path, ""); got.errorName() != "denied" {
			t.Errorf("%s: got %d %s", call, got.Status, got.Text)
		}
	}
	if got := s.ask("subscribe", `"channel":"news"`); got.text("op") != "ok" {
		t.Errorf("bob was disconnected: %v", got)
	}
	if got := ask(http.MethodGet, "/v1/channels/room:1", ""); got.Status != http.StatusOK {
		t.Errorf("a channel of its own: got %d %s", got.Status, got.Text)
	}
	for request, says := range map[string]string{
		`"room:1":["publish"],"room:2":["history","publish"]`:   "",
		`"room:*":["publish"]`:                                  "",
		`"*":["publish"]`:                                       "may publish on *:",
		`"room:1":["publish"],"room:*":["history","subscribe"]`: "may subscribe to room:*:",
		`"news":["history"]`:                                    "may read the history of news:",
		`"room:1":["*"]`:                                        "may subscribe to room:1:",
	} {
		got := ask(http.MethodPost, "/v1/tokens", `{"capabilities":{`+request+`}}`)
		want := "denied"
		if says == "" {
			want = ""
		}
		if got.errorName() != want || !strings.Contains(got.Text, says) {
			t.Errorf("a token for %s: got %d %s, want %q", request, got.Status, got.Text, says)
		}
	}
}

// TestDeniedSaysWhat wants the operation in words.
func TestDeniedSaysWhat(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "ada", nil)
	token := a.token(t, `{"capabilities":{"room:*":["publish"]}}`)
	for path, says := range map[string]string{
		"/v1/channels/room:1/messages":     "may not read the history of channel room:1",
		"/v1/channels/room:1/presence":     "may not see or enter the presence of channel room:1",
		"/v1/poll?channel=room:1&wait=0s":  "may not subscribe to channel room:1",
		"/v1/sse?channel=room:1&wait=0s":   "",
		"/v1/channels/payroll/messages":    "may not read the history of channel payroll",
		"/v1/poll?channel=payroll&wait=0s": "may not subscribe to channel payroll",
	} {
		if got := a.node.call(t, http.MethodGet, path, "", "Bearer "+token); !strings.Contains(got.Text, says) {
			t.Errorf("%s: got %s, want %q", path, got.Text, says)
		}
	}
	got := a.node.call(t, http.MethodPost, "/v1/channels/news/messages", `{"data":1}`, "Bearer "+token)
	if want := "may not publish on channel news"; !strings.Contains(got.Text, want) {
		t.Errorf("got %s, want %q", got.Text, want)
	}
}

// wideToken signs a token that may do everything with a key that may not. The API refuses to; a key that is narrowed later, or a
// node that was wrong, must not make it good.
func (a *app) wideToken(t *testing.T, keyText, clientID string) string {
	t.Helper()
	key := must(auth.ParseKey(keyText))(t)
	ring := must(auth.NewKeyring("", must(a.node.Store.SigningKeys(t.Context()))(t)...))(t)
	token, _ := must2(auth.NewSigner(ring).Sign(auth.TokenRequest{
		AppID: a.id, KeyID: key.ID, ClientID: clientID, Capability: auth.AllowAll(), TTL: time.Hour, MaxTTL: time.Hour,
	}, time.Now()))(t)
	return token
}
