package test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// dismissal is how a server sends a client away: over HTTP by an answer, over a socket or a stream by its last push.
type dismissal struct {
	name       string
	status     int // 0: the client is let in, and then sent away by push
	retryAfter string
	body       string
	push       string
	close      websocket.StatusCode
	least      int // what the client waits beside its own wait, in ms
}

var dismissals = []dismissal{
	{name: "told in the body", status: 503, body: `{"error":{"code":4100,"name":"x","message":"x","retry_after":7000}}`, least: 7000,
		push: `"op":"error","error":{"code":4100,"name":"x","message":"x","retry_after":7000}`, close: 4100},
	{name: "told in the header", status: 429, body: `{"error":{"code":4301,"name":"x","message":"x"}}`, retryAfter: "3", least: 3000,
		push: `"op":"drain","reconnect_in":3000`, close: 4200},
	{name: "told by a proxy", status: 503, body: `<h1>Maintenance</h1>`, retryAfter: "5", least: 5000,
		push: `"op":"error","error":{"code":4101,"name":"x","message":"x","retry_after":5000}`, close: 4101},
	{name: "told of a month", status: 503, body: `<h1>Maintenance</h1>`, retryAfter: "2592000", least: 600_000,
		push: `"op":"error","error":{"code":4101,"name":"x","message":"x","retry_after":2592000000}`, close: 4101},
	{name: "told of no time", status: 503, body: `{"error":{"code":4102,"name":"x","message":"x"}}`, least: 1000,
		push: `"op":"error","error":{"code":4102,"name":"x","message":"x"}`, close: 4102},
	{name: "told to move", push: `"op":"drain","reconnect_in":4000`, close: 4200, least: 4000},
}

const connectedPush = `"op":"connected","session":"ses_x","resume":"ses_x.y","resumed":false,"ping":25000,"timeout":10000,` +
	`"limits":{"message_bytes":65536,"channels":200}`

// ServeHTTP dismisses a client over its transport.
func (d dismissal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Access-Control-Allow-Headers", "Authorization")
	header.Set("Access-Control-Expose-Headers", "Retry-After")
	switch _, transport, _ := strings.Cut(r.URL.Path, "/v1/"); {
	case r.Method == http.MethodOptions:
	case transport == "ws":
		d.serveSocket(w, r)
	case d.status != 0:
		header.Set("Retry-After", d.retryAfter)
		w.WriteHeader(d.status)
		fmt.Fprint(w, d.body)
	case transport == "sse":
		for _, push := range []string{connectedPush, d.push} {
			op, _, _ := strings.Cut(strings.TrimPrefix(push, `"op":"`), `"`)
			fmt.Fprintf(w, "event: %s\ndata: {%s}\n\n", op, push)
		}
	default:
		fmt.Fprintf(w, `{"cursor":"","messages":[],"gaps":[],"connected":{%s},"pushes":[{%s}]}`, connectedPush, d.push)
	}
}

func (d dismissal) serveSocket(w http.ResponseWriter, r *http.Request) {
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // the client sees that nothing came of it, and the test fails
	}
	_, _, _ = socket.Read(r.Context()) // connect
	for _, push := range []string{connectedPush, d.push} {
		_ = socket.Write(context.WithoutCancel(r.Context()), websocket.MessageText, []byte("{"+push+"}"))
	}
	_ = socket.Close(d.close, "")
}

// A server that sends its clients away says for how long. They come back no sooner, and spread out from then on.
func TestBrowserHeedsHowLongToWait(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	page := startBrowser(t).open(t, startProxy(t, n.url), n.url, false)
	for _, d := range dismissals {
		server := httptest.NewServer(d)
		defer server.Close()
		for _, transport := range transports {
			t.Run(d.name+" "+transport, func(t *testing.T) {
				page.tb = t
				page.run(`
					const { halley, log } = client($1, { key: "x", url: $2, transports: [$3] })
					halley.connect()
					await until(() => halley.state === "waiting", "a wait")
					const { delay } = log.states.find(({ state }) => state === "waiting")
					halley.close()
					if (delay < $4 || delay > $4 + 500) throw new Error("it waits " + delay + " ms: " + tell())`,
					d.name+transport, server.URL, transport, d.least)
			})
		}
	}
}

// Nobody is there: each wait is drawn at random below a bound that doubles, so that clients that were dropped together do not
// come back together.
func TestBrowserSpreadsItsAttempts(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	page := startBrowser(t).open(t, startProxy(t, n.url), n.url, false)
	nobody := startProxy(t, n.url)
	nobody.shut(true)
	var delays [][]float64
	page.ask(&delays, `
		clock.hasten(15)
		const all = [...Array(9).keys()].map((i) => client("client " + i, { key: "x", url: $1, transports: [$2[i % 3]] }))
		for (const { halley } of all) halley.connect()
		const delays = ({ log }) => log.states.filter(({ state }) => state === "waiting").map(({ delay }) => delay)
		await Promise.all(all.map((one) => until(() => delays(one).length >= 6, "six waits")))
		return all.map(delays)`, nobody.url, transports)
	for i := range 6 {
		bound := float64(int(500) << i)
		least, most := bound, 0.0
		for _, one := range delays {
			least, most = min(least, one[i]), max(most, one[i])
		}
		if most > bound || most-least < bound/20 {
			text, _ := json.Marshal(delays)
			t.Errorf("wait %d is from %v to %v ms, want it spread below %v: %s", i, least, most, bound, text)
		}
	}
}

// An app that has no room asks its clients to wait; they come in when there is some.
func TestBrowserWaitsForRoom(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	chat := n.createApp("acme", "chat")
	n.admin("set-limit", "--app", chat.AppID, "connections=1")
	page := startBrowser(t).open(t, startProxy(t, n.url), n.url, false)
	page.run(`
		clock.hasten(5)
		await client("guest", { key: $1 }).follow("news")`, chat.PublishableKey)
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			page.tb = t
			page.run(`
				const one = client($2, { key: $1, transports: [$2] })
				one.follow("news")
				const { fault, delay } = await until(() => one.log.states.find(({ state }) => state === "waiting"), "a wait")
				same(fault.code, 4102, "reason")
				if (!(delay >= fault.retry_after)) throw new Error("it comes back too early: " + tell())
				clients.guest.halley.close()
				await one.connected()
				same(one.log.errors, [], "errors")
				clients.guest = one`, chat.PublishableKey, transport)
		})
	}
}
