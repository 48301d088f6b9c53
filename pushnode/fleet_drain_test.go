package pushnode_test

import (
	"context"
	"sync"
	"testing"
	"time"
)

// TestAllDrainAtOnce ends a whole cluster: nobody is left to take anything over, and no node spends its time on waiting for that.
func TestAllDrainAtOnce(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		a := f.newApp(t, "ada", nil)
		stream := f.nodes[0].follow(t, a.publishable, "channel=news")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		var draining sync.WaitGroup
		for _, m := range f.nodes {
			draining.Go(func() {
				if err := m.Drain(ctx); err != nil {
					t.Errorf("%s: %v", m.name, err)
				}
			})
		}
		if wait := stream.next("drain").number("reconnect_in"); wait < 1 {
			t.Errorf("the client is told to come back in %v ms", wait)
		}
		draining.Wait()
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("the nodes drained for %v", took)
		}
	})
}
