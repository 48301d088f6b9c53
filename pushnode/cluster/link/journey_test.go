package link_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"halley/pushnode/cluster/link"
)

// Two nodes send each other numbered frames over links that are cut, overflow and are dropped at random. Whatever comes between an Up
// and its Down is what the peer sent since one Up of its own, from the first on, in order and without a hole.
func TestJourney(t *testing.T) {
	const nodes, cuts = 2, 60
	var network wires
	var all [nodes + 1]*testNode
	for _, instance := range []uint64{1, 2} {
		all[instance] = start(t, instance, network.node, func(c *link.Config) {
			c.DataBytes = 64 << 10
			up, down := c.Up, c.Down
			var sender sync.WaitGroup // of the link that is up
			var stop chan struct{}
			c.Up = func(peer uint64) {
				up(peer)
				stop = make(chan struct{})
				sender.Go(func() { count(all[instance], peer, stop) })
			}
			c.Down = func(peer uint64, why link.Reason) {
				close(stop)
				sender.Wait()
				stop = make(chan struct{}) // Down may come again
				down(peer, why)
			}
		})
	}
	join(all[1], 1, all[2], 2)
	random := rand.New(rand.NewPCG(1, 2))
	for range cuts {
		network.cut(random.IntN(3))
		if random.IntN(10) == 0 {
			all[1].SetPeers(nil)
			all[1].SetPeers([]link.Peer{all[2].as(2)})
		}
		<-time.After(time.Duration(random.IntN(20)) * time.Millisecond) // to cut at other places, not to wait for something
	}
	for _, n := range all[1:] {
		n.Close()
		n.mu.Lock()
		links, frames := checkJourney(t, n.events)
		n.mu.Unlock()
		if links < 5 || frames < 100 {
			t.Errorf("only %d links and %d frames: the journey shows nothing", links, frames)
		}
	}
}

// count sends numbers in all classes until the link ends.
func count(n *testNode, peer uint64, stop chan struct{}) {
	var next [3]int
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		class := link.Class(i % len(next))
		if !n.Send(peer, class, fmt.Appendf(nil, "%d", next[class])) {
			return
		}
		next[class]++
		if i%100 == 0 {
			<-time.After(time.Millisecond) // leaves the processor to the links
		}
	}
}

// checkJourney holds what was promised against what was told.
func checkJourney(tb testing.TB, events []event) (links, frames int) {
	tb.Helper()
	var next [3]int
	isUp := false
	for i, e := range events {
		context := events[max(0, i-3):min(len(events), i+1)]
		switch {
		case e.name == "up" && isUp, e.name == "frame" && !isUp:
			tb.Fatalf("out of place: %v", context)
		case e.name == "up":
			isUp, next = true, [3]int{}
			links++
		case e.name == "down":
			isUp = false
		case e.frame != fmt.Sprint(next[e.class]):
			tb.Fatalf("a frame is not %d: %v", next[e.class], context)
		default:
			next[e.class]++
			frames++
		}
	}
	if slices.ContainsFunc(events, func(e event) bool { return e.why == link.Damaged }) {
		tb.Error("something was damaged on the way")
	}
	return links, frames
}
