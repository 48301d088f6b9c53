package pushnode_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"halley/pushnode/channel"
	"halley/tenant"
)

// TestPusherEventsReachNativeClients: one channel space, and data as JSON where it is.
func TestPusherEventsReachNativeClients(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	p := n.newApp(t, "pusher", nil).pusher(t)
	s, _ := n.dial(t, p.secret)
	s.ask("subscribe", `"channel":"news"`)
	for _, row := range []struct {
		data string // as JSON
		want any
	}{
		{`"{\"a\" : 1.50}"`, map[string]any{"a": 1.5}},
		{`"plain"`, "plain"},
		{`"\"quoted\""`, `"quoted"`},
		{`"[1]\n"`, "[1]\n"},
		{`""`, ""},
	} {
		p.trigger(t, `{"name":"greeting","channels":["news"],"data":`+row.data+`}`)
		got := s.message()
		if !reflect.DeepEqual(got["data"], row.want) || got.text("event") != "greeting" {
			t.Errorf("%s arrives as %v", row.data, got)
		}
	}
}

// TestPusherDataIsNotTouched: what native history shows of an event is the publisher's text, byte for byte.
func TestPusherDataIsNotTouched(t *testing.T) {
	t.Parallel()
	p := newNode(t).newApp(t, "pusher", nil).pusher(t)
	p.trigger(t, `{"name":"e","channel":"news","data":"{ \"z\":1.0, \"a\": 12345678901234567890 }"}`)
	got := p.call(t, http.MethodGet, "/v1/channels/news/messages", "")
	if want := `"data":{ "z":1.0, "a": 12345678901234567890 }`; !strings.Contains(got.Text, want) {
		t.Errorf("history is %s", got.Text)
	}
}

func TestPusherBatch(t *testing.T) {
	t.Parallel()
	p := newNode(t).newApp(t, "pusher", nil).pusher(t)
	batch := func(t testing.TB, events string) reply {
		t.Helper()
		return p.ask(t, http.MethodPost, "/batch_events", "", `{"batch":[`+events+`]}`)
	}
	batch(t, `{"channel":"a","name":"1","data":"1"},{"channel":"b","name":"2","data":"2"},{"channel":"a","name":"3","data":"3"}`).
		says(t, "a batch", http.StatusOK, "{}")
	held := p.history(t, "a")
	if len(held) != 2 || held[0].text("event") != "1" || held[1].text("event") != "3" {
		t.Errorf("channel a holds %v", held)
	}
	batch(t, `{"channel":"presence-a","name":"1","data":"1","info":"user_count"},{"channel":"b","name":"2","data":"2"},`+
		`{"channel":"b","name":"3","data":"3","info":"user_count,subscription_count"}`).
		says(t, "attributes of some", http.StatusOK, `{"batch":[{"user_count":0},{},{"subscription_count":0}]}`)
	if len(p.history(t, "b")) != 3 {
		t.Errorf("channel b holds %v", p.history(t, "b"))
	}
}

// TestPusherInfo counts over everybody who is there, native clients included.
func TestPusherInfo(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	p := n.newApp(t, "pusher", nil).pusher(t)
	for _, client := range []string{"ada", "ada", "bob"} {
		s, _ := n.dial(t, p.token(t, `{"client_id":"`+client+`","capabilities":{"*":["subscribe","presence"]}}`))
		s.ask("subscribe", `"channel":"presence-room"`)
		s.ask("enter", `"channel":"presence-room"`)
	}
	s, _ := n.dial(t, p.secret)
	s.ask("subscribe", `"channel":"news"`)

	p.ask(t, http.MethodPost, "/events", "",
		`{"name":"e","data":"1","channels":["news","presence-room","empty"],"info":"user_count,subscription_count"}`).
		says(t, "an event", http.StatusOK, `{"channels":{"news":{"subscription_count":1},`+
			`"presence-room":{"user_count":2,"subscription_count":3},"empty":{"subscription_count":0}}}`)
	for _, row := range []struct{ path, query, want string }{
		{"/channels", "", `{"channels":{"news":{},"presence-room":{}}}`},
		{"/channels", "info=subscription_count", `{"channels":{"news":{"subscription_count":1},"presence-room":{"subscription_count":3}}}`},
		{"/channels", "filter_by_prefix=presence-", `{"channels":{"presence-room":{}}}`},
		{"/channels", "filter_by_prefix=presence-&info=user_count", `{"channels":{"presence-room":{"user_count":2}}}`},
		{"/channels", "filter_by_prefix=nothing", `{"channels":{}}`},
		{"/channels/news", "", `{"occupied":true}`},
		{"/channels/empty", "", `{"occupied":false}`},
		{"/channels/news/stats", "", `{"occupied":true}`},
		{"/channels/news", "info=subscription_count", `{"occupied":true,"subscription_count":1}`},
		{"/channels/presence-room", "info=user_count,subscription_count", `{"occupied":true,"user_count":2,"subscription_count":3}`},
		{"/channels/presence-empty", "info=user_count", `{"occupied":false,"user_count":0}`},
		{"/channels/news", "info=cache", `{"occupied":true,"cache":null}`},
		{"/channels", "body_md5=d41d8cd98f00b204e9800998ecf8427e&filter_by_prefix=n", `{"channels":{"news":{}}}`}, // as pusher-http-python
		{"/channels/presence-room/users", "", `{"users":[{"id":"ada"},{"id":"bob"}]}`},
		{"/channels/presence-empty/users", "", `{"users":[]}`},
	} {
		p.ask(t, http.MethodGet, row.path, row.query, "").says(t, row.path+"?"+row.query, http.StatusOK, row.want)
	}
}

