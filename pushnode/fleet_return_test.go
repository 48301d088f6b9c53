package pushnode_test

import "testing"

// Two of three nodes are killed, and others come to their addresses when gossip has long declared them dead. That they answer there is
// proof of those deaths: the last copy, which had waited for it, goes on.
func TestLateHeirsProveDeaths(t *testing.T) {
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		a := f.newApp(t, "ada", nil)
		survivor := f.nodes[0]
		a.on(survivor).publish(t, "news", "before")
		for _, m := range f.others(survivor) {
			f.wires.leave(m.name, m.name+"-again")
			m.kill()
		}
		f.await(t, "gossip does not find the two dead", func() bool { return len(survivor.cluster.Dead()) == 2 })
		f.start(t, "n2-again")
		f.start(t, "n3-again")
		f.awaitLevel(t)
		a.on(survivor).publish(t, "news", "after")
	})
}
