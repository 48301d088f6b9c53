package test

import "testing"

// A session that another connection took is taken back once in a minute: a late request of the client's own may have taken it. It is given
// up where that happens again, since two clients would else take it from each other for ever.
func TestBrowserTakesItsSessionBack(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	chat := n.createApp("acme", "chat")
	openRule(n, chat)
	for _, transport := range []string{"websocket", "sse", "poll"} {
		t.Run(transport, func(t *testing.T) {
			page := startBrowser(t).open(t, startProxy(t, n.url), n.url, false)
			page.run(`
				const ada = client("ada", { key: $1, transports: [$2] })
				await ada.follow("room")
				const { session } = ada.halley
				const take = async () => { // between two polls there is nothing to take: then it does so again
					for (const before = ada.log.states.length; ada.log.states.length === before; ) {
						const answer = await fetch($3 + "/v1/poll?wait=0s&key=" + $1 + "&session=" + ada.halley.connection.resume)
						same((await answer.json()).connected.session, session, "session taken")
						await new Promise((done) => clock.later(done, 500))
					}
				}
				const lives = ada.lives()
				await take()
				await until(() => ada.lives() > lives && ada.halley.state === "connected", "the session taken back")
				same(ada.halley.session, session, "session")
				await ada.halley.channel("room").publish("count", 0)
				await until(() => ada.log.messages.length === 1, "a message")
				clock.skip(61000)
				const before = ada.lives()
				await take()
				await until(() => ada.lives() > before && ada.halley.state === "connected", "the session taken back a minute later")
				await take()
				await until(() => ada.halley.state === "failed", "the end of a session that is taken again and again")
				same(ada.log.states.at(-1).fault.code, 4015, "fault")`, chat.PublishableKey, transport, n.url)
		})
	}
}
