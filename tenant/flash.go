package tenant

import (
	"context"
	"time"

	"halley/auth"
)

// flashLife is how long a secret waits to be seen.
const flashLife = 10 * time.Minute

const (
	sqlAddFlash      = `INSERT INTO flashes (flash_id, session_id, sealed, expires_at) VALUES ($1, $2, $3, $4)`
	sqlTakeFlash     = `DELETE FROM flashes WHERE flash_id = $1 AND session_id = $2 AND expires_at > $3 RETURNING sealed`
	sqlEndOldFlashes = `DELETE FROM flashes WHERE expires_at <= $1`
)

// Hide keeps a secret, sealed, for the page after the next redirect, which the same session must ask for within ten minutes.
func (s *Store) Hide(ctx context.Context, login Login, secret auth.Secret) (flashID string, err error) {
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	flashID = auth.NewID("fls_")
	sealed := s.seals.seal([]byte(secret.Reveal()), place(login.sessionID, "flashes", flashID))
	_, err = s.db.ExecContext(ctx, sqlAddFlash, flashID, login.sessionID, sealed, millis(time.Now().Add(flashLife)))
	return flashID, wrap("hide a secret", storeError(err))
}

// Reveal returns a hidden secret, once: the error is ErrNotFound afterwards, and for any other session.
func (s *Store) Reveal(ctx context.Context, login Login, flashID string) (auth.Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	var sealed []byte
	err := s.db.QueryRowContext(ctx, sqlTakeFlash, flashID, login.sessionID, millis(time.Now())).Scan(&sealed)
	if err != nil {
		return auth.Secret{}, wrap("reveal a secret", storeError(err))
	}
	secret, err := s.seals.open(sealed, place(login.sessionID, "flashes", flashID))
	return auth.NewSecret(string(secret)), wrap("reveal a secret", err)
}
