package hot

import (
	"hash/maphash"
	"iter"
	"math"
	"math/rand/v2"
	"sync"
)

// The sketch's shape: 4096 cells, 300 KB. A key's hash, its mark, says in which bucket it may be, so that one lock and one cache line
// tell whether it is there, and two keys contend only where they share a bucket.
const (
	bucketCount = 512
	bucketCells = 8
)

// Sketch counts what happens to keys, and remembers those to which most happens. Counts fade (Fade), so that they tell of the recent past.
// It is safe for concurrent use.
//
// Each bucket keeps the heaviest keys that it has seen, as in "Randomized admission policy for efficient top-k and frequency estimation"
// (Ben Basat et al., 2017): a key that is not there takes the place of the lightest with a chance that is the smaller the heavier that
// one is. So the rare ones seldom cost more than a look, and none of them drives a heavy one out. What is told of a key is what was
// counted since it came in: it may be too little for one that came lately, never too much.
type Sketch[K comparable] struct {
	seed    maphash.Seed // immutable
	clone   func(K) K    // immutable
	buckets [bucketCount]bucket[K]
}

// Counts are what happened to a key. They fade, and so are no whole numbers.
type Counts struct {
	Publishes  float64
	Deliveries float64
}

func (c Counts) weight() float64 { return c.Publishes + c.Deliveries }

type bucket[K comparable] struct {
	mu    sync.Mutex
	marks [bucketCells]uint64  // guarded by mu; 0: the cell is free
	cells [bucketCells]cell[K] // guarded by mu
}

type cell[K comparable] struct {
	key    K
	counts Counts
	floor  float64 // the weight of the key that was here before: whoever comes next must outweigh both
}

func (c *cell[K]) weight() float64 { return c.floor + c.counts.weight() }

// NewSketch returns an empty sketch. clone makes a copy of a key that shares no memory with it, for what is kept.
func NewSketch[K comparable](clone func(K) K) *Sketch[K] {
	return &Sketch[K]{seed: maphash.MakeSeed(), clone: clone}
}

// Add counts what happened to a key: some 30 ns.
func (s *Sketch[K]) Add(key K, publishes, deliveries int) {
	mark := maphash.Comparable(s.seed, key) | 1
	b := &s.buckets[mark>>32%bucketCount]
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.findLocked(mark)
	if i < 0 {
		if i = b.admitLocked(float64(publishes + deliveries)); i < 0 {
			return
		}
		b.marks[i] = mark
		b.cells[i] = cell[K]{key: s.clone(key), floor: b.cells[i].weight()}
	}
	b.cells[i].counts.Publishes += float64(publishes)
	b.cells[i].counts.Deliveries += float64(deliveries)
}

// findLocked returns the cell with a mark, -1 where there is none. Of two keys with the same 64 bits the second is counted as the first.
func (b *bucket[K]) findLocked(mark uint64) int {
	for i, one := range b.marks {
		if one == mark {
			return i
		}
	}
	return -1
}

// admitLocked returns the cell that a key of that weight gets, -1 for none: a free one, or with some luck the lightest.
func (b *bucket[K]) admitLocked(weight float64) int {
	lightest, least := -1, math.Inf(1)
	for i := range b.cells {
		if b.marks[i] == 0 {
			return i
		}
		if w := b.cells[i].weight(); w < least {
			lightest, least = i, w
		}
	}
	if rand.Float64()*(least+weight) >= weight {
		return -1
	}
	return lightest
}

// forgotten is the weight below which a key is let go.
const forgotten = 0.05

// Fade keeps a share of all counts. Done at equal intervals it makes them those of about the last interval / -ln(keep).
func (s *Sketch[K]) Fade(keep float64) {
	for i := range s.buckets {
		s.buckets[i].fade(keep)
	}
}

func (b *bucket[K]) fade(keep float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.cells {
		one := &b.cells[i]
		one.floor *= keep
		one.counts.Publishes *= keep
		one.counts.Deliveries *= keep
		if one.weight() < forgotten {
			b.marks[i], *one = 0, cell[K]{}
		}
	}
}

// All iterates over the keys that are remembered, in no order.
func (s *Sketch[K]) All() iter.Seq2[K, Counts] {
	return func(yield func(K, Counts) bool) {
		for i := range s.buckets {
			for _, one := range s.buckets[i].kept() {
				if !yield(one.key, one.counts) {
					return
				}
			}
		}
	}
}

func (b *bucket[K]) kept() (list []cell[K]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, mark := range b.marks {
		if mark != 0 {
			list = append(list, b.cells[i])
		}
	}
	return list
}
