package prefetch_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"halley/pushnode/prefetch"
)

// TestOf: memory of every size may be asked for, and none, and is the same afterwards.
func TestOf(t *testing.T) {
	prefetch.Of[[1 << 20]byte](nil)
	prefetch.Of(new(struct{}))
	prefetch.Of(new(byte))
	pages := new([1 << 20]byte)
	for i := range pages {
		pages[i] = byte(i)
	}
	prefetch.Of(pages)
	for i := range pages {
		if pages[i] != byte(i) {
			t.Fatalf("byte %d changed to %d", i, pages[i])
		}
	}
}

// thing is reached by its address alone, as connections are.
type thing struct {
	mu    sync.Mutex
	value [55]int
}

// use reads the thing's lines one after the other, under its lock.
func (t *thing) use() (sum int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := 0; i < len(t.value); i += 8 {
		sum += t.value[(i+sum)%len(t.value)] // the next place rests on what stood at this one
	}
	return sum
}

// BenchmarkWalk shows what asking saves where things are spread over more memory than the cache has.
func BenchmarkWalk(b *testing.B) {
	things := make([]*thing, 1<<17)
	for i, at := range rand.Perm(len(things)) {
		things[at] = &thing{value: [55]int{i}}
	}
	for _, ahead := range []bool{false, true} {
		b.Run(map[bool]string{false: "plain", true: "ahead"}[ahead], func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if at := i % len(things); ahead && at%prefetch.Ahead == 0 {
					for _, next := range things[at : at+prefetch.Ahead] {
						prefetch.Of(next)
					}
				}
				things[i%len(things)].use()
			}
		})
	}
}
