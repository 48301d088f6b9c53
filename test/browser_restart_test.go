package test

import "testing"

// A single node keeps messages in memory alone. Its clients come back to it after a restart and are told that something may be
// missing; what was asked of them meanwhile is done, and they are present again.
func TestBrowserOutlivesItsNode(t *testing.T) {
	t.Parallel()
	f := launch(t, 3)
	for name, end := range map[string]func(){"drained": f.node.stop, "killed": f.node.kill} {
		t.Run(name, func(t *testing.T) {
			f.tb = t
			f.run(`for (const { log } of fleet) log.messages.length = log.gaps.length = log.channelGaps.length = 0`)
			end()
			f.run(`
				await Promise.all(fleet.map(({ halley }) => until(() => halley.state !== "connected", "the end of a connection")))
				window.sent = Promise.all(fleet.map(({ halley }, i) => halley.channel("room:" + $1[i]).publish("sent", "away")))`, transports)
			f.node.start()
			f.run(restartScript, transports)
		})
	}
}

const restartScript = `
	same((await sent).map(({ offset }) => offset), [1, 1, 1], "published while the node was away")
	await clients.watcher.connected()
	await clients.watcher.halley.channel("room").publish("count", 0)
	for (const [i, { log }] of fleet.entries()) {
		await until(() => log.gaps.length === 2 && log.channelGaps.length === 2, "gaps of " + $1[i])
		const gaps = log.gaps.map(({ channel, reason }) => channel + " " + reason).sort()
		same(gaps, ["room unknown_epoch", "room:" + $1[i] + " unknown_epoch"], "gaps")
		// Its own message stands before the gap or behind it: the command may be done before the node has looked up where to go on.
		const own = log.gaps.find(({ channel }) => channel !== "room").offset === 1 ? [] : ["away"]
		await until(() => log.messages.length === 1 + own.length, "messages of " + $1[i])
		same(log.messages.map(({ data }) => data).sort(), [0, ...own], "messages")
		same(log.errors, [], "errors")
	}
	const present = () => clients.watcher.halley.channel("room").presence.members.map(({ data }) => data).sort().join()
	await until(() => present() === "poll,sse,websocket", "everybody present")
`
