package test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// startIssuer is the customer's server: it gives out tokens of the app, for the client id and the time to live in the query.
func startIssuer(t *testing.T, n *node, a app) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		order, _ := json.Marshal(map[string]any{
			"client_id": r.FormValue("client"), "ttl": r.FormValue("ttl"),
			"capabilities": map[string][]string{"room": {"subscribe", "publish", "presence", "history"}},
		})
		request := newRequest(t, http.MethodPost, n.url+"/v1/tokens", strings.NewReader(string(order)))
		request.Header.Set("Authorization", "Bearer "+a.SecretKey)
		request.Header.Set("Content-Type", "application/json")
		var issued struct{ Token string }
		if status := fetch(t, n, request, &issued); status != http.StatusOK && status != http.StatusCreated {
			t.Errorf("POST /v1/tokens %s: status %d", order, status)
		}
		w.Header().Set("Access-Control-Allow-Origin", "*")
		_, _ = w.Write([]byte(issued.Token))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// tokenScript gives a page fetchToken, and clients by transport with the token, or provider, that of returns.
const tokenScript = `
	const [issuer, url, transports] = [$1, $2, $3]
	window.fetchToken = async (name, ttl) => (await fetch(issuer + "/?client=" + name + "&ttl=" + ttl)).text()
	window.launch = async (of) => {
		window.fleet = []
		for (const name of transports) {
			const one = client(name, { url, transports: [name], token: await of(name) })
			fleet.push(one)
			one.follow("room")
		}
	}`

// openTokens opens a page for clients with tokens.
func openTokens(t *testing.T) (*node, app, *tab) {
	t.Helper()
	n := startNode(t)
	chat := n.createApp("acme", "chat")
	openRule(n, chat)
	page := startBrowser(t).open(t, startProxy(t, n.url), n.url, false)
	page.run(tokenScript, startIssuer(t, n, chat), n.url, transports)
	return n, chat, page
}

// Tokens are renewed in place before they end, over each transport, although every other call for one fails: no connection ends,
// no message is lost.
func TestBrowserRenewsTokens(t *testing.T) {
	t.Parallel()
	_, chat, page := openTokens(t)
	page.run(`
		window.calls = { websocket: 0, sse: 0, poll: 0 }
		window.begun = performance.now()
		await launch((name) => async () => {
			if (calls[name]++ % 2) throw new Error("the server is busy")
			return fetchToken(name, "4s")
		})
		await Promise.all(fleet.map(({ halley }) => until(() => halley.channel("room").position, "a subscription")))
		window.stop = steady(client("publisher", { key: $1 }), "room")
		await until(() => performance.now() - begun > 9000, "two lives of a token")
		const count = await stop()
		for (const one of fleet) {
			await whole(one, "room", count)
			same(one.lives(), 1, "connections")
		}
		if (Object.values(calls).some((count) => count < 7)) throw new Error("too few calls: " + JSON.stringify(calls))`,
		chat.PublishableKey)
}

// A provider that fails at first is called again; meanwhile the client waits and says why.
func TestBrowserAsksForATokenAgain(t *testing.T) {
	t.Parallel()
	_, _, page := openTokens(t)
	page.run(`
		clock.hasten(3)
		const calls = { websocket: 0, sse: 0, poll: 0 }
		const faults = [() => { throw new Error("no cookie") }, () => undefined, () => "not.a.token"]
		await launch((name) => async () => faults[calls[name]++]?.() ?? (calls[name] > 3 ? fetchToken(name, "1h") : undefined))
		for (const one of fleet) {
			await one.connected()
			const told = one.log.states.filter(({ fault }) => fault).map(({ state, fault }) => [state, fault.code, fault.message])
			same(told.map(([state, code]) => [state, code]), [["waiting", 4101], ["waiting", 4101], ["waiting", 4009]], "faults")
			same(told[0][2], "no token: Error: no cookie", "the first reason")
			same(one.log.errors, [], "errors")
		}
		same(calls, { websocket: 4, sse: 4, poll: 4 }, "calls")`)
}

// What will not be better next time ends the client, with an error that says why. It asks nobody any more.
func TestBrowserStops(t *testing.T) {
	t.Parallel()
	n, chat, page := openTokens(t)
	stops := func(what string, code int, script string, end func()) {
		t.Run(what, func(t *testing.T) {
			page.tb = t
			page.run(script)
			end()
			page.run(`
				for (const { halley, log } of fleet) {
					await until(() => halley.state === "failed", "the end")
					await until(() => log.errors.length, "an error")
					same(log.errors.map(({ code }) => code), [$1], "errors")
					same(log.states.at(-1).fault.code, $1, "fault")
					same((await refusal(halley.channel("room").publish("x", 1))).code, $1, "publish")
				}`, code)
		})
	}
	nothing := func() {}
	subscribed := `await Promise.all(fleet.map(({ halley }) => until(() => halley.channel("room").position, "a subscription")))`
	stops("refused token", 4009, `await launch(() => async () => "not.a.token")`, nothing)
	stops("token without a successor", 4210, `await launch((name) => fetchToken(name, "2s"));`+subscribed, nothing)
	stops("ended sessions", 4016, `await launch(() => () => fetchToken("eve", "1h"));`+subscribed, func() {
		request := newRequest(t, http.MethodDelete, n.url+"/v1/sessions?client_id=eve", nil)
		request.Header.Set("Authorization", "Bearer "+chat.SecretKey)
		var answer any
		if status := fetch(t, n, request, &answer); status != http.StatusOK {
			t.Errorf("DELETE /v1/sessions: status %d, %v", status, answer)
		}
	})
}
