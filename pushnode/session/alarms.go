package session

import (
	"container/heap"
	"sync"
	"time"
)

// alarms wakes drivers when something is due by the clock. There is one timer for all: one for each would be a sixth of what a silent
// connection costs.
type alarms struct {
	mu sync.Mutex
	// guarded by mu
	set   alarmHeap
	timer *time.Timer // goes off for the first of set; nil: none was ever set
}

// put wakes a driver at a time, and no more at the time that was set before. Only who drives calls it.
func (a *alarms) put(d *driver, at moment) {
	a.mu.Lock()
	defer a.mu.Unlock()
	d.due = at
	if d.place == 0 {
		heap.Push(&a.set, d)
	} else {
		heap.Fix(&a.set, d.place-1)
	}
	if a.set[0] == d {
		a.resetLocked()
	}
}

// remove wakes a driver no more.
func (a *alarms) remove(d *driver) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if d.place != 0 {
		heap.Remove(&a.set, d.place-1)
	}
}

func (a *alarms) resetLocked() {
	wait := time.Until(a.set[0].due.time())
	if a.timer == nil {
		a.timer = time.AfterFunc(wait, a.ring)
		return
	}
	a.timer.Reset(wait)
}

// Who follows a channel was last written to at the same moment as all others who do, and is due at the same moment: each that is woken is a
// goroutine with a stack. So many are woken at once, and more after a pause: 256,000 a second, which is about what two processors ping.
const (
	wokenAtOnce = 256
	wakePause   = time.Millisecond
)

// ring wakes those that are due, who was due first before the others.
func (a *alarms) ring() {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := momentOf(time.Now())
	for woken := 0; len(a.set) > 0 && a.set[0].due <= now; woken++ {
		if woken == wokenAtOnce {
			a.timer.Reset(wakePause)
			return
		}
		heap.Pop(&a.set).(*driver).wake() // which waits for nothing
	}
	if len(a.set) > 0 {
		a.resetLocked()
	}
}

// stop ends the timer. All drivers must have been removed.
func (a *alarms) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.timer != nil {
		a.timer.Stop()
	}
}

// alarmHeap is drivers by when they are due. Each knows its place, plus one.
type alarmHeap []*driver

// Len implements heap.Interface.
func (h alarmHeap) Len() int { return len(h) }

// Less implements heap.Interface.
func (h alarmHeap) Less(i, j int) bool { return h[i].due < h[j].due }

// Swap implements heap.Interface.
func (h alarmHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i+1, j+1
}

// Push implements heap.Interface.
func (h *alarmHeap) Push(one any) {
	d := one.(*driver)
	*h = append(*h, d)
	d.place = len(*h)
}

// Pop implements heap.Interface.
func (h *alarmHeap) Pop() any {
	last := len(*h) - 1
	d := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	d.place = 0
	return d
}

// moment is a time in a third of the space: nanoseconds since the process began; 0: never.
type moment int64

// began is when this package did.
var began = time.Now()

func momentOf(t time.Time) moment {
	if t.IsZero() {
		return 0
	}
	return moment(t.Sub(began))
}

func (m moment) time() time.Time { return began.Add(time.Duration(m)) }
