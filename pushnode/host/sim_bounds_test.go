package host_test

import (
	"fmt"
	"slices"
	"strings"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

// ring is a channel that nobody follows and that keeps little: what goes in has long outgrown it when the faults begin.
var (
	ring     = channel.ID{App: "app", Name: "ring"}
	ringSize = channel.Retention{Messages: 20, Bytes: 1500, Age: 1e12}
)

// ringEvery is the time from one message of the ring to the next.
const ringEvery = 100 * millisecond

// fillRing publishes to the ring, each message of another size, through one node after the other. What comes of it is nobody's concern.
func (w *world) fillRing(count int) {
	w.after(ringEvery, func() { w.fillRing(count + 1) })
	open := slices.DeleteFunc(slices.Clone(w.all), func(n *node) bool { return !n.alive || n.draining || n.paused })
	if len(open) == 0 {
		return
	}
	n := open[count%len(open)]
	command := channel.Publish{
		Channel: ring, ID: fmt.Sprint("ring.", count), Data: []byte(strings.Repeat("x", count%97)), Retention: ringSize,
	}
	n.host.Propose(n.clock(), n.host.SlotOf(ring.App, ring.Name), command, n.clock()+5000, func(host.Reply) {})
}

// checkBounds holds I22 at one node: a copy keeps no more of a channel than the channel's rule, however it came by it (the log, a state, an
// estate), and no more requests wait than may.
func (w *world) checkBounds(n *node) {
	if waiting := n.host.Waiting(); waiting > host.MaxWaiting {
		w.fail("I22", "%d requests wait at %s", waiting, n)
	}
	slot := n.host.SlotOf(ring.App, ring.Name)
	if !n.host.Status(slot).Copy {
		return
	}
	kept, bytes := n.host.HistoryOf(slot, ring), 0
	for _, one := range kept {
		bytes += len(one.Publication.Data)
	}
	if len(kept) > ringSize.Messages || bytes > ringSize.Bytes {
		w.fail("I22", "%s keeps %d messages of %d bytes", n, len(kept), bytes)
	}
	w.history.fullest = max(w.history.fullest, len(kept))
}
