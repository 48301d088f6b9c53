package session

import (
	"context"
	"sync"
)

// turn is held by one at a time, in the order in which they asked. It is a mutex that one need not wait for, and small: every session
// has one. Its zero value is free.
type turn struct {
	mu sync.Mutex
	// guarded by mu
	taken   bool
	waiting *waiter // who asked first; nil: nobody waits
}

// waiter is somebody who waits for a turn.
type waiter struct {
	given chan struct{} // closed when it is theirs
	next  *waiter
}

// take waits for the turn until ctx ends.
func (t *turn) take(ctx context.Context) error {
	given := t.ask()
	if given == nil {
		return nil
	}
	select {
	case <-given:
		return nil
	case <-ctx.Done():
		t.forget(given)
		return ctx.Err()
	}
}

// claim waits for the turn.
func (t *turn) claim() {
	if given := t.ask(); given != nil {
		<-given
	}
}

// ask takes the turn, or returns what is closed when it was given.
func (t *turn) ask() (given chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.taken {
		t.taken = true
		return nil
	}
	last := &t.waiting
	for *last != nil {
		last = &(*last).next
	}
	given = make(chan struct{})
	*last = &waiter{given: given}
	return given
}

// forget lets go of a turn that was asked for. It may have been given meanwhile.
func (t *turn) forget(given chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for at := &t.waiting; *at != nil; at = &(*at).next {
		if (*at).given == given {
			*at = (*at).next
			return
		}
	}
	t.giveLocked()
}

func (t *turn) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.giveLocked()
}

func (t *turn) giveLocked() {
	if t.waiting == nil {
		t.taken = false
		return
	}
	close(t.waiting.given)
	t.waiting = t.waiting.next
}
