package pushnode_test

import (
	"net/http"
	"strings"
	"testing"

	"halley/pushnode/pusher"
)

// TestPusherRefusals are the documented errors of signed calls.
func TestPusherRefusals(t *testing.T) {
	t.Parallel()
	p := newNode(t).newApp(t, "pusher", nil).pusher(t)
	const event = `{"name":"e","data":"1","channel":"news"}`
	data := strings.Repeat("x", 10_241)
	for _, row := range []struct {
		name, method, path, query, body string
		status                          int
		text                            string
	}{
		{"not JSON", "POST", "/events", "", "{", 400, "not valid JSON"},
		{"no body", "POST", "/events", "", "", 400, "not valid JSON"},
		{"null", "POST", "/events", "", "null", 400, "null"},
		{"large data", "POST", "/events", "", `{"name":"e","channel":"a","data":"` + data + `"}`, 413,
			"The data content of this event exceeds the allowed maximum (10240 bytes)"},
		{"a large body", "POST", "/events", "", strings.Repeat(" ", pusher.MostOfEvent(10_240)) + event, 413, "content of this event"},
		{"large data in a batch", "POST", "/batch_events", "", `{"batch":[{"name":"e","channel":"a","data":"` + data + `"}]}`, 413,
			"content of this event"},
		{"a large batch", "POST", "/batch_events", "", `{"batch":[` + strings.Repeat(event+",", 10) + event + `]}`, 400, "Batch too large"},
		{"a batch of nothing", "POST", "/batch_events", "", `{"batch":[]}`, 400, "batch is missing or empty"},
		{"a bad channel", "POST", "/events", "", `{"name":"e","channel":"a b","data":"1"}`, 400, "Invalid channel name"},
		{"a bad attribute", "POST", "/events", "", `{"name":"e","channel":"a","data":"1","info":"x"}`, 400,
			"info should be a comma separated list of attributes"},
		{"a large body where none belongs", "POST", "/users/ada/terminate_connections", "", strings.Repeat(" ", 5000), 413, "more than 4096 bytes"},
		{"a user that cannot be", "POST", "/users/%00/terminate_connections", "", "", 400, "Invalid user id"},
		{"a bad attribute of channels", "GET", "/channels", "info=x", "", 400, "info should be a comma separated list of attributes"},
		{"the cache of all", "GET", "/channels", "info=cache", "", 400, "info should be a comma separated list of attributes"},
		{"users of all", "GET", "/channels", "info=user_count", "", 400, "user_count may only be requested for presence channels"},
		{"users of some", "GET", "/channels", "filter_by_prefix=pres&info=user_count", "", 400, "filter_by_prefix"},
		{"a bad channel of one", "GET", "/channels/a%20b", "", "", 400, "Invalid channel name"},
		{"users of a public one", "GET", "/channels/news", "info=user_count", "", 400, "presence channel"},
		{"users of one", "GET", "/channels/news/users", "", "", 400, "Users can only be retrieved for presence channels"},
		{"users of no channel", "GET", "/channels/a%20b/users", "", "", 400, "Invalid channel name"},
		{"a path that is none", "GET", "/channel", "", "", 404, "There is nothing at"},
		{"another method", "GET", "/events", "", "", 405, "GET is not a method"},
		{"another method of channels", "POST", "/channels", "", "", 405, "POST is not a method"},
	} {
		p.ask(t, row.method, row.path, row.query, row.body).tells(t, row.name, row.status, row.text)
	}
	if allow := p.ask(t, "PUT", "/channels", "", "").Header.Get("Allow"); allow != "GET, HEAD" {
		t.Errorf("Allow is %q", allow)
	}
}

// TestPusherForeign tries another app's credentials in every place: none opens anything, and it is never told more than that.
func TestPusherForeign(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	p, other := n.newApp(t, "pusher", nil).pusher(t), n.newApp(t, "other", nil).pusher(t)
	off := n.newApp(t, "off", nil)
	calls := []struct{ method, rest, body string }{
		{"POST", "/events", `{"name":"e","data":"1","channel":"news"}`},
		{"POST", "/batch_events", `{"batch":[{"name":"e","data":"1","channel":"news"}]}`},
		{"POST", "/channels/news/events", "1"},
		{"POST", "/users/ada/terminate_connections", "{}"},
		{"GET", "/channels", ""}, {"GET", "/channels/news", ""}, {"GET", "/channels/news/stats", ""}, {"GET", "/channels/presence-a/users", ""},
	}
	mixed := *p
	mixed.Key = other.Key // signed with the secret of another key
	for _, call := range calls {
		send := func(signer *pusherApp, path string) reply {
			return n.call(t, call.method, path+"?"+signer.sign(call.method, path, "", call.body), call.body, "")
		}
		send(other, p.path(call.rest)).says(t, "another app's key", http.StatusUnauthorized, "Unknown auth_key\n")
		send(&mixed, other.path(call.rest)).tells(t, "another secret", http.StatusUnauthorized, "Invalid signature")
		send(p, "/apps/1"+call.rest).tells(t, "another number", http.StatusNotFound, "There is no app")
		send(p, "/apps/"+off.id+call.rest).tells(t, "an app's own id", http.StatusNotFound, "There is no app")
		unsigned := n.call(t, call.method, p.path(call.rest), call.body, "Bearer "+p.secret)
		unsigned.tells(t, "a key of Halley", http.StatusUnauthorized, "Missing parameter: auth_key")
		stale := n.call(t, call.method, p.path(call.rest)+"?auth_key="+p.Key+"&auth_version=1.0&auth_timestamp=1353088179&auth_signature=x", call.body, "")
		stale.tells(t, "an old one", http.StatusUnauthorized, "Timestamp expired")
		if tampered := p.sign(call.method, p.path(call.rest), "", call.body); call.body != "" {
			n.call(t, call.method, p.path(call.rest)+"?"+tampered, call.body+" ", "").tells(t, "another body", http.StatusUnauthorized, "body_md5")
		}
	}
	if held := p.history(t, "news"); len(held) != 0 {
		t.Errorf("the channel holds %v", held)
	}
}

// TestPusherKeysEnd: a key that was rolled counts as long as it should, an app that was switched off not any more.
func TestPusherKeysEnd(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	p := n.newApp(t, "pusher", nil).pusher(t)
	second := *p
	p.changed(t, func() error {
		_, err := n.Store.AddPusherKey(t.Context(), p.scope(), p.id)
		return err
	})
	second.Pusher = must(n.Directory.PusherOf(p.id))(t)
	if second.Key == p.Key {
		t.Fatal("there is no second key")
	}
	p.ask(t, http.MethodGet, "/channels", "", "").says(t, "the first key", http.StatusOK, `{"channels":{}}`)
	second.ask(t, http.MethodGet, "/channels", "", "").says(t, "the second key", http.StatusOK, `{"channels":{}}`)
	p.changed(t, func() error { return n.Store.SwitchPusher(t.Context(), p.scope(), p.id, false) })
	second.ask(t, http.MethodGet, "/channels", "", "").tells(t, "after the switch", http.StatusNotFound, "There is no app")
}
