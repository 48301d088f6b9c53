package pushnode_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"halley/tenant"
)

// waits checks that the answer says when to come back.
func (r reply) waits(t *testing.T, what string) {
	t.Helper()
	wait, err := strconv.Atoi(r.Header.Get("Retry-After"))
	if err != nil || wait < 1 || r.JSON.in("error").number("retry_after") < 1 {
		t.Errorf("%s: Retry-After is %q, and the body %s", what, r.Header.Get("Retry-After"), r.Text)
	}
}

func atConnections(t *testing.T, n *node) {
	a := n.newApp(t, "connections", tenant.Overrides{tenant.LimitConnections: 1})
	const says = "connections of 1"
	first, _ := n.dial(t, a.secret)
	for _, path := range []string{"/v1/sse?channel=news", "/v1/poll?channel=news&wait=0s"} {
		got := a.call(t, http.MethodGet, path, "")
		got.expect(t, path, "too_many_connections", says)
		got.waits(t, path)
		if got.Status != http.StatusTooManyRequests {
			t.Errorf("%s: got %d, want 429", path, got.Status)
		}
	}
	second := n.dialSilent(t, a.secret)
	refused := second.next("error")
	refused.expect(t, "second WebSocket", "too_many_connections", says)
	if code := second.closing(); code != 4102 || refused.in("error").number("retry_after") < 1 {
		t.Errorf("the second WebSocket is told %v and closes with %d, want 4102", refused, code)
	}
	_ = first.conn.CloseNow()
	if !until(func() bool {
		return a.call(t, http.MethodGet, "/v1/poll?channel=news&wait=0s", "").Status == http.StatusOK
	}) {
		t.Error("a connection that has gone still counts")
	}
}

func atPublishesPerSecond(t *testing.T, n *node) {
	a := n.newApp(t, "publishes", tenant.Overrides{tenant.LimitPublishesPerSecond: 1, tenant.LimitBatch: 1})
	const path, says = "/v1/channels/news/messages", "publishes_per_second of 1"
	s, _ := n.dial(t, a.secret)
	session := a.session(t)
	a.exceed(t, says, func() (object, *reply) {
		got := a.call(t, http.MethodPost, path, `{"data":1}`)
		return got.JSON, &got
	})
	a.exceed(t, says, func() (object, *reply) {
		got := a.call(t, http.MethodPost, "/v1/messages", `{"messages":[{"channel":"news","data":1}]}`)
		return got.JSON.list("results")[0], nil
	})
	a.exceed(t, says, func() (object, *reply) { return s.ask("publish", `"channel":"news","data":1`), nil })
	a.exceed(t, says, func() (object, *reply) {
		body := fmt.Sprintf(`{"session":%q,"commands":[{"op":"publish","ref":1,"channel":"news","data":1}]}`, session)
		return a.call(t, http.MethodPost, "/v1/commands", body).JSON.list("replies")[0], nil
	})
	// What was said of coming back holds.
	if !until(func() bool { return a.call(t, http.MethodPost, path, `{"data":1}`).Status == http.StatusCreated }) {
		t.Error("no publish is let through any more")
	}
}

// exceed does something until it is refused for its rate, and checks how that is said.
func (a *app) exceed(t *testing.T, says string, do func() (object, *reply)) {
	t.Helper()
	for range 20 {
		got, reply := do()
		if got.in("error") == nil {
			continue
		}
		got.expect(t, "too fast", "rate_limited", says)
		if wait := got.in("error").number("retry_after"); wait < 1 || wait > 2000 {
			t.Errorf("one is to wait %d ms: %v", wait, got)
		}
		if reply != nil {
			reply.waits(t, "too fast")
			if reply.Status != http.StatusTooManyRequests {
				t.Errorf("got %d, want 429", reply.Status)
			}
		}
		return
	}
	t.Error("20 in a row were let through")
}

func atMessagesPerMonth(t *testing.T, n *node) {
	a := n.newApp(t, "monthly", tenant.Overrides{tenant.LimitMessagesPerMonth: 3})
	s, _ := n.dial(t, a.secret)
	s.ask("subscribe", `"channel":"news"`).expect(t, "subscribe", "", "")
	a.publish(t, "news", "first")
	s.message()
	if !until(func() bool { return n.Meter.Current(a.id, time.Now()).Month.Messages() == 2 }) {
		t.Fatal("publish and delivery were not counted")
	}
	a.publish(t, "news", "second") // the last that fits; its delivery is over the quota, and is made all the same
	if got := s.message(); got.text("data") != "second" {
		t.Errorf("got %v", got)
	}
	const says = "messages_per_month of 3"
	got := a.call(t, http.MethodPost, "/v1/channels/news/messages", `{"data":1}`)
	got.expect(t, "publish", "quota_exceeded", says)
	got.waits(t, "publish")
	if code := got.JSON.in("error").number("code"); got.Status != http.StatusForbidden || code != 4004 {
		t.Errorf("got %d with code %d, want 403 with 4004", got.Status, code)
	}
	batch := a.call(t, http.MethodPost, "/v1/messages", `{"messages":[{"channel":"news","data":1}]}`)
	batch.JSON.list("results")[0].expect(t, "batch", "quota_exceeded", says)
	s.ask("publish", `"channel":"news","data":1`).expect(t, "socket", "quota_exceeded", says)
	s.ask("history", `"channel":"news"`).expect(t, "reading goes on", "", "")
	a.call(t, http.MethodGet, "/v1/usage", "").expect(t, "usage", "", "")
	if held := a.history(t, "news"); len(held) != 2 {
		t.Errorf("the channel holds %v, want the 2 that were accepted", held)
	}
	a.changed(t, func() error {
		return n.Store.SetLimits(t.Context(), a.scope(), a.id, tenant.Overrides{tenant.LimitMessagesPerMonth: 100})
	})
	a.publish(t, "news", "once the limit is raised")
}

func atAPIRequestsPerSecond(t *testing.T, n *node) {
	a := n.newApp(t, "requests", tenant.Overrides{tenant.LimitAPIRequestsPerSecond: 1})
	const says = "api_requests_per_second of 1"
	for _, operation := range []string{"history", "channels", "channel", "presence", "createToken", "disconnect", "usage", "hottest"} {
		a.exceed(t, says, func() (object, *reply) {
			got := n.send(t, a.sample(t, operation))
			return got.JSON, &got
		})
	}
	a.publish(t, "news", "publishes have a rate of their own")
	a.call(t, http.MethodGet, "/v1/poll?channel=news&wait=0s", "").expect(t, "poll", "", "")
}
