package test

import "testing"

// pusher-js turns to requests by itself where WebSockets do not get through: in Node.js and in pages.
func TestPusherLibraryFallsBack(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	settings, line := pusherOn(t, n), startProxy(t, n.url)
	line.treat("/app/"+settings.App.Key, refuses)
	settings.Nodes[0] = pusherNodeAt(t, line.url)
	const journey = "journeys/blocked.mjs"
	t.Run("Node.js", func(t *testing.T) { play(t, journey, settings, nil) })
	t.Run("a page", func(t *testing.T) {
		page := startBrowser(t).visit(t, startSite(t, settings)+"/page.html")
		page.run(`
			for (const end = Date.now() + 30000; !window.play && Date.now() < end; ) await new Promise((done) => setTimeout(done, 10))
			await play($1)`, journey)
	})
	if line.requests("/app/"+settings.App.Key) < 2 {
		t.Error("no WebSocket was tried")
	}
}

// A balancer that leads every request to another node is no hindrance to a conversation.
func TestPusherLibraryFallsBackOnACluster(t *testing.T) {
	t.Parallel()
	nodes := startCluster(t, 3)
	settings, balancer := pusherOn(t, nodes...), startProxy(t, nodes[0].url)
	balancer.lead(t, nodes[0].url, nodes[1].url, nodes[2].url)
	settings.Nodes = []pusherNode{pusherNodeAt(t, balancer.url)}
	for _, name := range []string{"fallback_polling", "fallback_streaming"} {
		t.Run(name, func(t *testing.T) { play(t, "scenarios/"+name+".mjs", settings, nil) })
	}
}
