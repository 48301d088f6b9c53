package session

import (
	"context"
	"slices"
	"sync"
)

// turn is held by one at a time, in the order in which they asked. It is a mutex that one need not wait for, and small: every session
// has one. Its zero value is free.
type turn struct {
	mu sync.Mutex
	// guarded by mu
	taken   bool
	waiting []chan struct{} // closed for who has the turn then
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
	given = make(chan struct{})
	t.waiting = append(t.waiting, given)
	return given
}

// forget lets go of a turn that was asked for. It may have been given meanwhile.
func (t *turn) forget(given chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.waiting, given); i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
		return
	}
	t.giveLocked()
}

func (t *turn) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.giveLocked()
}

func (t *turn) giveLocked() {
	if len(t.waiting) == 0 {
		t.taken, t.waiting = false, nil
		return
	}
	close(t.waiting[0])
	t.waiting = slices.Delete(t.waiting, 0, 1)
}
