package pushnode_test

import (
	"fmt"
	"sync"
	"testing"
)

// TestFleetPublishes follows a channel on one node over every transport and publishes on another, over real sockets, while the third
// node, which leads the channel, is killed: what was acknowledged arrives, once and in order.
func TestFleetPublishes(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3, false)
	a := f.newApp(t, "ada", nil)
	name := f.named(t, a, "news", f.nodes[2])
	followers := a.on(f.nodes[0]).followAll(t, a.publishable, name)
	const before, after = 20, 20
	var publishing sync.WaitGroup
	publishing.Go(func() {
		for i := range before + after {
			if i == before {
				f.nodes[2].kill()
			}
			a.on(f.nodes[1]).publish(t, name, fmt.Sprint(i))
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