// TestPusherCache: a cache channel tells its last event, not what clients sent.
func TestPusherCache(t *testing.T) {
	t.Parallel()
	p := newNode(t).newApp(t, "pusher", nil).pusher(t)
	for _, prefix := range []string{"cache-", "news"} {
		p.rule(t, channel.Rule{Prefix: prefix, Policy: channel.PolicyResume, Retention: channel.Retention{Bytes: 1000, Age: time.Minute}})
	}
	cached := func(name string) string {
		return p.ask(t, http.MethodGet, "/channels/"+name, "info=cache", "").Text
	}
	if got := cached("cache-room"); got != `{"occupied":false,"cache":null}` {
		t.Errorf("before the first event: %s", got)
	}
	p.trigger(t, `{"name":"e","data":"{\"a\": 1}","channels":["cache-room","private-cache-room","presence-cache-room","private-encrypted-cache-room"]}`)
	for _, name := range []string{"cache-room", "private-cache-room", "presence-cache-room", "private-encrypted-cache-room"} {
		const data = `{"occupied":false,"cache":{"data":"{\"a\": 1}","ttl":1`
		if got := cached(name); !strings.HasPrefix(got, data) {
			t.Errorf("%s: %s", name, got)
		}
		if held := p.history(t, name); len(held) != 1 {
			t.Errorf("%s holds %v", name, held)
		}
	}
	p.trigger(t, `{"name":"e","data":"1","channel":"news"}`)
	if held := p.history(t, "news"); len(held) != 0 {
		t.Errorf("a channel without cache holds %v", held)
	}
}

// TestPusherCacheIsOfServers: neither events of clients nor publications of somebody who is known become the cached event.
func TestPusherCacheIsOfServers(t *testing.T) {
	t.Parallel()
	p := newNode(t).newApp(t, "pusher", nil).pusher(t)
	p.trigger(t, `{"name":"e","data":"1","channel":"private-cache-room"}`)
	p.trigger(t, `{"name":"client-e","data":"2","channel":"private-cache-room"}`)
	token := p.token(t, `{"client_id":"ada","capabilities":{"*":["publish"]}}`)
	p.node.call(t, http.MethodPost, "/v1/channels/private-cache-room/messages", `{"data":3}`, "Bearer "+token)
	got := p.ask(t, http.MethodGet, "/channels/private-cache-room", "info=cache", "")
	if !strings.Contains(got.Text, `"data":"1"`) || len(p.history(t, "private-cache-room")) != 3 {
		t.Errorf("the cache is %s", got.Text)
	}
}

// TestPusherCacheByRule: where a rule keeps more for longer, so does the cache.
func TestPusherCacheByRule(t *testing.T) {
	t.Parallel()
	p := newNode(t).newApp(t, "pusher", nil).pusher(t)
	p.rule(t, channel.Rule{Prefix: "cache-", Policy: channel.PolicyResume, Retention: channel.Retention{Messages: 9, Bytes: 1000, Age: 2 * time.Hour}})
	p.trigger(t, `{"name":"e","data":"1","channel":"cache-room"}`)
	got := p.ask(t, http.MethodGet, "/channels/cache-room", "info=cache", "").JSON.in("cache")
	if ttl := got.number("ttl"); ttl <= 7000 || ttl > 7200 {
		t.Errorf("the cache is %v", got)
	}
}

// TestPusherCacheNeedsPusher: an app that Pusher's clients cannot reach keeps what its rules say.
func TestPusherCacheNeedsPusher(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "native", nil)
	a.rule(t, channel.Rule{Prefix: "cache-", Policy: channel.PolicyResume, Retention: channel.Retention{Bytes: 1000, Age: time.Minute}})
	a.publish(t, "cache-room", 1)
	if held := a.history(t, "cache-room"); len(held) != 0 {
		t.Errorf("the channel holds %v", held)
	}
}

// TestPusherUsersAreNoChannels: what is sent to a user lies in a channel of the node that nobody sees.
func TestPusherUsersAreNoChannels(t *testing.T) {
	t.Parallel()
	p := newNode(t).newApp(t, "pusher", nil).pusher(t)
	p.trigger(t, `{"name":"e","data":"1","channel":"#server-to-user-Zoë"}`)
	p.trigger(t, `{"name":"e","data":"1","channel":"news"}`)
	listed := p.call(t, http.MethodGet, "/v1/channels", "").JSON.list("channels")
	if len(listed) != 1 || listed[0].text("channel") != "news" {
		t.Errorf("the list is %v", listed)
	}
	for _, name := range []string{"#server-to-user-Zoë", "news"} {
		p.node.Follow(channel.ID{App: p.id, Name: name}, 1)
	}
	p.ask(t, http.MethodGet, "/channels", "", "").says(t, "Pusher's list", http.StatusOK, `{"channels":{"news":{}}}`)
	p.call(t, http.MethodGet, "/v1/channels/%23server-to-user-Zo%C3%AB/messages", "").expect(t, "native history", "invalid_channel", "")
	p.ask(t, http.MethodGet, "/channels/%23server-to-user-Zo%C3%AB", "", "").tells(t, "one channel", http.StatusBadRequest, "Invalid channel name")
}

