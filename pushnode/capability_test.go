package pushnode_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"halley/auth"
	"halley/pushnode/channel"
	"halley/tenant"
)

// operations are what a credential may do on a channel.
var operations = []string{"subscribe", "publish", "presence", "history"}

// caller is one who has a credential, with a connection and a session made with it.
type caller struct {
	*app
	credential string
	socket     *socket
	session    string
}

func (a *app) caller(t *testing.T, credential string) *caller {
	t.Helper()
	c := &caller{app: a, credential: credential}
	c.socket, _ = a.node.dial(t, credential)
	opened := a.node.call(t, http.MethodGet, "/v1/poll?session=new&wait=0s", "", "Bearer "+credential)
	c.session = opened.JSON.in("connected").text("resume")
	return c
}

// try calls and returns the name of the error, or "".
func (c *caller) try(t *testing.T, method, path, body string) string {
	t.Helper()
	got := c.node.call(t, method, path, body, "Bearer "+c.credential)
	name := got.errorName()
	if results := got.JSON.list("results"); len(results) > 0 {
		name = results[0].in("error").text("name")
	}
	if replies := got.JSON.list("replies"); len(replies) > 0 {
		name = replies[0].in("error").text("name")
	}
	if name == "denied" && got.Status != http.StatusForbidden && got.Status != http.StatusOK {
		t.Errorf("%s %s: denied with status %d", method, path, got.Status)
	}
	return name
}

func (c *caller) command(t *testing.T, command, name string) string {
	t.Helper()
	body := fmt.Sprintf(`{"session":%q,"commands":[{"ref":1,"channel":%q,%s}]}`, c.session, name, command)
	return c.try(t, http.MethodPost, "/v1/commands", body)
}

// open opens an event stream and closes it again.
func (c *caller) open(t *testing.T, query string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request := must(http.NewRequestWithContext(ctx, http.MethodGet, c.node.URL+"/v1/sse?"+query, nil))(t)
	request.Header.Set("Authorization", "Bearer "+c.credential)
	response := must(c.node.client.Do(request))(t)
	defer response.Body.Close()
	if response.StatusCode == http.StatusForbidden {
		return "denied"
	}
	return ""
}

// probe is one way to do something on a channel.
type probe struct {
	operation string   // of the specification
	needs     []string // operations; none: a secret key for everything
	try       func(t *testing.T, c *caller, name string) string
}

// anything stands for the need of a secret key with any operation on the channel.
const anything = "anything"

// asked makes a probe of a request without a body.
func asked(operation, method, path string, needs ...string) probe {
	return probe{operation, needs, func(t *testing.T, c *caller, name string) string {
		return c.try(t, method, fmt.Sprintf(path, name), "")
	}}
}

// posted makes a probe of a body.
func posted(operation, path, body string, needs ...string) probe {
	return probe{operation, needs, func(t *testing.T, c *caller, name string) string {
		return c.try(t, http.MethodPost, fmt.Sprintf(path, name), fmt.Sprintf(body, name))
	}}
}

// said makes probes of a command, over a WebSocket and beside a stream.
func said(op, fields string, needs ...string) []probe {
	return []probe{
		{"webSocket", needs, func(_ *testing.T, c *caller, name string) string {
			got := c.socket.ask(op, fmt.Sprintf(`"channel":%q`, name)+fields)
			return got.in("error").text("name")
		}},
		{"commands", needs, func(t *testing.T, c *caller, name string) string {
			return c.command(t, fmt.Sprintf(`"op":%q`, op)+fields, name)
		}},
	}
}

// probes are all ways to do something on a channel, and all calls that need a secret key.
func probes() []probe {
	const both = "channel=%s&presence=true"
	stream := func(query string) func(t *testing.T, c *caller, name string) string {
		return func(t *testing.T, c *caller, name string) string { return c.open(t, fmt.Sprintf(query, name)) }
	}
	return slices.Concat([]probe{
		posted("publish", "/v1/channels/%s/messages", `{"data":%q}`, "publish"),
		posted("publishBatch", "/v1/messages%.0s", `{"messages":[{"channel":%q,"data":1}]}`, "publish"),
		asked("history", http.MethodGet, "/v1/channels/%s/messages", "history"),
		asked("presence", http.MethodGet, "/v1/channels/%s/presence", "presence"),
		asked("poll", http.MethodGet, "/v1/poll?wait=0s&channel=%s", "subscribe"),
		asked("poll", http.MethodGet, "/v1/poll?wait=0s&"+both, "subscribe", "presence"),
		{"eventStream", []string{"subscribe"}, stream("channel=%s")},
		{"eventStream", []string{"subscribe", "presence"}, stream(both)},

		asked("channels", http.MethodGet, "/v1/channels?prefix=%s"),
		asked("channel", http.MethodGet, "/v1/channels/%s", anything),
		asked("disconnect", http.MethodDelete, "/v1/sessions?client_id=%s"),
		asked("usage", http.MethodGet, "/v1/usage%.0s"),
		asked("hottest", http.MethodGet, "/v1/usage/hottest%.0s"),
		posted("createToken", "/v1/tokens%.0s", `{"capabilities":{%q:["history"]}}`, "history", anything),
	},
		said("subscribe", "", "subscribe"), said("subscribe", `,"presence":true`, "subscribe", "presence"),
		said("publish", `,"data":1`, "publish"), said("enter", "", "presence"), said("update", `,"data":1`, "presence"),
		said("members", "", "presence"), said("history", "", "history"),
	)
}

