package tenant

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

	pusherKeys    sync.Map // Pusher's key -> app id; the view says whether it works
	pusherNumbers sync.Map // Pusher's app id -> app id

	missed missed

	placing sync.Mutex // held while views are put in place, never while they are read
	endings endings    // guarded by placing

	// owned by Run
	revision int64 // everything up to it is in memory
	failing  bool  // the last sweep did
}

// OpenDirectory loads all apps, up to 50,000, so that they are known if the database stops. Run keeps them fresh.
func OpenDirectory(ctx context.Context, store *Store, logger *slog.Logger) (*Directory, error) {
	d := &Directory{
		store: store, logger: logger, changes: make(chan string), lookups: make(chan struct{}, missLookups),
		missed: missed{until: make(map[string]time.Time)}, endings: make(endings),
	}
	ctx, cancel := context.WithTimeout(ctx, preloadLimit)
	defer cancel()
	if err := d.preload(ctx); err != nil {
		return nil, fmt.Errorf("load the directory: %w", err)
	}
	return d, nil
}

// App returns an app's settings. The error is ErrNotFound, or ErrUnavailable where it is not known and the database does not
// answer.
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

// Changes tells the ids of apps that changed, each at least once after its new view is in place, and of those of which a Pusher key has
// ended by the clock. It has one reader. Where nobody reads, the ids wait, each once.
func (d *Directory) Changes() <-chan string { return d.changes }

// View returns an app's settings as they are in memory; nil where they are not. It never waits.
func (d *Directory) View(appID string) *AppView { return d.known(appID) }

func (d *Directory) known(appID string) *AppView {
	view, _ := d.apps.Load(appID)
	found, _ := view.(*AppView)
	return found
}
