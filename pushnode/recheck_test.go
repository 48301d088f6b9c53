package pushnode_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"halley/auth"
	"halley/pushnode/channel"
	"halley/tenant"
)

// change is something that another process does to an app, and what becomes of its clients.
type change struct {
	do   func(t *testing.T, elsewhere *tenant.Store, scope tenant.Scope, a *app) error
	code int  // that connections end with
	ends bool // the connection; else the subscription alone
}

func revoke(kind auth.Kind) func(*testing.T, *tenant.Store, tenant.Scope, *app) error {
	return func(t *testing.T, elsewhere *tenant.Store, scope tenant.Scope, a *app) error {
		for _, key := range must(elsewhere.Keys(t.Context(), scope, a.id))(t) {
			if key.Kind == kind {
				return elsewhere.RevokeKey(t.Context(), scope, a.id, key.ID)
			}
		}
		return tenant.ErrNotFound
	}
}

// changes are tried with a publishable key, those of tokens with a token.
var changes = map[string]change{
	"key revoked":          {revoke(auth.KindPublishable), 4009, true},
	"token's key revoked":  {revoke(auth.KindSecret), 4009, true},
	"token lives too long": {update(tenant.AppForm{TokenTTL: time.Minute}), 4009, true},
	"app disabled":         {update(tenant.AppForm{Disabled: true}), 4003, true},
	"account suspended": {func(t *testing.T, elsewhere *tenant.Store, scope tenant.Scope, _ *app) error {
		return elsewhere.SuspendAccount(t.Context(), scope, true)
	}, 4003, true},
	"app deleted": {func(t *testing.T, elsewhere *tenant.Store, scope tenant.Scope, a *app) error {
		return elsewhere.DeleteApp(t.Context(), scope, a.id)
	}, 4009, true},
	"channel made private": {func(t *testing.T, elsewhere *tenant.Store, scope tenant.Scope, a *app) error {
		return elsewhere.SetRule(t.Context(), scope, a.id, channel.Rule{Retention: channel.DefaultRetention})
	}, 4310, false},
}

func update(form tenant.AppForm) func(*testing.T, *tenant.Store, tenant.Scope, *app) error {
	return func(t *testing.T, elsewhere *tenant.Store, scope tenant.Scope, a *app) error {
		form.Name = "changed"
		return elsewhere.UpdateApp(t.Context(), scope, a.id, form)
	}
}

// TestChangesReachClients changes apps from another process that announces nothing: within two seconds the sweep has found the
// change, and live connections feel it over every transport.
func TestChangesReachClients(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, n *node) {
		elsewhere := n.elsewhere(t)
		for name, change := range changes {
			a := n.newApp(t, strings.NewReplacer(" ", "-", "'", "").Replace(name), nil)
			credential := a.publishable
			if strings.HasPrefix(name, "token") {
				credential = a.token(t, `{"capabilities":{"*":["subscribe"]}}`)
			}
			ends := a.ends(t, credential, change)
			unchanged := n.newApp(t, "unchanged", nil)
			other := unchanged.subscriber(t, "news")
			began := time.Now()
			if err := change.do(t, elsewhere, elsewhere.OperatorScope(a.account, tenant.Client{}), a); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for transport, end := range ends {
				if code := <-end; code != change.code {
					t.Errorf("%s, %s: ended with %d, want %d", name, transport, code, change.code)
				}
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("%s: live connections felt it after %v", name, took)
			}
			got := n.call(t, http.MethodGet, "/v1/poll?wait=0s&channel=news&"+asQuery(credential), "", "")
			if code := got.JSON.in("error").number("code"); code != change.code {
				t.Errorf("%s: a new request gets %d %s, want %d", name, got.Status, got.Text, change.code)
			}
			other.ask("ping", "").expect(t, "a client of another app", "", "")
		}
	})
}

// ends follows news over each transport, and says how each connection, or its subscription, is ended.
func (a *app) ends(t *testing.T, credential string, change change) map[string]<-chan int {
	t.Helper()
	socket, _ := a.node.dial(t, credential)
	socket.ask("subscribe", `"channel":"news"`).expect(t, "subscribe", "", "")
	stream := a.node.follow(t, credential, "channel=news")
	stream.next("subscribed")
	poller := a.node.poll(t, credential, "channel=news")
	event := "unsubscribed"
	if change.ends {
		event = "error"
	}
	waits := map[string]func() int{
		"WebSocket": func() int {
			told := socket.next(event).in("error").number("code")
			if change.ends && told != socket.closing() {
				return -1
			}
			return told
		},
		"event stream": func() int { return stream.next(event).in("error").number("code") },
		"long poll": func() int {
			path := poller.base + "&wait=50s&cursor=" + url.QueryEscape(poller.cursor)
			got := a.node.call(t, http.MethodGet, path, "", "").JSON
			for _, push := range got.list("pushes") {
				got = push
			}
			return got.in("error").number("code")
		},
	}
	ends := make(map[string]<-chan int)
	for transport, wait := range waits {
		end := make(chan int, 1)
		ends[transport] = end
		go func() {
			defer close(end)
			end <- wait()
		}()
	}
	pass(time.Millisecond) // the poll waits
	return ends
}
