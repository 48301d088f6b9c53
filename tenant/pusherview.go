package tenant

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"halley/auth"
)

// Pusher is what a node knows of an app that Pusher's SDKs may reach, by one of its keys.
type Pusher struct {
	AppID  string      // Halley's
	Number string      // Pusher's app id: the one in paths of its HTTP API
	Key    string      // which of the app's keys
	Secret auth.Secret // of that key
	PusherSettings
}

const (
	sqlAppOfPusherKey    = `SELECT app_id FROM pusher_keys WHERE pusher_key = $1`
	sqlAppOfPusherNumber = `SELECT app_id FROM pusher_apps WHERE number = $1`
	sqlViewPushers       = `SELECT ` + pusherColumns + ` FROM pusher_apps WHERE enabled = 1 AND app_id IN `
	sqlViewPusherKeys    = `SELECT ` + pusherKeyColumns + ` FROM pusher_keys WHERE (revoked_at = 0 OR revoked_at > $1) AND app_id IN `
)

// PusherByKey returns the app of a key that works. The error is ErrNotFound where the key is unknown or revoked or its app switched
// off, and ErrUnavailable where it is not known and the database does not answer. While a key is rolled its app has two: whoever is
// given another key beside the first (in a signature, say) looks that up with PusherKeyOf.
func (d *Directory) PusherByKey(key string) (Pusher, error) {
	return d.pusher("pusher key "+key, func() (Pusher, bool) {
		view := d.known(stored(&d.pusherKeys, key))
		return view.pusherBy(time.Now(), func(k pusherKeyView) bool { return k.key == key })
	}, func(ctx context.Context) (string, error) { return d.store.appOfPusher(ctx, sqlAppOfPusherKey, key) })
}

// PusherKeyOf is PusherByKey for a key that must be the app's. Anybody who is connected may name keys, as many as frames: the database is
// asked at most once in a while, whatever keys they are.
func (d *Directory) PusherKeyOf(appID, key string) (Pusher, error) {
	return d.pusher("pusher keys of "+appID, func() (Pusher, bool) {
		return d.known(appID).pusherBy(time.Now(), func(k pusherKeyView) bool { return k.key == key })
	}, func(context.Context) (string, error) { return appID, nil })
}

// PusherByNumber returns the app of a number, with its newest key that works. Errors are those of PusherByKey.
func (d *Directory) PusherByNumber(number string) (Pusher, error) {
	return d.pusher("pusher app "+number, func() (Pusher, bool) {
		found, ok := d.known(stored(&d.pusherNumbers, number)).Pusher(time.Now())
		return found, ok && found.Number == number
	}, func(ctx context.Context) (string, error) {
		return d.store.appOfPusher(ctx, sqlAppOfPusherNumber, number)
	})
}

// PusherOf returns the Pusher side of an app, with its newest key that works. Errors are those of PusherByKey.
func (d *Directory) PusherOf(appID string) (Pusher, error) {
	view, err := d.App(appID)
	if err != nil {
		return Pusher{}, err
	}
	if found, ok := view.Pusher(time.Now()); ok {
		return found, nil
	}
	return Pusher{}, fmt.Errorf("pusher side of app %s: %w", appID, ErrNotFound)
}

// pusher asks memory, then the database, then memory again.
func (d *Directory) pusher(what string, memory func() (Pusher, bool), find func(context.Context) (string, error)) (Pusher, error) {
	if found, ok := memory(); ok {
		return found, nil
	}
	if err := d.lookUp(context.Background(), what, find); err != nil {
		return Pusher{}, err
	}
	if found, ok := memory(); ok {
		return found, nil
	}
	d.missed.add(what, time.Now()) // the app is there, and switched off
	return Pusher{}, fmt.Errorf("%s: %w", what, ErrNotFound)
}

// TakesPusher reports whether Pusher's SDKs may reach the app.
func (v *AppView) TakesPusher() bool { return v.pusher != nil }

// Pusher returns the app's Pusher side with its newest key that works at now; false where it is switched off or has none.
func (v *AppView) Pusher(now time.Time) (Pusher, bool) {
	return v.pusherBy(now, func(pusherKeyView) bool { return true })
}

// PusherSigner is Pusher with the app's oldest key that works, which is what webhooks are signed with (Pusher's webhooks, "Security"): a
// receiver that knows one key goes on when another is made, and has the whole overlap to learn of the one that replaces its own.
func (v *AppView) PusherSigner(now time.Time) (Pusher, bool) {
	if v == nil || v.pusher == nil {
		return Pusher{}, false
	}
	for _, key := range slices.Backward(v.pusher.keys) {
		if key.works(now) {
			return v.pusherWith(key), true
		}
	}
	return Pusher{}, false
}

