package host_test

import (
	"container/heap"
	"math/rand/v2"
)

// moment is virtual time: microseconds since the beginning of a simulation.
type moment int64

const (
	millisecond moment = 1000
	second             = 1000 * millisecond
)

// clockStart is what the nodes' clocks show at the beginning, in milliseconds.
const clockStart = 1_000_000

// event is something that happens at a moment; of two at the same moment, the one that was planned first.
type event struct {
	at    moment
	order int
	do    func()
}

type agenda []event

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].order < a[j].order
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(event)) }
func (a *agenda) Pop() any {
	last := len(*a) - 1
	popped := (*a)[last]
	(*a)[last] = event{}
	*a = (*a)[:last]
	return popped
}

// timeline runs events one after the other, in one goroutine. With the same seed the same happens.
type timeline struct {
	now    moment
	chance *rand.Rand
	agenda agenda
	order  int
}

func newTimeline(seed uint64) *timeline {
	return &timeline{chance: rand.New(rand.NewPCG(seed, 0x5eed))}
}

// after plans an event.
func (t *timeline) after(wait moment, do func()) {
	t.order++
	heap.Push(&t.agenda, event{at: t.now + max(wait, 0), order: t.order, do: do})
}

// run lets everything happen that is planned up to the end.
func (t *timeline) run(end moment) {
	for len(t.agenda) > 0 && t.agenda[0].at <= end {
		next := heap.Pop(&t.agenda).(event)
		t.now = next.at
		next.do()
	}
	t.now = end
}

// between draws a time.
func (t *timeline) between(low, high moment) moment {
	return low + moment(t.chance.Int64N(int64(high-low)+1))
}

func (t *timeline) oneIn(n int) bool { return t.chance.IntN(n) == 0 }

// pick draws one of a list that is not empty.
func pick[T any](t *timeline, list []T) T { return list[t.chance.IntN(len(list))] }
