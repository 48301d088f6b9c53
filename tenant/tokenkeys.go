package tenant

import (
	"context"
	"time"

	"halley/auth"
)

// MaxTokenKeys is how many token secrets of its own an app may have.
const MaxTokenKeys = 10

// TokenKey is a secret with which a customer signs tokens (HS256), without the secret.
type TokenKey struct {
	ID        string // kid of the tokens
	CreatedAt time.Time
	CreatedBy string
}

const (
	sqlTokenKeys = `SELECT token_key_id, created_at, created_by FROM token_keys WHERE account_id = $1 AND app_id = $2
		ORDER BY created_at`
	sqlCountTokenKeys = `SELECT COUNT(*) FROM token_keys WHERE account_id = $1 AND app_id = $2`
	sqlAddTokenKey    = `INSERT INTO token_keys (account_id, app_id, token_key_id, sealed, created_at, created_by)
		VALUES ($1, $2, $3, $4, $5, $6)`
	sqlDropTokenKey = `DELETE FROM token_keys WHERE account_id = $1 AND app_id = $2 AND token_key_id = $3`
)

// TokenKeys lists the token secrets of an app, without the secrets.
func (s *Store) TokenKeys(ctx context.Context, scope Scope, appID string) ([]TokenKey, error) {
	if _, err := s.App(ctx, scope, appID); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	return collect(ctx, s.db, func(scan func(...any) error) (TokenKey, error) {
		var key TokenKey
		var created int64
		err := scan(&key.ID, &created, &key.CreatedBy)
		key.CreatedAt = moment(created)
		return key, err
	}, sqlTokenKeys, scope.accountID, appID)
}

// AddTokenKey adds a token secret of the customer's own: 32 to 1024 bytes, sealed at rest. id is the kid of its tokens.
func (s *Store) AddTokenKey(ctx context.Context, scope Scope, appID, id string, secret auth.Secret) error {
	id, err := checkName("id", id)
	if err != nil {
		return err
	}
	if _, err := auth.NewHMACKey(id, []byte(secret.Reveal())); err != nil {
		return invalid("secret", "%v", err)
	}
	sealed := s.seals.seal([]byte(secret.Reveal()), place(scope.accountID, "token_keys", appID+"|"+id))
	return wrap("add a token key", s.change(ctx, scope, Manage, appID, func(c *change) error {
		count, err := c.count(sqlCountTokenKeys, scope.accountID, appID)
		if err != nil {
			return err
		}
		if count >= MaxTokenKeys {
			return invalid("id", "an app has at most %d token secrets", MaxTokenKeys)
		}
		c.did("token_key.add", id, thisApp)
		_, err = c.exec(sqlAddTokenKey, scope.accountID, appID, id, sealed, millis(time.Now()), c.scope.actor())
		return err
	}))
}

// DeleteTokenKey drops a token secret: tokens signed with it are worth nothing from then on.
func (s *Store) DeleteTokenKey(ctx context.Context, scope Scope, appID, id string) error {
	return wrap("delete a token key", s.change(ctx, scope, Manage, appID, func(c *change) error {
		c.did("token_key.delete", id, thisApp)
		return one(c.exec(sqlDropTokenKey, scope.accountID, appID, id))
	}))
}
