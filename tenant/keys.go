package tenant

import (
	"context"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"halley/auth"
)

// MaxKeys is how many keys of an app may be alive at once.
const MaxKeys = 100

// keptRevoked is how long a push node can tell a revoked key from one that never was.
const keptRevoked = 30 * 24 * time.Hour

// maxOverlap is how long a key that is rolled may work on.
const maxOverlap = 7 * 24 * time.Hour

// Key is a long-lived credential, as people see it. The text of a secret key was shown once and is not known.
type Key struct {
	ID         string
	AppID      string
	Kind       auth.Kind // KindSecret or KindPublishable
	Last4      string
	Text       string // of a publishable key, which everybody may read; empty for a secret one
	Name       string
	Capability auth.Capability // of a secret key
	CreatedAt  time.Time
	CreatedBy  string    // user id, or "operator"
	ExpiresAt  time.Time // zero: never
	RevokedAt  time.Time // zero: never; in the future while a rolled key still works
	RolledFrom string    // the key that this one replaces; empty: none
	LastUsedAt time.Time // to the minute; zero: never
}

// Alive reports whether the key works at now.
func (k Key) Alive(now time.Time) bool {
	return (k.RevokedAt.IsZero() || now.Before(k.RevokedAt)) && (k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt))
}

// KeyForm is what can be said of a new key. A key is never changed afterwards, so its rights cannot grow.
type KeyForm struct {
	Kind       auth.Kind
	Name       string          // empty: "Secret key" or "Publishable key"
	Capability auth.Capability // of a secret key; the zero value: everything
	ExpiresAt  time.Time       // zero: never
}

