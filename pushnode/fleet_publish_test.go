package pushnode_test

import (
	"fmt"
	"sync"
	"testing"
)

// TestFleetPublishes follows a channel on one node over every transport and publishes on another, over real sockets, while the third
// node, which leads the channel, is killed: what was acknowledged arrives, once and in order. It has the machine to itself: the clock of
// real sockets does not wait for the bubbles of other tests, and nodes that get no time shun the lead.
func TestFleetPublishes(t *testing.T) {
	f := newFleet(t, 3, false)
	a := f.newApp(t, "ada", nil)
	const name = "news"
	leader := f.leads(t, a, name)
	others := f.others(leader)
	followers := a.on(others[0]).followAll(t, a.publishable, name)
	const before, after = 20, 20
	var publishing sync.WaitGroup
	publishing.Go(func() {
		for i := range before + after {
			if i == before {
				leader.kill()
			}
			a.on(others[1]).publish(t, name, fmt.Sprint(i))
		}
	})
	for transport, follower := range followers {
		for want := range before + after {
			if got := follower.message(); got.text("data") != fmt.Sprint(want) || got.number("offset") != want+1 {
				t.Fatalf("%s: got %v where %d was due", transport, got, want)
			}
		}
	}
	publishing.Wait()
}
