package tenant

import (
	"context"
	"encoding/hex"
	"strings"
	"time"

	"halley/auth"
)

// MaxPusherKeys is how many Pusher keys of an app may work at once.
const MaxPusherKeys = 10

// Lengths of Pusher's credentials. A key that Halley makes looks like Pusher's; its secret is longer, since whoever saw one signature
// may guess at it for as long as they like. Those that are brought in from elsewhere stay as they are.
const (
	pusherKeyBytes    = 10 // random, written as hex
	pusherSecretBytes = 16
	maxPusherKeyChars = 64
	maxPusherSecret   = 200
)

// PusherKey is a key of Pusher's protocol, without its secret. The key is public: it stands in pages.
type PusherKey struct {
	Key        string
	CreatedAt  time.Time
	CreatedBy  string    // user id, or "operator"
	RevokedAt  time.Time // zero: never; in the future while a rolled key still works
	RolledFrom string    // the key that this one replaces; empty: none
}

// Alive reports whether the key works at now.
func (k PusherKey) Alive(now time.Time) bool { return k.RevokedAt.IsZero() || now.Before(k.RevokedAt) }

// PusherCredentials are the three values that an SDK of Pusher is configured with.
type PusherCredentials struct {
	Number string // Pusher's app id
	Key    string
	Secret auth.Secret
}

const (
	pusherKeyColumns = `account_id, app_id, pusher_key, sealed, created_at, created_by, revoked_at, rolled_from`

	sqlPusherKeys = `SELECT ` + pusherKeyColumns + ` FROM pusher_keys WHERE account_id = $1 AND app_id = $2
		ORDER BY created_at DESC, pusher_key`
	sqlPusherKey       = `SELECT ` + pusherKeyColumns + ` FROM pusher_keys WHERE account_id = $1 AND app_id = $2 AND pusher_key = $3`
	sqlLivingPusherKey = `SELECT ` + pusherKeyColumns + ` FROM pusher_keys WHERE account_id = $1 AND app_id = $2 AND revoked_at = 0
		ORDER BY created_at DESC, pusher_key LIMIT 1`
	sqlSigningPusherKey = `SELECT ` + pusherKeyColumns + ` FROM pusher_keys WHERE account_id = $1 AND app_id = $2
		AND (revoked_at = 0 OR revoked_at > $3) ORDER BY created_at, pusher_key DESC LIMIT 1`
	sqlCountPusherKeys = `SELECT COUNT(*) FROM pusher_keys WHERE account_id = $1 AND app_id = $2
		AND (revoked_at = 0 OR revoked_at > $3)`
	sqlAddPusherKey = `INSERT INTO pusher_keys (` + pusherKeyColumns + `) VALUES ($1, $2, $3, $4, $5, $6, 0, $7)
		ON CONFLICT (pusher_key) DO NOTHING`
	// A key that is to end later may be made to end now, never the other way round.
	sqlRevokePusherKey = `UPDATE pusher_keys SET revoked_at = $4 WHERE account_id = $1 AND app_id = $2 AND pusher_key = $3
		AND (revoked_at = 0 OR revoked_at > $4)`
	sqlDropPusherKeys = `DELETE FROM pusher_keys WHERE account_id = $1 AND app_id = $2`
)

// ParsePusherCredentials reads id:key:secret. The secret may hold colons. The error never shows the secret.
func ParsePusherCredentials(text string) (PusherCredentials, error) {
	parts := strings.SplitN(text, ":", 3)
	if len(parts) < 3 {
		return PusherCredentials{}, invalid("pusher-credentials", "app id, key and secret, as id:key:secret")
	}
	credentials := PusherCredentials{parts[0], parts[1], auth.NewSecret(parts[2])}
	return credentials, credentials.Validate()
}

// Validate returns an *InvalidError for values that cannot stand in the protocol: the number is a part of paths, the key of paths and
// of signatures, where a colon ends it.
func (p PusherCredentials) Validate() error {
	const alphabet = "at most 64 of A-Za-z0-9_.-"
	switch secret := p.Secret.Reveal(); {
	case !validPusherName(p.Number):
		return invalid("pusher app id", alphabet)
	case !validPusherName(p.Key):
		return invalid("pusher key", alphabet)
	case secret == "" || len(secret) > maxPusherSecret || strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' }):
		return invalid("pusher secret", "1 to %d printable ASCII characters without a space", maxPusherSecret)
	}
	return nil
}

func validPusherName(name string) bool {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
	return name != "" && len(name) <= maxPusherKeyChars && strings.Trim(name, alphabet) == "" && strings.Trim(name, ".") != ""
}

func freshPusherCredentials() PusherCredentials {
	return PusherCredentials{
		Key:    hex.EncodeToString(randomBytes(pusherKeyBytes)),
		Secret: auth.NewSecret(hex.EncodeToString(randomBytes(pusherSecretBytes))),
	}
}

// PusherKeys lists an app's Pusher keys, the newest first, also those that are dead.
func (s *Store) PusherKeys(ctx context.Context, scope Scope, appID string) ([]PusherKey, error) {
	if _, err := s.App(ctx, scope, appID); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	return collect(ctx, s.db, func(scan func(...any) error) (PusherKey, error) {
		row, err := scanPusherKey(scan)
		return row.PusherKey, err
	}, sqlPusherKeys, scope.accountID, appID)
}

// PusherSecret returns the secret of a key that works, and writes down who asked. It is for those who may make keys.
func (s *Store) PusherSecret(ctx context.Context, scope Scope, appID, key string) (secret auth.Secret, err error) {
	err = s.change(ctx, scope, Manage, appID, func(c *change) error {
		row, err := c.pusherKey(key)
		if err != nil {
			return err
		}
		if !row.Alive(time.Now()) {
			return ErrNotFound
		}
		c.did("pusher_key.reveal", key, nobody)
		secret, err = row.open(s.seals)
		return err
	})
	return secret, wrap("secret of a pusher key", err)
}

