package test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// On a channel whose rule lets go of messages, a client that takes nothing for a while is told how many it has missed: neither
// more nor less than that, and on the same connection.
func TestBrowserIsToldWhatWasDropped(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	chat := n.createApp("acme", "chat")
	n.admin("set-rule", "--app", chat.AppID, "--prefix", "ticks", "--policy", "lossy")
	page := startBrowser(t).open(t, startProxy(t, n.url), n.url, false)
	p := startProxy(t, n.url)
	pushed := transports[:2] // a poll fetches what it can take
	page.run(`
		window.fleet = $2.map((name) => client(name, { key: $1, url: $3, transports: [name] }))
		await Promise.all(fleet.map(({ follow }) => follow("ticks")))`, chat.PublishableKey, pushed, p.url)
	p.stall(true)
	const count = 300
	body := fmt.Sprintf(`{"data":%q}`, strings.Repeat("x", 60000)) // the system's buffers hold some megabytes
	for range count {
		if status, _ := publish(t, n, chat.SecretKey, "ticks", body); status != http.StatusCreated {
			t.Fatalf("publish: status %d", status)
		}
	}
	p.stall(false)
	page.run(`
		for (const { log, lives } of fleet) {
			await until(() => log.messages.length + log.dropped >= $1, "all messages, had or dropped")
			same(log.messages.length + log.dropped, $1, "messages had and dropped")
			if (!log.dropped) throw new Error("nothing was dropped: " + tell())
			const offsets = log.messages.map(({ offset }) => offset)
			if (offsets.some((offset, i) => offset <= (offsets[i - 1] ?? 0))) throw new Error("out of order: " + offsets)
			same(offsets.at(-1), $1, "the last one")
			same([lives(), log.gaps, log.errors], [1, [], []], "connections, gaps and errors")
		}`, count)
}
