package tenant

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"halley/auth"
)

// How the directory works with the database.
const (
	maxKnown      = 50_000           // apps held in memory
	loadPage      = 500              // apps of one round of queries
	sweepInterval = time.Second      // with loading, a change is live within two
	sweepDeadline = 5 * time.Second  // of one sweep
	missDeadline  = 2 * time.Second  // of looking up what is not known
	missLookups   = 8                // at one time: a flood of unknown ids must not take all connections
	missMemory    = 5 * time.Second  // how long "there is none" is believed; what is created meanwhile comes by the sweep
	maxMissed     = 10_000           // unknown ids remembered
	maxIDBytes    = 100              // longer ones do not exist; they are not remembered either
	usedInterval  = time.Minute      // between two writings of keys' last use
	preloadLimit  = 30 * time.Second // for loading at the start
)

// Directory answers a push node's questions about apps and keys from memory. With the database stopped it goes on with what it
// knows for as long as that lasts. All methods are safe for concurrent use. It implements auth.KeySource and auth.TokenKeySource.
type Directory struct {
	// immutable after OpenDirectory
	store   *Store
	logger  *slog.Logger
	changes chan string
	lookups chan struct{} // holds one token for each lookup that is under way

	apps  sync.Map // app id -> *AppView; views are replaced, never changed
	keys  sync.Map // key id -> auth.Key
	used  sync.Map // key id -> keyUse: since the last writing
	count atomic.Int64

	missed missed

	placing sync.Mutex // held while views are put in place, never while they are read

	// owned by Run
	revision int64 // everything up to it is in memory
	failing  bool  // the last sweep did
}

type keyUse struct {
	accountID, appID string
	at               time.Time
}

// OpenDirectory loads all apps, up to 50,000, so that they are known if the database stops. Run keeps them fresh.
func OpenDirectory(ctx context.Context, store *Store, logger *slog.Logger) (*Directory, error) {
	d := &Directory{
		store: store, logger: logger, changes: make(chan string), lookups: make(chan struct{}, missLookups),
		missed: missed{until: make(map[string]time.Time)},
	}
	ctx, cancel := context.WithTimeout(ctx, preloadLimit)
	defer cancel()
	if err := d.preload(ctx); err != nil {
		return nil, fmt.Errorf("load the directory: %w", err)
	}
	return d, nil
}

// App returns an app's settings. The error is ErrNotFound, or ErrUnavailable where it is not known and the database does not answer.
func (d *Directory) App(appID string) (*AppView, error) {
	if view := d.known(appID); view != nil {
		return view, nil
	}
	if err := d.lookUp(context.Background(), "app "+appID, func(ctx context.Context) (string, error) {
		return appID, nil
	}); err != nil {
		return nil, err
	}
	if view := d.known(appID); view != nil {
		return view, nil
	}
	return nil, fmt.Errorf("app %s: %w", appID, ErrNotFound)
}

// Key returns a key, also one that is revoked or expired. The error wraps auth.ErrUnknownKey or auth.ErrUnavailable.
func (d *Directory) Key(ctx context.Context, keyID string) (auth.Key, error) {
	if key, ok := d.keys.Load(keyID); ok {
		return key.(auth.Key), nil
	}
	err := d.lookUp(ctx, "key "+keyID, func(ctx context.Context) (string, error) { return d.store.appOfKey(ctx, keyID) })
	if err == nil {
		if key, ok := d.keys.Load(keyID); ok {
			return key.(auth.Key), nil
		}
		err = ErrNotFound
	}
	return auth.Key{}, fmt.Errorf("key %s: %w", keyID, sourceError(err))
}

// TokenTrust returns whose tokens an app trusts. The error wraps auth.ErrUnknownKey or auth.ErrUnavailable.
func (d *Directory) TokenTrust(_ context.Context, appID string) (auth.TokenTrust, error) {
	view, err := d.App(appID)
	if err != nil {
		return auth.TokenTrust{}, sourceError(err)
	}
	return view.Trust, nil
}

// sourceError says in auth's words what the directory says in tenant's.
func sourceError(err error) error {
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%w: %w", auth.ErrUnknownKey, err)
	}
	return fmt.Errorf("%w: %w", auth.ErrUnavailable, err)
}

// KeyUsed notes that a key was used. It reaches the database once a minute.
func (d *Directory) KeyUsed(appID, keyID string, now time.Time) {
	if view := d.known(appID); view != nil && keyID != "" {
		d.used.Store(keyID, keyUse{view.AccountID, appID, now})
	}
}

// Changes tells the ids of apps that changed, each at least once after its new view is in place. It has one reader. Where nobody
// reads, the ids wait, each once.
func (d *Directory) Changes() <-chan string { return d.changes }

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

// sweep loads what changed since the last sweep and returns whose views are new.
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
	return changed
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

// load reads apps that are in the database and puts their views in place; those that were deleted are forgotten. Where the database
// was restored, older views replace newer ones.
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
		d.keys.Store(key.ID, key)
	}
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

func (d *Directory) known(appID string) *AppView {
	view, _ := d.apps.Load(appID)
	found, _ := view.(*AppView)
	return found
}

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

// writeUsed brings the keys' last use to the database. What fails is tried again a minute later.
func (d *Directory) writeUsed(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, sweepDeadline)
	defer cancel()
	d.used.Range(func(keyID, use any) bool {
		if err := d.store.writeKeyUse(ctx, keyID.(string), use.(keyUse)); err != nil {
			d.logger.Debug("last use of keys cannot be written and waits", "err", err)
			return false
		}
		d.used.CompareAndDelete(keyID, use)
		return true
	})
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