// AddPusherKey gives an app that has Pusher switched on one more key, with a secret of its own.
func (s *Store) AddPusherKey(ctx context.Context, scope Scope, appID string) (PusherCredentials, error) {
	fresh := freshPusherCredentials()
	err := s.change(ctx, scope, Manage, appID, func(c *change) error {
		app, err := c.pusher()
		if err != nil {
			return err
		}
		fresh.Number = app.Number
		c.did("pusher_key.create", fresh.Key, thisApp)
		return c.addPusherKey(s.seals, fresh, "")
	})
	return fresh, wrap("create a pusher key", err)
}

// RollPusherKey makes a key and a secret in place of others, which work on for overlap: 0 to 7 days.
func (s *Store) RollPusherKey(ctx context.Context, scope Scope, appID, key string, overlap time.Duration) (PusherCredentials, error) {
	if overlap < 0 || overlap > maxOverlap {
		return PusherCredentials{}, invalid("overlap", "from nothing to 7 days")
	}
	fresh := freshPusherCredentials()
	err := s.change(ctx, scope, Manage, appID, func(c *change) error {
		old, err := c.pusherKey(key)
		if err != nil {
			return err
		}
		if !old.RevokedAt.IsZero() {
			return invalid("key", "this key was revoked or is being replaced already")
		}
		if err := c.revokePusherKey(key, time.Now().Add(overlap)); err != nil {
			return err
		}
		c.did("pusher_key.roll", key, thisApp)
		c.detail["overlap"], c.detail["new"] = overlap.String(), fresh.Key
		return c.addPusherKey(s.seals, fresh, key)
	})
	return fresh, wrap("roll a pusher key", err)
}

// RevokePusherKey ends a key: it is dead on every node within two seconds. The error is ErrNotFound for a key that is dead already.
func (s *Store) RevokePusherKey(ctx context.Context, scope Scope, appID, key string) error {
	return wrap("revoke a pusher key", s.change(ctx, scope, Manage, appID, func(c *change) error {
		c.did("pusher_key.revoke", key, thisApp)
		return c.revokePusherKey(key, time.Now())
	}))
}

func (c *change) revokePusherKey(key string, at time.Time) error {
	return one(c.exec(sqlRevokePusherKey, c.scope.accountID, c.appID, key, millis(at)))
}

// addPusherKey seals and inserts. A key that some app has already, this one or another, is refused.
func (c *change) addPusherKey(seals *sealer, add PusherCredentials, rolledFrom string) error {
	now := millis(time.Now())
	count, err := c.count(sqlCountPusherKeys, c.scope.accountID, c.appID, now)
	if err != nil {
		return err
	}
	if count >= MaxPusherKeys {
		return invalid("key", "an app has at most %d Pusher keys that work", MaxPusherKeys)
	}
	sealed := seals.seal([]byte(add.Secret.Reveal()), pusherPlace(c.scope.accountID, c.appID, add.Key))
	added, err := affected(c.exec(sqlAddPusherKey, c.scope.accountID, c.appID, add.Key, sealed, now, c.scope.actor(), rolledFrom))
	if err == nil && added == 0 {
		return invalid("pusher key", "the key %s is in use already", add.Key)
	}
	return err
}

func (c *change) pusherKey(key string) (pusherKeyRow, error) {
	return scanPusherKey(c.row(sqlPusherKey, c.scope.accountID, c.appID, key).Scan)
}

// livingPusherKey returns the newest key that is not to end, with its secret; or sql.ErrNoRows.
func (c *change) livingPusherKey(seals *sealer) (PusherCredentials, error) {
	return openPusherKey(seals, c.row(sqlLivingPusherKey, c.scope.accountID, c.appID).Scan)
}

// signingPusherKey returns the oldest key that works, with its secret, as AppView.PusherSigner does; or sql.ErrNoRows.
func (c *change) signingPusherKey(seals *sealer) (PusherCredentials, error) {
	return openPusherKey(seals, c.row(sqlSigningPusherKey, c.scope.accountID, c.appID, millis(time.Now())).Scan)
}

func openPusherKey(seals *sealer, scan func(...any) error) (PusherCredentials, error) {
	row, err := scanPusherKey(scan)
	if err != nil {
		return PusherCredentials{}, err
	}
	secret, err := row.open(seals)
	return PusherCredentials{Key: row.Key, Secret: secret}, err
}

// pusherKeyRow is a key with what people do not see.
type pusherKeyRow struct {
	PusherKey
	accountID, appID string
	sealed           []byte
}

func (r pusherKeyRow) open(seals *sealer) (auth.Secret, error) {
	secret, err := seals.open(r.sealed, pusherPlace(r.accountID, r.appID, r.Key))
	if err != nil {
		return auth.Secret{}, err
	}
	return auth.NewSecret(string(secret)), nil
}

// pusherPlace is what the secret of a key is sealed for.
func pusherPlace(accountID, appID, key string) []byte {
	return place(accountID, "pusher_keys", appID+"|"+key)
}

func scanPusherKey(scan func(...any) error) (pusherKeyRow, error) {
	var row pusherKeyRow
	var created, revoked int64
	err := scan(&row.accountID, &row.appID, &row.Key, &row.sealed, &created, &row.CreatedBy, &revoked, &row.RolledFrom)
	row.CreatedAt, row.RevokedAt = moment(created), moment(revoked)
	return row, err
}
