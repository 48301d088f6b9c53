package tenant

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
)

// Bounds of what an app may set of Pusher's protocol.
const (
	DefaultPusherEventBytes = 10_240   // Pusher's own bound on the data of one event
	MaxPusherEventBytes     = mebibyte // as of LimitMessageBytes
	MaxPusherRewind         = 100      // messages
)

// PusherSettings are what an app chooses of Pusher's protocol.
type PusherSettings struct {
	ClientEvents       bool // clients may publish client- events on private and presence channels
	SubscriptionCounts bool // subscribers of channels without presence are told how many there are
	EventBytes         int  // of the data of one event: 1 to MaxPusherEventBytes, and never more than LimitMessageBytes
	Rewind             int  // messages that a client gets anew when it subscribes: 0 (none) to MaxPusherRewind
}

// PusherApp is what people see of an app's Pusher side. It exists, with the number and keys that were made, also while it is off.
type PusherApp struct {
	AppID   string
	Number  string // Pusher's app id; empty: it was never switched on
	Enabled bool
	PusherSettings
}

const (
	pusherColumns = `account_id, app_id, number, enabled, client_events, subscription_counts, event_bytes, rewind`

	sqlPusher    = `SELECT ` + pusherColumns + ` FROM pusher_apps WHERE account_id = $1 AND app_id = $2`
	sqlAddPusher = `INSERT INTO pusher_apps (` + pusherColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (number) DO NOTHING`
	sqlSetPusher = `UPDATE pusher_apps SET enabled = $3, client_events = $4, subscription_counts = $5, event_bytes = $6, rewind = $7
		WHERE account_id = $1 AND app_id = $2`
	sqlDropPusher = `DELETE FROM pusher_apps WHERE account_id = $1 AND app_id = $2`
)

// DefaultPusherSettings are those of an app that chose nothing.
func DefaultPusherSettings() PusherSettings {
	return PusherSettings{EventBytes: DefaultPusherEventBytes}
}

// Validate returns an *InvalidError for what is out of bounds.
func (p PusherSettings) Validate() error {
	switch {
	case p.EventBytes < 1 || p.EventBytes > MaxPusherEventBytes:
		return invalid("event_bytes", "from 1 to %d", MaxPusherEventBytes)
	case p.Rewind < 0 || p.Rewind > MaxPusherRewind:
		return invalid("rewind", "from 0 to %d messages", MaxPusherRewind)
	}
	return nil
}

// Pusher returns an app's Pusher side. Of an app that never had it, it holds the default settings and no number.
func (s *Store) Pusher(ctx context.Context, scope Scope, appID string) (PusherApp, error) {
	if _, err := s.App(ctx, scope, appID); err != nil {
		return PusherApp{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	app, err := scanPusher(s.db.QueryRowContext(ctx, sqlPusher, scope.accountID, appID).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return PusherApp{AppID: appID, PusherSettings: DefaultPusherSettings()}, nil
	}
	return app, wrap("pusher", storeError(err))
}

// SwitchPusher lets Pusher's SDKs reach an app, or ends that on every node within two seconds. The first time, the app gets a number
// and a key; both are still its own after it was off.
func (s *Store) SwitchPusher(ctx context.Context, scope Scope, appID string, on bool) error {
	return wrap("switch pusher", s.change(ctx, scope, Manage, appID, func(c *change) error {
		if !on {
			return c.pusherOff()
		}
		_, err := c.pusherOn(s.seals)
		return err
	}))
}

// SetPusher replaces an app's settings. The error is ErrNotFound where it was never switched on.
func (s *Store) SetPusher(ctx context.Context, scope Scope, appID string, settings PusherSettings) error {
	if err := settings.Validate(); err != nil {
		return err
	}
	return wrap("set pusher", s.change(ctx, scope, Manage, appID, func(c *change) error {
		app, err := c.pusher()
		if err != nil {
			return err
		}
		app.PusherSettings = settings
		c.did("pusher.set", appID, thisApp)
		c.detail["client_events"], c.detail["subscription_counts"] = settings.ClientEvents, settings.SubscriptionCounts
		c.detail["event_bytes"], c.detail["rewind"] = settings.EventBytes, settings.Rewind
		return c.setPusher(app)
	}))
}

func (c *change) pusherOff() error {
	app, err := c.pusher()
	if err != nil {
		return err
	}
	app.Enabled = false
	c.did("pusher.off", c.appID, thisApp)
	return c.setPusher(app)
}

// pusherOn makes what is missing of number and key, and switches on. It returns the newest key, with its secret.
func (c *change) pusherOn(seals *sealer) (PusherCredentials, error) {
	app, err := c.pusher()
	if errors.Is(err, sql.ErrNoRows) {
		app, err = c.addPusher()
	}
	if err != nil {
		return PusherCredentials{}, err
	}
	app.Enabled = true
	if err := c.setPusher(app); err != nil {
		return PusherCredentials{}, err
	}
	newest, err := c.livingPusherKey(seals)
	if errors.Is(err, sql.ErrNoRows) {
		newest = freshPusherCredentials()
		err = c.addPusherKey(seals, newest, "")
	}
	newest.Number = app.Number
	c.did("pusher.on", c.appID, thisApp)
	c.detail["number"] = app.Number
	return newest, err
}

// pusher reads the row of the change's app.
func (c *change) pusher() (PusherApp, error) {
	return scanPusher(c.row(sqlPusher, c.scope.accountID, c.appID).Scan)
}

// addPusher gives the app a number that nobody has, of 6 to 9 digits as Pusher's are. Few are taken, so a second try is rare.
func (c *change) addPusher() (PusherApp, error) {
	for range 10 {
		app := PusherApp{AppID: c.appID, Number: randomNumber(), PusherSettings: DefaultPusherSettings()}
		added, err := c.insertPusher(app)
		if err != nil || added {
			return app, err
		}
	}
	return PusherApp{}, fmt.Errorf("%w: no free number for an app", ErrConflict)
}

// insertPusher reports whether the number was free.
func (c *change) insertPusher(app PusherApp) (bool, error) {
	added, err := affected(c.exec(sqlAddPusher, c.scope.accountID, app.AppID, app.Number, bit(app.Enabled), bit(app.ClientEvents),
		bit(app.SubscriptionCounts), app.EventBytes, app.Rewind))
	return added == 1, err
}

// setPusher writes everything but the number.
func (c *change) setPusher(app PusherApp) error {
	return one(c.exec(sqlSetPusher, c.scope.accountID, app.AppID, bit(app.Enabled), bit(app.ClientEvents),
		bit(app.SubscriptionCounts), app.EventBytes, app.Rewind))
}

// dropPusher forgets number, keys and secrets of an app that is deleted, so that they may be brought in elsewhere.
func (c *change) dropPusher() error {
	if _, err := c.exec(sqlDropPusherKeys, c.scope.accountID, c.appID); err != nil {
		return err
	}
	_, err := c.exec(sqlDropPusher, c.scope.accountID, c.appID)
	return err
}

func randomNumber() string {
	const least, end = 100_000, 1_000_000_000
	number, err := rand.Int(rand.Reader, big.NewInt(end-least))
	if err != nil {
		panic(err) // crypto/rand never fails: it ends the process instead
	}
	return fmt.Sprint(least + number.Int64())
}

func scanPusher(scan func(...any) error) (PusherApp, error) {
	var app PusherApp
	var enabled, clientEvents, counts int64
	err := scan(new(string), &app.AppID, &app.Number, &enabled, &clientEvents, &counts, &app.EventBytes, &app.Rewind)
	app.Enabled, app.ClientEvents, app.SubscriptionCounts = enabled != 0, clientEvents != 0, counts != 0
	return app, err
}
