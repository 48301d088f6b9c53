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

const (
	sqlAddToken   = `INSERT INTO one_time_tokens (token_hash, purpose, user_id, email, expires_at) VALUES ($1, $2, $3, $4, $5)`
	sqlDropTokens = `DELETE FROM one_time_tokens WHERE user_id = $1 AND purpose = $2`
	sqlTakeToken  = `DELETE FROM one_time_tokens WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3
		RETURNING user_id, email`
	sqlEndOldTokens = `DELETE FROM one_time_tokens WHERE expires_at <= $1`
)

// IssueToken makes a one-time token for the user of an address, to be mailed there. Earlier ones of that purpose end. The error
// is ErrNotFound where there is no such user, which must not show in any answer.
func (s *Store) IssueToken(ctx context.Context, purpose Purpose, email string) (User, auth.Secret, error) {
	user, err := s.UserByEmail(ctx, email)
	if err != nil {
		return User{}, auth.Secret{}, err
	}
	token := base64.RawURLEncoding.EncodeToString(randomBytes(sessionBytes))
	err = s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, sqlDropTokens, user.ID, string(purpose)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, sqlAddToken, hashSecret(token), string(purpose), user.ID, user.Email,
			millis(time.Now().Add(purpose.life())))
		return err
	})
	return user, auth.NewSecret(token), wrap("issue a token", err)
}

// takeToken uses a token up. The error is ErrNotFound where it is not known, was used or has ended.
func takeToken(ctx context.Context, tx *sql.Tx, purpose Purpose, token string) (userID, email string, err error) {
	err = tx.QueryRowContext(ctx, sqlTakeToken, hashSecret(token), string(purpose), millis(time.Now())).Scan(&userID, &email)
	return userID, email, err
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
