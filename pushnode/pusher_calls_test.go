package pushnode_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"halley/tenant"
)

// pusherCalls are the calls of Pusher's API, with X for the name in a path.
var pusherCalls = [][2]string{
	{"POST", "/events"}, {"POST", "/batch_events"}, {"GET", "/channels"}, {"GET", "/channels/X"}, {"GET", "/channels/X/users"},
	{"GET", "/channels/X/stats"}, {"POST", "/channels/X/events"}, {"POST", "/users/X/terminate_connections"},
}

// FuzzPusherCalls makes every call, well signed, with any name, parameter and body: there is an answer, it is no fault of ours, and it
// shows no secret.
func FuzzPusherCalls(f *testing.F) {
	p := newNode(f).newApp(f, "pusher", tenant.Overrides{
		tenant.LimitAPIRequestsPerSecond: 1_000_000, tenant.LimitPublishesPerSecond: 1_000_000,
	}).pusher(f)
	for _, seed := range [][4]string{
		{"news", "info", "user_count", `{"name":"e","data":"1","channel":"news"}`},
		{"presence-room", "info", "user_count,subscription_count,cache", `{"batch":[{"name":"e","data":"{}","channel":"presence-a","info":"user_count"}]}`},
		{"cache-room", "filter_by_prefix", "presence-", `{"name":"e","data":"\ud800","channels":["#server-to-user-1","cache-a"],"info":"user_count"}`},
		{"#server-to-user-\xff", "name", "e", "null"},
		{"a/b", "socket_id", "1.2", "[[["},
		{"..", "zzz", "%", "\xff"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	f.Fuzz(func(t *testing.T, name, key, value, body string) {
		if name == "" || key <= "body_md5" || strings.ToLower(key) != key || strings.ContainsAny(key, "=&") {
			return // it is the test that puts keys in order
		}
		for _, call := range pusherCalls {
			path := p.path(strings.ReplaceAll(call[1], "X", url.PathEscape(name)))
			query := p.sign(call[0], path, key+"="+value, body)
			sent := strings.Replace(query, key+"="+value, url.QueryEscape(key)+"="+url.QueryEscape(value), 1)
			p.tryPusher(t, call[0], path+"?"+sent, body, strings.ContainsAny(value, "&"))
		}
	})
}

// tryPusher calls without a network, for at most a moment.
func (p *pusherApp) tryPusher(t *testing.T, method, target, body string, misread bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, "http://"+p.node.address+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	p.node.Handler().ServeHTTP(answer, request)
	text := answer.Body.String()
	switch {
	case answer.Code >= 500:
		t.Errorf("%s %s with %q: %d %s", method, target, body, answer.Code, text)
	case answer.Code == http.StatusUnauthorized && !misread && strings.Contains(text, "Invalid signature"):
		t.Errorf("%s %s: its signature is refused: %s", method, target, text)
	case strings.Contains(text, p.Secret.Reveal()), !utf8.ValidString(text):
		t.Errorf("%s %s is answered with %q", method, target, text)
	}
}