// pusherBy is Pusher with the first key, the newest first, that fits. There may be no view.
func (v *AppView) pusherBy(now time.Time, fits func(pusherKeyView) bool) (Pusher, bool) {
	if v == nil || v.pusher == nil {
		return Pusher{}, false
	}
	for _, key := range v.pusher.keys {
		if fits(key) && key.works(now) {
			return v.pusherWith(key), true
		}
	}
	return Pusher{}, false
}

func (v *AppView) pusherWith(key pusherKeyView) Pusher {
	return Pusher{v.ID, v.pusher.number, key.key, key.secret, v.pusher.settings}
}

// pusherView is the part of a view that is about Pusher.
type pusherView struct {
	number   string
	settings PusherSettings
	keys     []pusherKeyView // newest first
}

type pusherKeyView struct {
	key       string
	secret    auth.Secret
	createdAt time.Time
	revokedAt time.Time // zero: never
}

func (k pusherKeyView) works(now time.Time) bool {
	return k.revokedAt.IsZero() || now.Before(k.revokedAt)
}

func (s *Store) appOfPusher(ctx context.Context, query, name string) (appID string, err error) {
	err = s.db.QueryRowContext(ctx, query, name).Scan(&appID)
	return appID, storeError(err)
}

// pushers reads the Pusher side of the apps that have it switched on.
func (l *loader) pushers() error {
	return l.each(sqlViewPushers, func(scan func(...any) error) error {
		app, err := scanPusher(scan)
		if view := l.views[app.AppID]; view != nil {
			view.pusher = &pusherView{number: app.Number, settings: app.PusherSettings}
		}
		return err
	})
}

// pusherKeys opens the sealed secrets. One that cannot be opened is left out and logged: it must not take the app down.
func (l *loader) pusherKeys() error {
	err := l.each(sqlViewPusherKeys, func(scan func(...any) error) error {
		row, err := scanPusherKey(scan)
		if view := l.views[row.appID]; err == nil && view != nil && view.pusher != nil {
			l.addPusherKey(view.pusher, row)
		}
		return err
	}, millis(time.Now()))
	for _, view := range l.views {
		if view.pusher != nil {
			slices.SortFunc(view.pusher.keys, newestFirst)
		}
	}
	return err
}

func (l *loader) addPusherKey(view *pusherView, row pusherKeyRow) {
	secret, err := row.open(l.store.seals)
	if err != nil {
		l.store.logger.Error("the secret of a pusher key cannot be opened", "app", row.appID, "key", row.Key, "err", err)
		return
	}
	view.keys = append(view.keys, pusherKeyView{row.Key, secret, row.CreatedAt, row.RevokedAt})
}

func newestFirst(a, b pusherKeyView) int {
	return cmp.Or(b.createdAt.Compare(a.createdAt), cmp.Compare(a.key, b.key))
}

// placePusherLocked lets the app of a view be found by its number and keys, and no more by those that the view before had.
func (d *Directory) placePusherLocked(view, before *AppView) {
	d.endings.note(view, time.Now())
	if view.pusher != nil {
		d.pusherNumbers.Store(view.pusher.number, view.ID)
		for _, key := range view.pusher.keys {
			d.pusherKeys.Store(key.key, view.ID)
		}
	}
	if before == nil || before.pusher == nil {
		return
	}
	if view.pusher == nil || view.pusher.number != before.pusher.number {
		d.pusherNumbers.CompareAndDelete(before.pusher.number, before.ID)
	}
	for _, key := range before.pusher.keys {
		if view.pusher == nil || !slices.ContainsFunc(view.pusher.keys, func(kept pusherKeyView) bool { return kept.key == key.key }) {
			d.pusherKeys.CompareAndDelete(key.key, before.ID)
		}
	}
}

// forgetPusherLocked drops what finds the app of a view. What is another app's by now stays.
func (d *Directory) forgetPusherLocked(view *AppView) {
	d.placePusherLocked(&AppView{ID: view.ID}, view)
}

// stored returns the app id that a map holds for a name; empty where there is none.
func stored(apps *sync.Map, name string) string {
	appID, _ := apps.Load(name)
	text, _ := appID.(string)
	return text
}
