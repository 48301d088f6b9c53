package tenant

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// How what memory does not have is looked up.
const (
	missDeadline = 2 * time.Second // of one look-up
	missLookups  = 8               // at one time: a flood of unknown ids must not take all connections
	missMemory   = 5 * time.Second // how long "there is none" is believed; what is created meanwhile comes by the sweep
	maxMissed    = 10_000          // unknown ids remembered
	maxIDBytes   = 100             // longer ones do not exist; they are not remembered either
)

// lookUp asks the database for an app that memory does not have. find says which one it is. It returns nil when the app's view is
// in place, else ErrNotFound or ErrUnavailable.
func (d *Directory) lookUp(ctx context.Context, what string, find func(context.Context) (string, error)) error {
	if len(what) > maxIDBytes || d.missed.holds(what, time.Now()) {
		return fmt.Errorf("%s: %w", what, ErrNotFound)
	}
	ctx, cancel := context.WithTimeout(ctx, missDeadline)
	defer cancel()
	select {
	case d.lookups <- struct{}{}:
		defer func() { <-d.lookups }()
	case <-ctx.Done():
		return fmt.Errorf("look up %s: %w: %w", what, ErrUnavailable, ctx.Err())
	}
	err := d.lookUpNow(ctx, find)
	switch {
	case errors.Is(err, ErrNotFound):
		d.missed.add(what, time.Now())
	case err != nil:
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err != nil {
		return fmt.Errorf("look up %s: %w", what, err)
	}
	return nil
}

func (d *Directory) lookUpNow(ctx context.Context, find func(context.Context) (string, error)) error {
	appID, err := find(ctx)
	if err != nil {
		return err
	}
	views, err := d.store.loadViews(ctx, []string{appID})
	if err != nil {
		return err
	}
	if views[appID] == nil {
		return ErrNotFound
	}
	d.placing.Lock()
	defer d.placing.Unlock()
	d.placeLocked(views[appID], false)
	return nil
}

// missed remembers ids that do not exist, so that asking for them again does not ask the database.
type missed struct {
	mu    sync.Mutex
	until map[string]time.Time // guarded by mu
}

func (m *missed) holds(what string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	until, ok := m.until[what]
	if ok && now.After(until) {
		delete(m.until, what)
		return false
	}
	return ok
}

func (m *missed) add(what string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.until) >= maxMissed {
		clear(m.until) // simpler than an order of age, and as bounded
	}
	m.until[what] = now.Add(missMemory)
}
