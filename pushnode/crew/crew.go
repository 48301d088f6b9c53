// Package crew runs short pieces of work on goroutines that have run some before. A goroutine begins with a stack that is too small for
// most of what a connection asks for, and to move it to larger ones, four times or so, costs more than the rest of its start: a few
// goroutines that have grown wait for the next piece instead of ending.
//
// It knows nothing of what the work is.
package crew

import "sync"

// Crew is a number of goroutines that work or wait for work. Its zero value is ready for use.
type Crew struct {
	all sync.WaitGroup

	mu sync.Mutex
	// guarded by mu
	waiting []chan func() // of those that wait; the last one was at work last
	closed  bool
}

// keep is how many goroutines wait for work at most: enough for what begins within a moment.
const keep = 64

// Go runs work, which must end: on a goroutine that waits, or on a new one. It does not wait.
func (c *Crew) Go(work func()) {
	if idle := c.take(); idle != nil {
		idle <- work // which has room for it
		return
	}
	c.all.Go(func() { c.run(work) })
}

func (c *Crew) take() (idle chan func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := len(c.waiting) - 1
	if last < 0 {
		return nil
	}
	idle = c.waiting[last]
	c.waiting[last] = nil
	c.waiting = c.waiting[:last]
	return idle
}

func (c *Crew) run(work func()) {
	next := make(chan func(), 1)
	for work != nil {
		work()
		if !c.wait(next) {
			return
		}
		work = <-next
	}
}

// wait lists somebody as waiting, if there is a place.
func (c *Crew) wait(next chan func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || len(c.waiting) == keep {
		return false
	}
	c.waiting = append(c.waiting, next)
	return true
}

// Close ends those that wait, and waits until all have ended. Work may still begin meanwhile, but not after.
func (c *Crew) Close() {
	c.mu.Lock()
	c.closed = true
	for _, idle := range c.waiting {
		idle <- nil
	}
	c.waiting = nil
	c.mu.Unlock()
	c.all.Wait()
}
