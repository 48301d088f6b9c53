package tenant

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"halley/auth"
)

// The statements about the installation as a whole. Its tables are no tenant's.
const (
	sqlRevision     = `SELECT revision FROM installation WHERE id = 1`
	sqlRaise        = `UPDATE installation SET revision = revision + 1 WHERE id = 1 RETURNING revision`
	sqlHold         = `UPDATE installation SET master_key = master_key WHERE id = 1 RETURNING master_key`
	sqlSetMasterKey = `UPDATE installation SET master_key = $1 WHERE id = 1`

	sqlSigningKeys = `SELECT key_id, sealed, retired_at FROM signing_keys WHERE retired_at = 0 OR retired_at > $1
		ORDER BY CASE WHEN retired_at = 0 THEN 0 ELSE 1 END, created_at, key_id`
	sqlAddSigningKey    = `INSERT INTO signing_keys (key_id, sealed, created_at, retired_at) VALUES ($1, $2, $3, 0)`
	sqlRetireSigningKey = `UPDATE signing_keys SET retired_at = $2 WHERE key_id = $1 AND retired_at = 0`
	sqlCountSigningKeys = `SELECT COUNT(*) FROM signing_keys WHERE retired_at = 0`
)

// signingOverlap is how long a retired signing key still verifies: the longest life of a token, and some for clocks.
const signingOverlap = auth.MaxTokenTTL + time.Hour

// Identity returns what tells this database from every other: the system identifier of its server, and its name. A copy of the data that
// is restored elsewhere differs. Of the embedded store it is empty.
func (s *Store) Identity(ctx context.Context) (system, name string, err error) {
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	system, name, err = s.engine.identity(ctx, s.db)
	return system, name, wrap("identity of the database", storeError(err))
}

// revision returns the number of the last change that push nodes must see.
func (s *Store) revision(ctx context.Context) (revision int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	err = s.db.QueryRowContext(ctx, sqlRevision).Scan(&revision)
	return revision, storeError(err)
}

// claimMasterKey writes down, on the first start, which master key the installation has, and refuses later ones that cannot open
// what it sealed: nodes that each made a key of their own would else find out one secret at a time.
func (s *Store) claimMasterKey(ctx context.Context) error {
	return s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var claimed string
		if err := tx.QueryRowContext(ctx, sqlHold).Scan(&claimed); err != nil {
			return err
		}
		if claimed != "" && !s.seals.has(claimed) {
			return fmt.Errorf("%w: this database belongs to %s and this process has %s; "+
				"give it the cluster secret or the master.key that the nodes of this database have",
				ErrMasterKey, claimed, s.seals.fingerprint())
		}
		if claimed == "" {
			_, err := tx.ExecContext(ctx, sqlSetMasterKey, s.seals.fingerprint())
			return err
		}
		return nil
	})
}

// SigningKeys returns the installation's keys, the one that signs first, and makes the first one where there is none. Several
// nodes may ask at once: one makes it.
func (s *Store) SigningKeys(ctx context.Context) ([]auth.SigningKey, error) {
	var keys []auth.SigningKey
	err := s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, sqlHold).Scan(new(string)); err != nil { // the others wait here
			return err
		}
		var err error
		if keys, err = s.signingKeys(ctx, tx); err != nil || len(keys) > 0 {
			return err
		}
		key, err := s.addSigningKey(ctx, tx)
		keys = []auth.SigningKey{key}
		return err
	})
	return keys, wrap("signing keys", err)
}

// AddSigningKey adds a key that verifies at once and signs when the older ones are retired. Nodes read their keys when they
// start.
func (s *Store) AddSigningKey(ctx context.Context) (keyID string, err error) {
	err = s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		key, err := s.addSigningKey(ctx, tx)
		keyID = key.ID()
		return err
	})
	return keyID, wrap("add a signing key", err)
}

// RetireSigningKey makes a key verify only, until every token that it signed has ended. The last key that signs cannot be
// retired.
func (s *Store) RetireSigningKey(ctx context.Context, keyID string) error {
	return wrap("retire a signing key", s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, sqlHold).Scan(new(string)); err != nil {
			return err
		}
		retired, err := affected(tx.ExecContext(ctx, sqlRetireSigningKey, keyID, millis(time.Now().Add(signingOverlap))))
		if err != nil {
			return err
		}
		if retired == 0 {
			return ErrNotFound
		}
		var left int
		if err := tx.QueryRowContext(ctx, sqlCountSigningKeys).Scan(&left); err != nil {
			return err
		}
		if left == 0 {
			return fmt.Errorf("%w: it is the only key that signs", ErrConflict)
		}
		return nil
	}))
}

func (s *Store) signingKeys(ctx context.Context, tx *sql.Tx) ([]auth.SigningKey, error) {
	return collect(ctx, tx, func(scan func(...any) error) (auth.SigningKey, error) {
		var id string
		var sealed []byte
		if err := scan(&id, &sealed, new(int64)); err != nil {
			return auth.SigningKey{}, err
		}
		seed, err := s.seals.open(sealed, place("", "signing_keys", id))
		if err != nil {
			return auth.SigningKey{}, err
		}
		return auth.NewSigningKey(seed)
	}, sqlSigningKeys, millis(time.Now()))
}

func (s *Store) addSigningKey(ctx context.Context, tx *sql.Tx) (auth.SigningKey, error) {
	seed := randomBytes(32)
	key, err := auth.NewSigningKey(seed)
	if err != nil {
		return auth.SigningKey{}, err
	}
	sealed := s.seals.seal(seed, place("", "signing_keys", key.ID()))
	_, err = tx.ExecContext(ctx, sqlAddSigningKey, key.ID(), sealed, millis(time.Now()))
	return key, err
}
