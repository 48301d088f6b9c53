package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"testing"
	"time"
)

func TestRoomForGarbage(t *testing.T) {
	t.Parallel()
	began := time.Unix(1_795_000_000, 0)
	const mb = 1 << 20
	for name, test := range map[string]struct {
		before, live uint64 // in MB
		allocated    uint64
		elapsed      time.Duration
		want         uint64 // in MB
	}{
		"connections are opened":         {40, 44, 400, time.Second, 22},
		"a small heap is busy":           {12, 12, 100, time.Second, 50},
		"a small heap is very busy":      {12, 12, 1000, time.Second, 64},
		"a large heap is very busy":      {300, 301, 2000, time.Second, 301},
		"it has little to do":            {40, 40, 5, 10 * time.Second, 20},
		"it shrinks":                     {60, 40, 20, time.Second, 20},
		"two collections in one instant": {12, 12, 1, 0, 64},
	} {
		now := reading{live: test.live * mb, allocated: (test.allocated + 1) * mb, at: began.Add(test.elapsed)}
		if got := roomFor(reading{live: test.before * mb, allocated: mb, at: began}, now) / mb; got != test.want {
			t.Errorf("%s: %d MB, want %d", name, got, test.want)
		}
	}
	if got := percentOf(reading{}, 0); got != leastPercent {
		t.Errorf("nothing is known: %d", got)
	}
	if got := percentOf(reading{live: 40 * mb}, 20*mb); got != 50 {
		t.Errorf("room for a half: %d", got)
	}
	if got := percentOf(reading{live: 20 * mb, roots: 108 * mb}, 64*mb); got != 50 {
		t.Errorf("with the stacks of many goroutines: %d", got)
	}
}

func TestMemoryIsGivenBackOnce(t *testing.T) {
	t.Parallel()
	c := new(collector)
	allocated := uint64(0)
	for i, step := range []struct {
		more uint64
		want bool
	}{{0, true}, {0, false}, {100 << 20, false}, {100 << 20, false}, {1 << 20, true}, {1 << 20, false}, {100 << 20, false}, {0, true}} {
		allocated += step.more
		if got := c.isDone(allocated); got != step.want {
			t.Errorf("look %d: %v", i, got)
		}
	}
}

// The collector follows what the heap does, and leaves the runtime's setting as it was. It sets what all tests share, so that it does not
// run beside others.
func TestCollectorGoverns(t *testing.T) {
	t.Setenv("GOGC", "") // it is put back at the end
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := runCollector(ctx); err != nil || ctx.Err() == nil {
			t.Errorf("it ended with %v, asked to: %v", err, ctx.Err() != nil)
		}
	})
	runtime.GC()
	if got := debug.SetGCPercent(100); got != 100 {
		t.Errorf("with GOGC the percentage is %d", got)
	}
	cancel()
	running.Wait()
	c := &collector{cycles: make(chan struct{}, 1)}
	c.await()
	runtime.GC()
	select {
	case <-c.cycles:
	case <-time.After(20 * time.Second):
		t.Error("no sign of a collection")
	}
}

// What the collector allows is what the runtime aims at, also where much is in stacks.
func TestCollectorAllowsWhatItSays(t *testing.T) {
	var held sync.WaitGroup
	release := make(chan struct{})
	defer held.Wait()
	defer close(release)
	for range 64 {
		ready := make(chan struct{})
		held.Go(func() {
			holdStack(8, func() { close(ready); <-release })
		})
		<-ready
	}
	runtime.GC()
	c := newCollector()
	now := c.read()
	const room = 64 << 20
	defer debug.SetGCPercent(debug.SetGCPercent(percentOf(now, room)))
	goal := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}}
	metrics.Read(goal)
	if got := goal[0].Value.Uint64() - now.live; got < room*9/10 || got > room*11/10 {
		t.Errorf("%d bytes may be allocated before the next collection, want about %d: %d live, %d are in stacks and variables", got, room, now.live, now.roots)
	}
}

// holdStack calls do with depth times 64 KB of stack below it.
func holdStack(depth int, do func()) (used byte) {
	var space [64 << 10]byte
	space[depth] = 1
	if depth == 0 {
		do()
	} else {
		space[0] = holdStack(depth-1, do)
	}
	return space[0] + space[depth]
}
