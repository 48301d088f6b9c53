package pushnode_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"halley/pushnode/channel"
	"halley/tenant"
)

// app is an app with its keys.
type app struct {
	node        *node
	id, account string
	secret      string
	publishable string
}

// newApp makes an account with an app.
func (n *node) newApp(t testing.TB, name string, limits tenant.Overrides) *app {
	t.Helper()
	made := must(n.Store.Provision(t.Context(), tenant.Provision{
		Account: name, App: name, Email: name + "@example.com", Limits: limits,
	}, tenant.Client{}))(t)
	known := func() bool { _, err := n.Directory.App(made.AppID); return err == nil }
	if !until(known) { // a first request that has to ask a busy database may be told to come back
		t.Fatal("the app did not reach the node")
	}
	return &app{
		node: n, id: made.AppID, account: made.AccountID,
		secret: made.SecretKey.Reveal(), publishable: made.PublishableKey.Reveal(),
	}
}

// call sends a request with the app's secret key.
func (a *app) call(t testing.TB, method, path, body string) reply {
	t.Helper()
	return a.node.call(t, method, path, body, "Bearer "+a.secret)
}

// scope lets the test work on the app's account as its operator.
func (a *app) scope() tenant.Scope { return a.node.Store.OperatorScope(a.account, tenant.Client{}) }

// changed changes the app's settings and waits until the node has them.
func (a *app) changed(t testing.TB, change func() error) {
	t.Helper()
	before := must(a.node.Directory.App(a.id))(t).Revision
	if err := change(); err != nil {
		t.Fatal(err)
	}
	if !until(func() bool { return must(a.node.Directory.App(a.id))(t).Revision > before }) {
		t.Fatal("the change did not reach the node")
	}
}

// rule gives the app a channel rule and waits until the node has it.
func (a *app) rule(t testing.TB, rule channel.Rule) {
	t.Helper()
	if rule.Retention == (channel.Retention{}) {
		rule.Retention = channel.DefaultRetention
	}
	a.changed(t, func() error { return a.node.Store.SetRule(t.Context(), a.scope(), a.id, rule) })
}

// token has the node sign a token for the app.
func (a *app) token(t testing.TB, request string) string {
	t.Helper()
	got := a.call(t, http.MethodPost, "/v1/tokens", request)
	if got.Status != http.StatusOK {
		t.Fatalf("token: %d %s", got.Status, got.Text)
	}
	return got.JSON.text("token")
}

// publish publishes a message and returns where it stands.
func (a *app) publish(t testing.TB, name string, data any) object {
	t.Helper()
	body := must(json.Marshal(object{"data": data}))(t)
	got := a.call(t, http.MethodPost, "/v1/channels/"+url.PathEscape(name)+"/messages", string(body))
	if got.Status != http.StatusCreated {
		t.Fatalf("publish: %d %s", got.Status, got.Text)
	}
	return got.JSON
}

// history is what the channel holds, oldest first.
func (a *app) history(t testing.TB, name string) []object {
	t.Helper()
	got := a.call(t, http.MethodGet, "/v1/channels/"+url.PathEscape(name)+"/messages?direction=forward&limit=1000", "")
	if got.Status != http.StatusOK {
		t.Fatalf("history: %d %s", got.Status, got.Text)
	}
	return got.JSON.list("messages")
}
