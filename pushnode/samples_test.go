package pushnode_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// samples are requests that succeed, by operation.
var samples = map[string]func(t *testing.T, a *app) (method, path, body string){
	"publish": func(*testing.T, *app) (string, string, string) {
		return http.MethodPost, "/v1/channels/news/messages", `{"data":1}`
	},
	"history": func(*testing.T, *app) (string, string, string) {
		return http.MethodGet, "/v1/channels/news/messages?limit=3&direction=forward", ""
	},
	"publishBatch": func(*testing.T, *app) (string, string, string) {
		return http.MethodPost, "/v1/messages", `{"messages":[{"channel":"news","data":1}]}`
	},
	"channels": func(*testing.T, *app) (string, string, string) {
		return http.MethodGet, "/v1/channels?prefix=n&limit=2", ""
	},
	"channel": func(*testing.T, *app) (string, string, string) { return http.MethodGet, "/v1/channels/news", "" },
	"presence": func(*testing.T, *app) (string, string, string) {
		return http.MethodGet, "/v1/channels/news/presence", ""
	},
	"createToken": func(*testing.T, *app) (string, string, string) {
		return http.MethodPost, "/v1/tokens", `{"capabilities":{"*":["subscribe"]},"ttl":60}`
	},
	"disconnect": func(*testing.T, *app) (string, string, string) {
		return http.MethodDelete, "/v1/sessions?client_id=ada", ""
	},
	"usage": func(*testing.T, *app) (string, string, string) { return http.MethodGet, "/v1/usage", "" },
	"hottest": func(*testing.T, *app) (string, string, string) {
		return http.MethodGet, "/v1/usage/hottest?limit=3", ""
	},
	"eventStream": func(*testing.T, *app) (string, string, string) { return http.MethodGet, "/v1/sse?channel=news", "" },
	"poll": func(*testing.T, *app) (string, string, string) {
		return http.MethodGet, "/v1/poll?channel=news&wait=0s", ""
	},
	"commands": func(t *testing.T, a *app) (string, string, string) {
		return http.MethodPost, "/v1/commands", fmt.Sprintf(`{"session":%q,"commands":[{"op":"ping","ref":1}]}`, a.session(t))
	},
	"webSocket":    func(*testing.T, *app) (string, string, string) { return http.MethodGet, "/v1/ws", "" },
	"openapi":      func(*testing.T, *app) (string, string, string) { return http.MethodGet, "/v1/openapi.yaml", "" },
	"script":       func(*testing.T, *app) (string, string, string) { return http.MethodGet, "/halley.js", "" },
	"module":       func(*testing.T, *app) (string, string, string) { return http.MethodGet, "/halley.mjs", "" },
	"pusherScript": func(*testing.T, *app) (string, string, string) { return http.MethodGet, "/halley-pusher.js", "" },
	"docs":         func(*testing.T, *app) (string, string, string) { return http.MethodGet, "/docs", "" },
}

// session opens a session that lasts, by a poll, and returns its resume token; "" where the node lets nobody in.
func (a *app) session(t testing.TB) string {
	t.Helper()
	got := a.call(t, http.MethodGet, "/v1/poll?session=new&wait=0s", "")
	return got.JSON.in("connected").text("resume")
}

// sample is the operation's request, by an app with its secret key.
func (a *app) sample(t *testing.T, operation string) *http.Request {
	t.Helper()
	sample := samples[operation]
	if sample == nil {
		t.Fatalf("the specification has an operation %s that this test has no request for", operation)
	}
	method, path, body := sample(t, a)
	request := must(http.NewRequestWithContext(t.Context(), method, a.node.URL+path, strings.NewReader(body)))(t)
	request.Header.Set("Authorization", "Bearer "+a.secret)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	return request
}
