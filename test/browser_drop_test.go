package test

import "testing"

// fleet is a page with a client for each transport, named after it, each behind a proxy of its own: a browser opens six
// connections to one server at most. One more client, the watcher, has a way without a proxy and watches who is present.
type fleet struct {
	*tab
	browser *browser
	node    *node
	app     app
	proxies map[string]*proxy
}

// launch opens a fleet whose clock is so many times as fast as it should be. Its clients follow the channel room, and a channel
// of their own name after "room:", and are present.
func launch(t *testing.T, speed float64) *fleet {
	t.Helper()
	n := startNode(t)
	return launchOn(t, speed, n, n)
}

// launchOn is launch on a cluster: the watcher is on one node, and the proxies lead to another.
func launchOn(t *testing.T, speed float64, n, sailing *node) *fleet {
	t.Helper()
	f := &fleet{node: n, app: n.createApp("acme", "chat"), proxies: make(map[string]*proxy)}
	openRule(n, f.app)
	f.browser = startBrowser(t)
	f.tab = f.browser.open(t, startProxy(t, n.url), n.url, false)
	f.run(`
		clock.hasten($2)
		const watcher = client("watcher", { key: $1 })
		await watcher.follow("room")
		watcher.watch("room")
		await until(() => watcher.log.presence.length, "the members")`, f.app.PublishableKey, speed)
	for _, transport := range transports {
		p := startProxy(t, sailing.url)
		f.proxies[transport] = p
		f.run(`
			const one = client($1, { key: $2, url: $3, transports: [$1] })
			await Promise.all([one.follow("room"), one.follow("room:" + $1)])
			await one.halley.channel("room").presence.enter($1)`, transport, f.app.PublishableKey, p.url)
	}
	f.run(`
		window.fleet = $1.map((name) => clients[name])
		await until(() => clients.watcher.log.presence.length === 4, "everybody present")`, transports)
	return f
}

// sail lets the watcher publish to all, and each client to itself, until arrive.
func (f *fleet) sail() {
	f.tb.Helper()
	f.run(`
		window.stop = steady(clients.watcher, "room")
		window.stops = fleet.map((one, i) => steady(one, "room:" + $1[i]))`, transports)
}

// arrive makes sure that everybody got everything, and that nobody was seen to leave or to enter meanwhile.
func (f *fleet) arrive() {
	f.tb.Helper()
	f.run(`
		const count = await stop()
		await Promise.all(fleet.map(async (one, i) => {
			await whole(one, "room", count)
			await whole(one, "room:" + $1[i], await stops[i]())
		}))
		await whole(clients.watcher, "room", count)
		await clients.watcher.halley.channel("room").presence.get() // what was on its way to the watcher is before this answer
		same(clients.watcher.log.presence.map(({ action }) => action).join(), "sync,enter,enter,enter", "presence")`, transports)
}

// Connections are reset again and again under messages in both directions: each arrives once, in order, and nobody seems to
// leave.
func TestBrowserSurvivesResets(t *testing.T) {
	t.Parallel()
	f := launch(t, 3)
	f.sail()
	for range 5 {
		f.run(`window.before = fleet.map(({ log }) => log.messages.length)`)
		for _, p := range f.proxies {
			p.cut()
		}
		f.run(`await Promise.all(fleet.map(({ log }, i) => until(() => log.messages.length > before[i] + 5, "more messages")))`)
	}
	f.reconnect(f.proxies)
	f.arrive()
}

// Connections go silent, as behind a router that has forgotten them: the client finds out by its time-out, and has lost nothing.
func TestBrowserLeavesHalfOpenConnections(t *testing.T) {
	t.Parallel()
	f := launch(t, 5)
	f.sail()
	f.run(`await Promise.all(fleet.map(({ log }) => until(() => log.messages.length > 5, "messages")))`)
	for _, p := range f.proxies {
		p.forget()
	}
	f.run(`await Promise.all(fleet.map(({ lives }) => until(() => lives() > 1, "a new connection")))`)
	f.arrive()
	f.run(`
		for (const { log } of fleet) {
			const [lost] = log.states.filter(({ state }) => state === "waiting")
			const silence = lost.date - log.states.find(({ state }) => state === "connected").date
			if (silence < 30000) throw new Error("given up after " + silence + " ms: " + tell())
		}`)
}

// A command is lost on its way beside a stream that lives: after a time-out it is sent again, and is done once.
func TestBrowserSendsLostCommandsAgain(t *testing.T) {
	t.Parallel()
	f := launch(t, 10)
	for _, p := range f.proxies {
		p.treat("/v1/commands", swallows)
	}
	f.sail()
	f.run(`for (const { log } of fleet.slice(1)) await until(() => log.states.some(({ delay }) => delay), "a time-out")`)
	for _, p := range f.proxies {
		p.treat("/v1/commands", passes)
	}
	f.arrive()
}

// A browser repeats a poll whose connection was reset. So that the server knows then what has arrived, each poll says how far the
// client is in all of its channels.
func TestBrowserPollsFromItsPositions(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	chat := n.createApp("acme", "chat")
	page := startBrowser(t).open(t, startProxy(t, n.url), n.url, false)
	page.run(`
		const asked = []
		const { fetch } = window
		window.fetch = (address, options) => (asked.push(new URL(address)), fetch(address, options))
		const ada = client("ada", { key: $1, transports: ["poll"] })
		for (const channel of ["first", "second"]) {
			await ada.follow(channel)
			const told = () => asked.findLast(({ pathname }) => pathname === "/v1/poll").searchParams.get("cursor")?.includes(channel)
			await until(told, "a poll from the position in " + channel, 5000)
		}
		same([ada.lives(), ada.log.errors], [1, []], "connections and errors")`, chat.PublishableKey)
}
