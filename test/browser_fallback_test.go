package test

import (
	"testing"
	"time"
)

// Whatever a proxy does to WebSockets and streams, the client comes through by what is left.
func TestBrowserFallsBack(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	chat := n.createApp("acme", "chat")
	openRule(n, chat)
	page := startBrowser(t).open(t, startProxy(t, n.url), n.url, false)
	cases := []struct {
		name             string
		sockets, streams passage
		want             string
	}{
		{"refused socket", refuses, passes, "sse"},
		{"swallowed socket", swallows, passes, "sse"},
		{"refused socket and stream", refuses, refuses, "poll"},
		{"page instead of a stream", refuses, deludes, "poll"},
		{"withheld stream", refuses, withholds, "poll"},
		{"postponed socket and stream", postpones, postpones, "poll"},
		{"swallowed socket, withheld stream", swallows, withholds, "poll"},
	}
	page.run(`clock.hasten(2)`)
	for _, test := range cases { // all at once: those that swallow take the client's time-out
		p := startProxy(t, n.url)
		p.treat("/v1/ws", test.sockets)
		p.treat("/v1/sse", test.streams)
		page.run(`client($1, { key: $2, url: $3 }).follow("room")`, test.name, chat.PublishableKey, p.url)
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			page.tb = t
			page.run(`await clients[$1].connected(); same(clients[$1].halley.transport, $2, "transport")`, test.name, test.want)
			page.run(`await until(() => clients[$1].halley.channel("room").position, "a subscription")`, test.name)
		})
	}
	page.tb = t
	if status, _ := publish(t, n, chat.SecretKey, "room", `{"event":"count","data":0}`); status != 201 {
		t.Fatalf("publish: status %d", status)
	}
	page.run(`
		const all = Object.values(clients)
		let count = 1
		for (const { halley } of all) await halley.channel("room").publish("count", count++)
		for (const one of all) await whole(one, "room", count)`)
}

// A page to log in at, in the place of everything, is no answer of Halley's: the client waits until the network lets it through.
func TestBrowserWaitsForTheNetworkToLetItIn(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	chat := n.createApp("acme", "chat")
	page := startBrowser(t).open(t, startProxy(t, n.url), n.url, false)
	hotel := startProxy(t, n.url)
	for _, path := range []string{"/v1/ws", "/v1/sse", "/v1/poll"} {
		hotel.treat(path, deludes)
	}
	page.run(`
		const ada = client("ada", { key: $1, url: $2 })
		ada.follow("news")
		await until(() => ada.log.states.filter(({ state }) => state === "waiting").length > 1, "two rounds of attempts")`,
		chat.PublishableKey, hotel.url)
	for _, path := range []string{"/v1/ws", "/v1/sse", "/v1/poll"} {
		if hotel.requests(path) < 2 {
			t.Errorf("%s was asked for %d times", path, hotel.requests(path))
		}
		hotel.treat(path, passes)
	}
	page.run(`await clients.ada.connected(); same(clients.ada.log.errors, [], "errors")`)
}

// The client changes its transport under a steady stream of messages: none is lost, none comes twice. It keeps to what works, and
// goes back to its first choice after five minutes: at a reconnect, or between two polls.
func TestBrowserChangesItsTransport(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	chat := n.createApp("acme", "chat")
	openRule(n, chat)
	p := startProxy(t, n.url)
	page := startBrowser(t).open(t, p, n.url, false)
	page.run(`
		clock.hasten(4) // a transport that has worked is given up after four attempts
		const ada = client("ada", { key: $1, url: $2 })
		await ada.follow("room")
		window.stop = steady(client("bob", { key: $1 }), "room")`, chat.PublishableKey, p.url)
	const fiveMinutes = 5*time.Minute + time.Second
	for _, step := range []struct {
		sockets, streams passage
		later            time.Duration
		uncut            bool // the client moves by itself
		want             string
	}{
		{passes, passes, 0, false, "websocket"},
		{refuses, passes, 0, false, "sse"},
		{passes, passes, 0, false, "sse"},
		{passes, passes, fiveMinutes, false, "websocket"},
		{refuses, refuses, 0, false, "poll"},
		{passes, passes, 0, false, "poll"},
		{refuses, refuses, fiveMinutes, true, "poll"}, // in vain
		{passes, passes, 2 * fiveMinutes, true, "websocket"},
		{refuses, refuses, 0, false, "poll"},
	} {
		p.treat("/v1/ws", step.sockets)
		p.treat("/v1/sse", step.streams)
		page.run(`
			clients.ada.before = clients.ada.lives()
			clock.skip($1)`, step.later.Milliseconds())
		if step.uncut {
			page.run(`await until(() => clients.ada.lives() > clients.ada.before, "another connection")`)
		} else {
			page.reconnect(map[string]*proxy{"ada": p})
		}
		page.run(`
			const { halley, log } = clients.ada
			same(halley.transport, $1, "transport")
			const heard = log.messages.length
			await until(() => log.messages.length > heard, "messages")`, step.want)
	}
	page.run(`await whole(clients.ada, "room", await stop())`)
}
