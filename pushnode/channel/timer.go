package channel

import (
	"cmp"
	"container/heap"
	"math"
)

// never is later than every moment.
const never = math.MaxInt64

// kind says what a timer belongs to.
type kind uint8

const (
	kindChannel kind = iota
	kindTombstone
	kindSession
)

// timer is the moment at which something must be looked at, kept in a heap. It may be early, never late: a deadline that moves
// away (each publish moves one) is not worth a step in the heap. Whoever is looked at early is only put back (State.expire).
type timer struct {
	id    ID // of the owner: a channel, or app and session
	kind  kind
	at    int64 // Unix milliseconds
	place int   // index in the heap plus one; 0: not in it
}

// timers is a heap of timers. The order is total, so that copies which got here by different ways expire alike.
type timers []*timer

func (t timers) Len() int { return len(t) }

func (t timers) Less(i, j int) bool {
	a, b := t[i], t[j]
	if a.at != b.at {
		return a.at < b.at
	}
	return cmp.Or(cmp.Compare(a.kind, b.kind), a.id.Compare(b.id)) < 0
}

func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].place, t[j].place = i+1, j+1
}

// Push is heap.Interface's: add is what the package calls.
func (t *timers) Push(x any) {
	added := x.(*timer)
	*t = append(*t, added)
	added.place = len(*t)
}

// Pop is heap.Interface's: remove is what the package calls.
func (t *timers) Pop() any {
	last := len(*t) - 1
	popped := (*t)[last]
	(*t)[last] = nil
	*t = (*t)[:last]
	popped.place = 0
	return popped
}

// set makes sure that the timer rings at the deadline or earlier.
func (t *timers) set(one *timer, deadline int64) {
	switch {
	case deadline == never || one.place != 0 && one.at <= deadline:
	case one.place == 0:
		one.at = deadline
		heap.Push(t, one)
	default:
		one.at = deadline
		heap.Fix(t, one.place-1)
	}
}

// reset makes a timer that is in the heap ring at the deadline exactly.
func (t *timers) reset(one *timer, deadline int64) {
	if deadline == never {
		t.remove(one)
		return
	}
	one.at = deadline
	heap.Fix(t, one.place-1)
}

func (t *timers) remove(one *timer) {
	if one.place != 0 {
		heap.Remove(t, one.place-1)
	}
}