// TestPusherTerminate ends the connections of a client, whichever way its id is written.
func TestPusherTerminate(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	p := n.newApp(t, "pusher", nil).pusher(t)
	for written, client := range map[string]string{"ada": "ada", "a%20b": "a b", "a/b": "a/b", "Zo%C3%AB": "Zoë"} {
		s, _ := n.dial(t, p.token(t, `{"client_id":"`+client+`","capabilities":{"*":["subscribe"]}}`))
		p.ask(t, http.MethodPost, "/users/"+written+"/terminate_connections", "", "{}").says(t, written, http.StatusOK, "{}")
		if code := s.closing(); code != 4016 {
			t.Errorf("%s: closed with %d", written, code)
		}
	}
	p.ask(t, http.MethodPost, "/users/nobody/terminate_connections", "", "").says(t, "nobody", http.StatusOK, "{}")
	const path = "/users/ada/terminate_connections"
	n.call(t, http.MethodPost, path+"?"+p.sign(http.MethodPost, path, "", "{}"), "{}", "").
		says(t, "as pusher-http-python does", http.StatusOK, "{}")
}

// TestPusherOldCall is what libraries of the first years send.
func TestPusherOldCall(t *testing.T) {
	t.Parallel()
	p := newNode(t).newApp(t, "pusher", nil).pusher(t)
	p.ask(t, http.MethodPost, "/channels/news/events", "name=greeting&socket_id=1.2", `{"a":1}`).says(t, "event", http.StatusAccepted, "{}")
	held := p.history(t, "news")
	if len(held) != 1 || held[0].text("event") != "greeting" || held[0].in("data").number("a") != 1 {
		t.Errorf("the channel holds %v", held)
	}
}

// TestPusherAllOrNone: a call that a limit refuses has published nothing, so it can be sent again.
func TestPusherAllOrNone(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	p := n.newApp(t, "pusher", tenant.Overrides{tenant.LimitPublishesPerSecond: 1, tenant.LimitBatch: 5}).pusher(t)
	p.trigger(t, `{"name":"e","data":"1","channels":["a","b","c"]}`)
	refused := p.ask(t, http.MethodPost, "/events", "", `{"name":"e","data":"1","channels":["a","b","c"]}`)
	refused.tells(t, "over the rate", http.StatusTooManyRequests, "publishes_per_second of 1")
	if refused.Header.Get("Retry-After") == "" {
		t.Error("nothing says when to come back")
	}
	p.ask(t, http.MethodPost, "/events", "", `{"name":"e","data":"1","channels":["a","b","c","d","e","f"]}`).
		tells(t, "more than a batch", http.StatusBadRequest, "batch is 5")
	for _, name := range []string{"a", "b", "c"} {
		if held := p.history(t, name); len(held) != 1 {
			t.Errorf("%s holds %v", name, held)
		}
	}
}

// TestPusherLimits: the limits of the app hold for Pusher's libraries too, with the statuses that they know.
func TestPusherLimits(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	const event = `{"name":"e","data":"1","channel":"news"}`
	p := n.newApp(t, "rate", tenant.Overrides{tenant.LimitAPIRequestsPerSecond: 1}).pusher(t)
	p.ask(t, http.MethodGet, "/channels", "", "").says(t, "a first call", http.StatusOK, `{"channels":{}}`)
	p.ask(t, http.MethodGet, "/channels", "", "").tells(t, "a second call", http.StatusTooManyRequests, "api_requests_per_second of 1")

	p = n.newApp(t, "quota", tenant.Overrides{tenant.LimitMessagesPerMonth: 1}).pusher(t)
	p.trigger(t, event)
	p.ask(t, http.MethodPost, "/events", "", event).tells(t, "over the quota", http.StatusForbidden, "messages_per_month of 1")

	p = n.newApp(t, "bytes", tenant.Overrides{tenant.LimitMessageBytes: 100}).pusher(t)
	p.ask(t, http.MethodPost, "/events", "", `{"name":"e","channel":"news","data":"`+strings.Repeat("x", 101)+`"}`).
		tells(t, "over the app's bytes", http.StatusRequestEntityTooLarge, "content of this event exceeds the allowed maximum (100 bytes)")

	p = n.newApp(t, "off", nil).pusher(t)
	p.changed(t, func() error {
		return n.Store.UpdateApp(t.Context(), p.scope(), p.id, tenant.AppForm{Name: "off", Disabled: true})
	})
	p.ask(t, http.MethodPost, "/events", "", event).tells(t, "switched off", http.StatusForbidden, "switched off")
}
