package test

import (
	"fmt"
	"strings"
	"testing"
)

// openRule lets everybody with the publishable key do everything on channels that begin with "room".
func openRule(n *node, a app) {
	n.admin("set-rule", "--app", a.AppID, "--prefix", "room", "--client-publish", "--presence", "--history", "10000")
}

// The whole client over each transport, on a page of another origin and of the same, as a script and as a module.
func TestBrowserClient(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	chat := n.createApp("acme", "chat")
	openRule(n, chat)
	chrome := startBrowser(t)
	site := startProxy(t, n.url)
	pages := map[string]*tab{
		"another origin": chrome.open(t, site, n.url, false),
		"same origin":    chrome.open(t, site, site.url, true),
	}
	for origin, page := range pages {
		for _, transport := range transports {
			t.Run(origin+" "+transport, func(t *testing.T) {
				page.tb = t
				page.run(clientScript, chat.PublishableKey, transport, fmt.Sprintf("room:%s:%t", transport, origin == "same origin"))
			})
		}
		page.tb = t
		page.calm()
	}
}

const clientScript = `
	const [key, transport, room] = [$1, $2, $3]
	const ada = client("ada", { key, transports: [transport] })
	const bob = client("bob", { key, transports: [transport] })
	await Promise.all([ada.follow(room), bob.follow(room)])
	same(ada.halley.transport, transport, "transport")

	// Publish and subscribe: to all, by event, and not to oneself.
	const greetings = []
	bob.halley.channel(room).subscribe("greeting", (message) => greetings.push(message.data))
	const first = await ada.halley.channel(room).publish("greeting", { n: 1, text: "grüße 🌠" })
	const again = await ada.halley.channel(room).publish("greeting", { n: 1, text: "grüße 🌠" }, { id: first.id })
	same([again.offset, again.duplicate], [first.offset, true], "the same id again")
	same(Object.keys(first).sort(), ["channel", "copies", "epoch", "id", "offset"], "fields of an answer")
	await ada.halley.channel(room).publish("other", null, { echo: false })
	await ada.halley.channel(room).publish("last", [3])
	await until(() => bob.log.messages.length === 3 && ada.log.messages.length === 2, "messages")
	const wanted = [["greeting", { n: 1, text: "grüße 🌠" }, 1], ["other", null, 2], ["last", [3], 3]]
	same(bob.log.messages.map((m) => [m.event, m.data, m.offset]), wanted, "bob's")
	same(ada.log.messages.map((m) => m.event), ["greeting", "last"], "ada's, without her own")
	same(greetings.length, 1, "greetings")
	const fields = Object.keys(bob.log.messages[0]).sort().join()
	same(fields, "channel,data,epoch,event,id,offset,timestamp", "fields of a message")

	// History.
	const page = await bob.halley.channel(room).history({ limit: 2, direction: "backward" })
	same(page.map((m) => m.offset), [3, 2], "history")

	// Presence. A change that falls between two polls is told as the whole set.
	ada.watch(room)
	await until(() => ada.log.presence.length, "the set")
	same(ada.log.presence[0].action, "sync", "first change")
	const members = () => JSON.stringify(ada.halley.channel(room).presence.members.map((m) => [m.session, m.data]))
	const shows = (who, data) => until(() => members() === JSON.stringify(who ? [[who.halley.session, data]] : []), "member " + data)
	await bob.halley.channel(room).presence.enter("good")
	await shows(bob, "good")
	await bob.halley.channel(room).presence.update("better")
	await shows(bob, "better")
	same((await bob.halley.channel(room).presence.get()).length, 1, "members asked for")
	const late = []
	ada.halley.channel(room).presence.subscribe((change) => late.push(change))
	await until(() => late.length, "the set for a second listener")
	same([late[0].action, late[0].members.length], ["sync", 1], "first change of a second listener")
	await bob.halley.channel(room).presence.leave()
	await shows()

	// What is refused.
	const denied = client("denied", { key, transports: [transport] })
	denied.follow("private-x")
	await until(() => denied.log.errors.length, "an error")
	same(denied.log.errors, [{ code: 4310, name: "denied", channel: "private-x" }], "errors")
	denied.halley.close() // HTTP/1.1 has six connections for a page and a server: those that wait must not take all
	same((await refusal(bob.halley.channel(room).publish("big", "x".repeat(80000)))).code, 4319, "too large")
	same((await refusal(bob.halley.channel("a b").publish("x", 1))).code, 4309, "a bad name")
	same(bob.halley.state, "connected", "bob lives on")

	// Many messages at once, more than a request may hold.
	const big = "é".repeat(10000)
	await Promise.all(Array.from({ length: 10 }, (_, i) => bob.halley.channel(room).publish("big", i + big)))
	await until(() => ada.log.messages.length === 12, "all of many messages")
	same(ada.log.messages.slice(2).map((m) => m.data[0]), [..."0123456789"], "order")

	// Rewind and since.
	const carl = client("carl", { key, transports: [transport] })
	carl.follow(room, { rewind: 4 })
	await until(() => carl.log.messages.length === 4, "rewind")
	const dora = client("dora", { key, transports: [transport] })
	dora.follow(room, { since: first.epoch + ":11" })
	await until(() => dora.log.messages.length === 2, "since")
	same(dora.log.messages.map((m) => m.offset), [12, 13], "since")

	// Leaving.
	bob.halley.channel(room).unsubscribe()
	await ada.halley.channel(room).publish("after", 1)
	await until(() => ada.log.messages.length === 13, "ada's own")
	await bob.halley.channel(room).history({ limit: 1 }) // whatever was on its way to bob is before this answer
	same(bob.log.messages.length, 13, "bob has left")
	await carl.halley.channel(room).presence.enter("bye")
	await shows(carl, "bye")
	const closing = Date.now()
	carl.halley.close()
	await shows()
	if (Date.now() - closing > 3000) throw new Error("a closed session was left after " + (Date.now() - closing) + " ms")
	same((await refusal(carl.halley.channel(room).publish("x", 1))).code, 4016, "closed")
	for (const { halley, log } of [ada, bob, dora]) {
		halley.close()
		same(log.gaps.concat(log.channelGaps, log.errors), [], "gaps and errors")
	}
`

// More is asked for at once than one request is answered: what is left is asked for again, and nobody notices.
func TestBrowserAsksForMuchAtOnce(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	chat := n.createApp("acme", "chat")
	openRule(n, chat)
	body := `{"data":"` + strings.Repeat("x", 60<<10) + `"}`
	for range 60 {
		if status, _ := publish(t, n, chat.SecretKey, "room", body); status != 201 {
			t.Fatalf("publish: status %d", status)
		}
	}
	page := startBrowser(t).open(t, startProxy(t, n.url), n.url, false)
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			page.tb = t
			page.run(`
				const { halley, connected } = client($2, { key: $1, transports: [$2] })
				halley.connect()
				await connected()
				const room = halley.channel("room")
				const pages = [...Array(5)].map(() => room.history({ limit: 60 }))
				const { offset } = await halley.channel("room:" + $2).publish("last", 1)
				same([(await Promise.all(pages)).map((page) => page.length), offset], [Array(5).fill(60), 1], "answers")
				halley.close()`, chat.PublishableKey, transport)
		})
	}
}
