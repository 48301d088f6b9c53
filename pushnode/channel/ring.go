package channel

// ring is a first-in first-out queue in one circular array, which grows by doubling and shrinks when three quarters are unused.
type ring[T any] struct {
	items []T
	first int // index of the oldest
	count int
}

// minRing is the least array worth having; it is let go only when the ring is empty.
const minRing = 4

func (r *ring[T]) len() int { return r.count }

// at returns the i-th item, 0 the oldest.
func (r *ring[T]) at(i int) T {
	return r.items[(r.first+i)&(len(r.items)-1)]
}

// ref is at without a copy: valid until the ring changes.
func (r *ring[T]) ref(i int) *T {
	return &r.items[(r.first+i)&(len(r.items)-1)]
}

func (r *ring[T]) push(item T) {
	if r.count == len(r.items) {
		r.resize(max(minRing, 2*r.count))
	}
	r.items[(r.first+r.count)&(len(r.items)-1)] = item
	r.count++
}

// pop takes the oldest item out.
func (r *ring[T]) pop() T {
	var none T
	item := r.items[r.first]
	r.items[r.first] = none
	r.first = (r.first + 1) & (len(r.items) - 1)
	r.count--
	switch {
	case r.count == 0:
		*r = ring[T]{}
	case len(r.items) > minRing && r.count < len(r.items)/4:
		r.resize(len(r.items) / 2)
	}
	return item
}

// resize moves the items to an array of size, a power of two.
func (r *ring[T]) resize(size int) {
	items := make([]T, size)
	for i := range r.count {
		items[i] = r.at(i)
	}
	r.items, r.first = items, 0
}
