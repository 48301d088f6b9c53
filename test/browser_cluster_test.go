package test

import "testing"

// Pages are connected to a cluster by a balancer. The node that most of them are on is killed, and then the balancer has every new
// connection and poll go to another node than the one before: each message arrives once, in order, and nobody seems to leave.
func TestBrowserSurvivesTheDeathOfANode(t *testing.T) {
	t.Parallel()
	nodes := startCluster(t, 3)
	f := launchOn(t, 1, nodes[2], nodes[0])
	f.sail()
	enough := func() {
		t.Helper()
		f.run(`
			const before = fleet.map(({ log }) => log.messages.length)
			await Promise.all(fleet.map(({ log }, i) => until(() => log.messages.length > before[i] + 5, "more messages")))`)
	}
	enough()
	nodes[0].kill()
	for _, p := range f.proxies {
		p.lead(t, nodes[1].url, nodes[2].url)
	}
	enough()
	for _, p := range f.proxies {
		p.cut()
	}
	enough()
	f.arrive()
}
