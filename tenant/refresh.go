package tenant

import (
	"context"
	"slices"
	"sync"
	"time"

	"halley/auth"
)

// Run keeps the directory fresh until ctx ends.
func (d *Directory) Run(ctx context.Context) error {
	var listening sync.WaitGroup
	listening.Go(func() { d.store.listen(ctx) })
	defer listening.Wait()
	sweep := time.NewTicker(sweepInterval)
	defer sweep.Stop()
	use := time.NewTicker(usedInterval)
	defer use.Stop()
	var waiting []string // ids nobody has read yet
	for {
		var changes chan string
		var first string
		if len(waiting) > 0 {
			changes, first = d.changes, waiting[0]
		}
		select {
		case <-ctx.Done():
			d.writeUsed(context.WithoutCancel(ctx))
			return nil
		case changes <- first:
			waiting = waiting[1:]
			continue
		case <-use.C:
			d.writeUsed(ctx)
			continue
		case <-sweep.C:
		case <-d.store.changed:
		}
		for _, appID := range d.sweep(ctx) {
			if !slices.Contains(waiting, appID) {
				waiting = append(waiting, appID)
			}
		}
	}
}

// sweep loads what changed since the last sweep and returns whose views are new, or say something new by now.
func (d *Directory) sweep(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, sweepDeadline)
	defer cancel()
	changed, err := d.refresh(ctx)
	switch {
	case err != nil && ctx.Err() == context.Canceled:
	case err != nil && !d.failing:
		d.logger.Warn("the directory cannot be refreshed and goes on with what it knows", "err", err)
		d.failing = true
	case err == nil && d.failing:
		d.logger.Info("the directory is fresh again")
		d.failing = false
	}
	return append(changed, d.ended(time.Now())...)
}

func (d *Directory) refresh(ctx context.Context) (changed []string, err error) {
	revision, err := d.store.revision(ctx)
	if err != nil || revision == d.revision {
		return nil, err
	}
	since := d.revision
	restored := revision < since // the database was put back to an earlier state: everything may be different
	if restored {
		since = -1
	}
	ids, err := d.store.appsSince(ctx, since)
	if err != nil {
		return nil, err
	}
	for page := range slices.Chunk(ids, loadPage) {
		if err := d.load(ctx, page, restored); err != nil {
			return changed, err // the next sweep begins at the same revision
		}
		changed = append(changed, page...)
	}
	d.revision = revision
	return changed, nil
}

func (d *Directory) preload(ctx context.Context) error {
	revision, err := d.store.revision(ctx)
	if err != nil {
		return err
	}
	for after := ""; d.count.Load() < maxKnown; {
		ids, err := d.store.appsAfter(ctx, after, loadPage)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			break
		}
		if err := d.load(ctx, ids, false); err != nil {
			return err
		}
		after = ids[len(ids)-1]
	}
	d.revision = revision
	return nil
}

// load reads apps that are in the database and puts their views in place; those that were deleted are forgotten. Where the
// database was restored, older views replace newer ones.
func (d *Directory) load(ctx context.Context, ids []string, restored bool) error {
	views, err := d.store.loadViews(ctx, ids)
	if err != nil {
		return err
	}
	d.placing.Lock()
	defer d.placing.Unlock()
	for _, appID := range ids {
		if view := views[appID]; view != nil {
			d.placeLocked(view, restored)
		} else if gone := d.known(appID); gone != nil {
			d.forgetLocked(gone)
		}
	}
	return nil
}

// placeLocked puts a view in place unless a newer one is there, since readers of different speed may meet; or in any case.
func (d *Directory) placeLocked(view *AppView, anyCase bool) {
	before := d.known(view.ID)
	if before != nil && before.Revision > view.Revision && !anyCase {
		return
	}
	if before == nil && d.count.Add(1) > maxKnown {
		d.evictLocked()
	}
	d.apps.Store(view.ID, view)
	for _, key := range view.Keys {
		d.keys.Store(key.ID, key.Prepared())
	}
	d.placePusherLocked(view, before)
	if before == nil {
		return
	}
	for _, key := range before.Keys { // a key that is no longer listed was revoked long ago
		if !slices.ContainsFunc(view.Keys, func(kept auth.Key) bool { return kept.ID == key.ID }) {
			d.keys.Delete(key.ID)
		}
	}
}

func (d *Directory) forgetLocked(view *AppView) {
	d.apps.Delete(view.ID)
	d.count.Add(-1)
	d.forgetPusherLocked(view)
	for _, key := range view.Keys {
		d.keys.Delete(key.ID)
	}
}

// evictLocked forgets any one app: it is read again when it is asked for.
func (d *Directory) evictLocked() {
	d.apps.Range(func(_, view any) bool {
		d.forgetLocked(view.(*AppView))
		return false
	})
}