// credential is one and what it may do.
type credential struct {
	text     string
	secret   bool // a secret key
	channels []string
	may      func(op, name string) bool
}

// meets reports whether the credential has what a probe needs.
func (c credential) meets(needs []string, name string) bool {
	some := func(op string) bool { return c.may(op, name) }
	if len(needs) == 0 {
		return c.secret && c.may("everything", "*")
	}
	return !slices.ContainsFunc(needs, func(op string) bool {
		if op == anything {
			return !c.secret || !slices.ContainsFunc(operations, some)
		}
		return !c.may(op, name)
	})
}

// rooms is a capability on the channels room:*.
func rooms(t *testing.T, ops ...string) auth.Capability {
	return must(auth.ParseCapability(map[string][]string{"room:*": ops}))(t)
}

func (a *app) narrowKey(t *testing.T, capability auth.Capability) string {
	t.Helper()
	form := tenant.KeyForm{Kind: auth.KindSecret, Capability: capability}
	_, secret := must2(a.node.Store.CreateKey(t.Context(), a.scope(), a.id, form))(t)
	return secret.Reveal()
}

// credentials are one of each kind, by a name.
func (a *app) credentials(t *testing.T) map[string]credential {
	t.Helper()
	leaves := map[string][]string{ // what the rules leave to everybody
		"open": operations, "look": {"subscribe", "history"}, "news": {"subscribe", "history"}, "room:1": {"subscribe", "history"},
	}
	kinds := map[string]credential{
		"secret key":      {a.secret, true, []string{"room:1", "private-x"}, func(string, string) bool { return true }},
		"publishable key": {a.publishable, false, []string{"open", "look", "shut", "news", "room:1", "private-x", "presence-x"}, nil},
	}
	publishable := kinds["publishable key"]
	publishable.may = func(op, name string) bool { return slices.Contains(leaves[name], op) }
	kinds["publishable key"] = publishable
	names := []string{"room:1", "open"}
	for _, op := range operations {
		only := func(given, name string) bool { return given == op && name == "room:1" }
		rest := slices.DeleteFunc(slices.Clone(operations), func(other string) bool { return other == op })
		key := a.narrowKey(t, rooms(t, op))
		token := a.token(t, fmt.Sprintf(`{"capabilities":{"room:*":[%q]}}`, op))
		kinds["secret key to "+op] = credential{key, true, names, only}
		kinds["secret key not to "+op] = credential{a.narrowKey(t, rooms(t, rest...)), true, names, func(given, name string) bool {
			return given != op && name == "room:1"
		}}
		kinds["token to "+op] = credential{token, false, names, only}
		kinds["token for all of a key to "+op] = credential{a.wideToken(t, key, ""), false, names, only}
	}
	return kinds
}

// TestCapabilities tries every way to do something on a channel with every kind of credential: what was not given is denied.
func TestCapabilities(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "ada", tenant.Overrides{tenant.LimitAPIRequestsPerSecond: 100_000})
	a.rule(t, channel.Rule{Prefix: "open", Public: true, ClientPublish: true, Presence: true})
	a.rule(t, channel.Rule{Prefix: "look", Public: true})
	a.rule(t, channel.Rule{Prefix: "shut", ClientPublish: true, Presence: true})
	all := probes()
	for kind, credential := range a.credentials(t) {
		c := a.caller(t, credential.text)
		for _, name := range credential.channels {
			for i, probe := range all {
				want := "denied"
				if credential.meets(probe.needs, name) {
					want = ""
				}
				if got := probe.try(t, c, name); got != want {
					t.Errorf("%s on %s, probe %d: %s, which needs %q, answers %q, want %q",
						kind, name, i, probe.operation, probe.needs, got, want)
				}
			}
		}
	}
	open := []string{"openapi", "script", "module", "pusherScript", "docs"} // to everybody
	for _, item := range must(specified())(t).spec.Paths.Map() {
		for _, operation := range item.Operations() {
			tried := slices.ContainsFunc(all, func(one probe) bool { return one.operation == operation.OperationID })
			if !tried && !slices.Contains(open, operation.OperationID) {
				t.Errorf("no probe tries %s", operation.OperationID)
			}
		}
	}
}