const (
	keyColumns = `account_id, app_id, key_id, kind, hash, last4, name, capability, created_at, created_by, expires_at, revoked_at,
		rolled_from, last_used_at, public_text`

	sqlKeys      = `SELECT ` + keyColumns + ` FROM app_keys WHERE account_id = $1 AND app_id = $2 ORDER BY created_at DESC, key_id`
	sqlKey       = `SELECT ` + keyColumns + ` FROM app_keys WHERE account_id = $1 AND app_id = $2 AND key_id = $3`
	sqlCountKeys = `SELECT COUNT(*) FROM app_keys WHERE account_id = $1 AND app_id = $2 AND revoked_at = 0
		AND (expires_at = 0 OR expires_at > $3)`
	sqlAddKey = `INSERT INTO app_keys (` + keyColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, $12, 0, $13)
		ON CONFLICT (key_id) DO NOTHING`
	// A key that is to end later may be made to end now, never the other way round.
	sqlRevokeKey = `UPDATE app_keys SET revoked_at = $4 WHERE account_id = $1 AND app_id = $2 AND key_id = $3
		AND (revoked_at = 0 OR revoked_at > $4)`
	sqlUseKey = `UPDATE app_keys SET last_used_at = $4 WHERE account_id = $1 AND app_id = $2 AND key_id = $3 AND last_used_at < $4`
)

func (f KeyForm) check(now time.Time) (KeyForm, error) {
	switch f.Kind {
	case auth.KindSecret:
		if f.Name == "" {
			f.Name = "Secret key"
		}
		if f.Capability.IsZero() {
			f.Capability = auth.AllowAll()
		}
	case auth.KindPublishable:
		if f.Name == "" {
			f.Name = "Publishable key"
		}
		if !f.Capability.IsZero() {
			return f, invalid("capability", "what a publishable key may do is said by the channel rules")
		}
	default:
		return f, invalid("kind", "a key is secret or publishable")
	}
	if !f.ExpiresAt.IsZero() && !f.ExpiresAt.After(now) {
		return f, invalid("expires_at", "it lies in the past")
	}
	var err error
	f.Name, err = checkName("name", f.Name)
	return f, err
}

// CreateKey makes a key. Its text is returned once and not stored.
func (s *Store) CreateKey(ctx context.Context, scope Scope, appID string, form KeyForm) (Key, auth.Secret, error) {
	form, err := form.check(time.Now())
	if err != nil {
		return Key{}, auth.Secret{}, err
	}
	var key Key
	var secret auth.Secret
	err = s.change(ctx, scope, Manage, appID, func(c *change) error {
		key, secret, err = c.addKey(form, "")
		c.did("key.create", key.ID, thisApp)
		return err
	})
	return key, secret, wrap("create a key", err)
}

func (c *change) addKey(form KeyForm, rolledFrom string) (Key, auth.Secret, error) {
	now := time.Now()
	count, err := c.count(sqlCountKeys, c.scope.accountID, c.appID, millis(now))
	if err != nil {
		return Key{}, auth.Secret{}, err
	}
	if count >= MaxKeys {
		return Key{}, auth.Secret{}, invalid("name", "an app has at most %d keys that work", MaxKeys)
	}
	key := Key{
		AppID: c.appID, Kind: form.Kind, Name: form.Name, Capability: form.Capability, CreatedAt: moment(millis(now)),
		CreatedBy: c.scope.actor(), ExpiresAt: moment(millis(form.ExpiresAt)), RolledFrom: rolledFrom,
	}
	secret, err := c.insertKey(&key)
	c.detail["name"], c.detail["kind"], c.detail["last4"] = key.Name, kindName(key.Kind), key.Last4
	return key, secret, err
}

// insertKey gives the key an id that nobody has: of 47 random bits, so two may meet once in a long life.
func (c *change) insertKey(key *Key) (auth.Secret, error) {
	capability, err := json.Marshal(key.Capability)
	if err != nil {
		return auth.Secret{}, err
	}
	for range 3 {
		fresh := auth.NewKey(key.Kind)
		added, err := affected(c.exec(sqlAddKey, c.scope.accountID, c.appID, fresh.ID, kindName(key.Kind), fresh.Hash[:], fresh.Last4,
			key.Name, string(capability), millis(key.CreatedAt), key.CreatedBy, millis(key.ExpiresAt), key.RolledFrom,
			publicText(key.Kind, fresh)))
		if err != nil {
			return auth.Secret{}, err
		}
		if added == 1 {
			key.ID, key.Last4, key.Text = fresh.ID, fresh.Last4, publicText(key.Kind, fresh)
			return fresh.Text, nil
		}
	}
	return auth.Secret{}, fmt.Errorf("%w: no free id for a key", ErrConflict)
}

// publicText is what is kept of a key's text: that of a publishable key, which stands in pages anyway, so that the console can
// show it in snippets.
func publicText(kind auth.Kind, fresh auth.FreshKey) string {
	if kind != auth.KindPublishable {
		return ""
	}
	return fresh.Text.Reveal()
}

// Keys lists the keys of an app, the newest first, also those that are dead.
func (s *Store) Keys(ctx context.Context, scope Scope, appID string) ([]Key, error) {
	if _, err := s.App(ctx, scope, appID); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	return collect(ctx, s.db, func(scan func(...any) error) (Key, error) {
		row, err := scanKey(scan)
		return row.Key, err
	}, sqlKeys, scope.accountID, appID)
}

// RollKey makes a key with the same rights in place of one, which works on for overlap: 0 to 7 days.
func (s *Store) RollKey(ctx context.Context, scope Scope, appID, keyID string, overlap time.Duration) (Key, auth.Secret, error) {
	if overlap < 0 || overlap > maxOverlap {
		return Key{}, auth.Secret{}, invalid("overlap", "from nothing to 7 days")
	}
	var key Key
	var secret auth.Secret
	err := s.change(ctx, scope, Manage, appID, func(c *change) error {
		old, err := scanKey(c.row(sqlKey, scope.accountID, appID, keyID).Scan)
		if err != nil {
			return err
		}
		now := time.Now()
		if !old.Alive(now) || !old.RevokedAt.IsZero() {
			return invalid("key", "this key was revoked, has ended or is being replaced already")
		}
		if err := c.revoke(keyID, now.Add(overlap)); err != nil {
			return err
		}
		same := KeyForm{Kind: old.Kind, Name: old.Name, Capability: old.Capability, ExpiresAt: old.ExpiresAt}
		key, secret, err = c.addKey(same, keyID)
		c.did("key.roll", keyID, thisApp)
		c.detail["overlap"], c.detail["new"] = overlap.String(), key.ID
		return err
	})
	return key, secret, wrap("roll a key", err)
}

// RevokeKey ends a key: it is dead on every node within two seconds. The error is ErrNotFound for a key that is dead already.
func (s *Store) RevokeKey(ctx context.Context, scope Scope, appID, keyID string) error {
	return wrap("revoke a key", s.change(ctx, scope, Manage, appID, func(c *change) error {
		c.did("key.revoke", keyID, thisApp)
		return c.revoke(keyID, time.Now())
	}))
}

func (c *change) revoke(keyID string, at time.Time) error {
	return one(c.exec(sqlRevokeKey, c.scope.accountID, c.appID, keyID, millis(at)))
}

// writeKeyUse notes when a key was last used.
func (s *Store) writeKeyUse(ctx context.Context, keyID string, use keyUse) error {
	_, err := s.db.ExecContext(ctx, sqlUseKey, use.accountID, use.appID, keyID, millis(use.at))
	return storeError(err)
}

func kindName(kind auth.Kind) string {
	if kind == auth.KindPublishable {
		return "publishable"
	}
	return "secret"
}

// keyRow is a key with what people do not see.
type keyRow struct {
	Key
	hash [32]byte
}

// view is the key as package auth wants it.
func (r keyRow) view() auth.Key {
	return auth.Key{
		ID: r.ID, AppID: r.AppID, Kind: r.Kind, Hash: r.hash, Capability: r.Capability, ExpiresAt: r.ExpiresAt,
		RevokedAt: r.RevokedAt,
	}
}

func scanKey(scan func(...any) error) (keyRow, error) {
	var row keyRow
	var kind, capability string
	var hash []byte
	var created, expires, revoked, used int64
	if err := scan(new(string), &row.AppID, &row.ID, &kind, &hash, &row.Last4, &row.Name, &capability, &created, &row.CreatedBy,
		&expires, &revoked, &row.RolledFrom, &used, &row.Text); err != nil {
		return keyRow{}, err
	}
	if copy(row.hash[:], hash) != len(row.hash) {
		return keyRow{}, fmt.Errorf("key %s: its hash is cut", row.ID)
	}
	if row.Kind = auth.KindSecret; kind == "publishable" {
		row.Kind = auth.KindPublishable
	}
	if err := json.Unmarshal([]byte(capability), &row.Capability); err != nil {
		return keyRow{}, fmt.Errorf("key %s: %w", row.ID, err)
	}
	row.CreatedAt, row.ExpiresAt, row.RevokedAt, row.LastUsedAt = moment(created), moment(expires), moment(revoked), moment(used)
	return row, nil
}
