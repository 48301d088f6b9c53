package main

import (
	"context"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// collector says when garbage is collected. The runtime's own rule, when the heap has doubled, suits neither of the two things that a node
// does: what connections leave behind while they are opened stays between them, as memory that only smaller things can use, so that it must
// not become much; and publications leave nothing behind, so that collecting a small heap ten times a second is wasted.
type collector struct {
	cycles  chan struct{} // one token: there was a collection
	samples []metrics.Sample

	before  reading // at the last collection
	quietAt uint64  // what had been allocated when it was looked last
	settled bool    // memory was given back since there was much to do
}

// reading is what the runtime says of the heap.
type reading struct {
	live      uint64 // bytes that the last collection left
	roots     uint64 // bytes of stacks and of variables of packages, of which the runtime takes its percentage as well
	allocated uint64 // bytes, ever
	at        time.Time
}

const (
	// growing is by how much a heap grows from one collection to the next that is taken for one that fills with connections.
	growing = 0.03
	// leastPercent is less than is ever wanted, but where nothing is known yet.
	leastPercent = 25
	// steps is by which part the room must change for the runtime to be told.
	steps = 8
	// collectEvery is how often a steady heap is collected, if that takes no more than roomMost.
	collectEvery = 500 * time.Millisecond
	roomMost     = 64 << 20
	// quietRate is how many bytes a second are allocated by a node that has nothing to do; looked at every quietInterval.
	quietRate     = 1 << 20
	quietInterval = 5 * time.Second
)

// runCollector governs the garbage collector until ctx ends, unless the operator does so by GOGC.
func runCollector(ctx context.Context) error {
	if _, given := os.LookupEnv("GOGC"); given {
		<-ctx.Done()
		return nil
	}
	c := newCollector()
	c.before = c.read()
	percent := percentOf(c.before, c.before.live/2)
	defer debug.SetGCPercent(debug.SetGCPercent(percent))
	c.await()
	quiet := time.NewTicker(quietInterval)
	defer quiet.Stop()
	for {
		select {
		case <-c.cycles:
			now := c.read()
			wanted := percentOf(now, roomFor(c.before, now))
			if wanted < percent-percent/steps || wanted > percent+percent/steps { // to set it stops the world for a moment
				debug.SetGCPercent(wanted)
				percent = wanted
			}
			c.before = now
			c.await()
		case <-quiet.C:
			if c.isDone(c.read().allocated) {
				debug.FreeOSMemory()
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func newCollector() *collector {
	return &collector{
		cycles: make(chan struct{}, 1),
		samples: []metrics.Sample{
			{Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"},
		},
	}
}

// await has the next collection put a token into cycles: it frees something that nobody has.
func (c *collector) await() {
	type sign struct{ _ *int } // of a size that is not allocated together with others
	runtime.AddCleanup(&sign{}, func(cycles chan struct{}) {
		select {
		case cycles <- struct{}{}:
		default: // it has not looked since the last
		}
	}, c.cycles)
}

func (c *collector) read() reading {
	metrics.Read(c.samples)
	value := func(i int) uint64 { return c.samples[i].Value.Uint64() }
	return reading{live: value(0), allocated: value(1), roots: value(2) + value(3), at: time.Now()}
}

// roomFor is how many bytes may be allocated before the next collection: half of what lives, and of a steady heap what it takes not to be
// collected more often than every collectEvery.
func roomFor(before, now reading) uint64 {
	room := now.live / 2
	if float64(now.live) > (1+growing)*float64(before.live) {
		return room
	}
	elapsed := max(now.at.Sub(before.at).Seconds(), 1e-3)
	wanted := float64(now.allocated-before.allocated) / elapsed * collectEvery.Seconds()
	return max(room, min(uint64(wanted), max(roomMost, now.live)))
}

// percentOf is room as a part of what lives and of what is not in the heap, as the runtime wants it.
func percentOf(now reading, room uint64) int {
	return int(min(max(100*float64(room)/float64(max(now.live+now.roots, 1<<20)), leastPercent), math.MaxInt32))
}

// isDone reports whether a node that had much to do has nothing to do now, so that what the heap has too much may go back to the system.
func (c *collector) isDone(allocated uint64) bool {
	quiet := allocated-c.quietAt < quietRate*uint64(quietInterval/time.Second)
	c.quietAt = allocated
	if !quiet {
		c.settled = false
		return false
	}
	done := !c.settled
	c.settled = true
	return done
}
