package tenant

import (
	"context"
	"database/sql"
	"encoding/base64"
	"time"

	"halley/auth"
)

// Purpose is what a one-time token is good for.
type Purpose string

// The purposes, with how long their tokens live.
const (
	PurposeReset  Purpose = "reset"  // set a new password: 30 minutes
	PurposeVerify Purpose = "verify" // confirm an address: 24 hours
)

func (p Purpose) life() time.Duration {
	if p == PurposeReset {
		return 30 * time.Minute
	}
	return 24 * time.Hour
}

// keptTokens is how many tokens of one purpose a user has at once. With one alone a stranger who asks for another would end the
// link that the user is about to follow.
const keptTokens = 3

const (
	sqlAddToken   = `INSERT INTO one_time_tokens (token_hash, purpose, user_id, email, expires_at) VALUES ($1, $2, $3, $4, $5)`
	sqlTrimTokens = `DELETE FROM one_time_tokens WHERE user_id = $1 AND purpose = $2 AND token_hash NOT IN (
		SELECT token_hash FROM one_time_tokens WHERE user_id = $1 AND purpose = $2
		ORDER BY expires_at DESC, token_hash LIMIT $3)`
	sqlTakeTokens = `DELETE FROM one_time_tokens WHERE purpose = $2 AND user_id = (
		SELECT user_id FROM one_time_tokens WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3)
		RETURNING token_hash = $1, user_id, email`
	sqlEndToken     = `DELETE FROM one_time_tokens WHERE token_hash = $1`
	sqlEndOldTokens = `DELETE FROM one_time_tokens WHERE expires_at <= $1`
)

// IssueToken makes a one-time token for a user, to be mailed to the address. Of earlier ones for that purpose the last two stay
// good.
func (s *Store) IssueToken(ctx context.Context, purpose Purpose, user User) (auth.Secret, error) {
	token := base64.RawURLEncoding.EncodeToString(randomBytes(sessionBytes))
	err := s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, sqlTrimTokens, user.ID, string(purpose), keptTokens-1); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, sqlAddToken, hashSecret(token), string(purpose), user.ID, user.Email,
			millis(time.Now().Add(purpose.life())))
		return err
	})
	return auth.NewSecret(token), wrap("issue a token", err)
}

// WithdrawToken ends a one-time token that did not reach its user, so that it does not take the place of one that did.
func (s *Store) WithdrawToken(ctx context.Context, token auth.Secret) error {
	return wrap("withdraw a token", s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, sqlEndToken, hashSecret(token.Reveal()))
		return err
	}))
}

// takeToken uses a token up, and with it all others of its user for that purpose: of two links only one may be followed. The error
// is ErrNotFound where it is not known, was used or has ended.
func takeToken(ctx context.Context, tx *sql.Tx, purpose Purpose, token string) (userID, email string, err error) {
	rows, err := tx.QueryContext(ctx, sqlTakeTokens, hashSecret(token), string(purpose), millis(time.Now()))
	if err != nil {
		return "", "", err
	}
	defer rows.Close()
	taken := false
	for rows.Next() {
		var this bool
		var address string
		if err := rows.Scan(&this, &userID, &address); err != nil {
			return "", "", err
		}
		if this {
			taken, email = true, address
		}
	}
	if err := rows.Err(); err != nil || taken {
		return userID, email, err
	}
	return "", "", sql.ErrNoRows // also where two came at once and the other was first
}

// ResetPassword sets a new password for who has the token, ends all sessions of the user and begins one. A password that is
// refused leaves the token good. The error is ErrNotFound where the token is not.
func (s *Store) ResetPassword(ctx context.Context, token, password string, client Client) (Login, auth.Secret, error) {
	if err := CheckPassword(password); err != nil {
		return Login{}, auth.Secret{}, err
	}
	hash, err := s.hashes.hash(ctx, password)
	if err != nil {
		return Login{}, auth.Secret{}, err
	}
	var userID string
	err = s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var email string
		if userID, email, err = takeToken(ctx, tx, PurposeReset, token); err != nil {
			return err
		}
		if err := CheckPassword(password, email); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, sqlSetPassword, userID, hash); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, sqlNoFailures, addressHash(email)); err != nil {
			return err
		}
		// Who read the mail has the address.
		if _, err := tx.ExecContext(ctx, sqlVerifyUser, userID, email, millis(time.Now())); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, sqlEndOtherSessions, userID, ""); err != nil {
			return err
		}
		return auditUser(ctx, tx, userID, "user.reset_password", client)
	})
	if err != nil {
		return Login{}, auth.Secret{}, wrap("reset the password", err)
	}
	return s.beginSession(ctx, userID, "user.log_in", client)
}

// VerifyEmail notes that the address is the user's. The error is ErrNotFound where the token is not good.
func (s *Store) VerifyEmail(ctx context.Context, token string, client Client) error {
	return wrap("verify the address", s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		userID, email, err := takeToken(ctx, tx, PurposeVerify, token)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, sqlVerifyUser, userID, email, millis(time.Now())); err != nil {
			return err
		}
		return auditUser(ctx, tx, userID, "user.verify_email", client)
	}))
}
