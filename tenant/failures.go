package tenant

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// TooManyError refuses a log-in because too many failed before.
type TooManyError struct {
	RetryAfter time.Duration // 0: the password must be reset
}

// Error says when to come back.
func (e *TooManyError) Error() string {
	if e.RetryAfter == 0 {
		return "too many failed log-ins: the password must be reset"
	}
	return fmt.Sprintf("too many failed log-ins: try again in %v", e.RetryAfter)
}

// Failed log-ins with one address: the first few cost nothing, then each doubles the wait, and after a hundred in a row only a
// reset helps, which a stranger cannot prevent. Addresses without a user are treated alike, else the refusal would tell which
// exist.
const (
	freeFailures  = 5
	maxFailures   = 100
	maxFailureGap = time.Minute
)

// forgetFailures is after how long failures are forgotten, unless there are so many that only a reset helps.
const forgetFailures = 24 * time.Hour

const (
	sqlFailures = `SELECT failures, failed_at FROM login_failures WHERE address_hash = $1`
	sqlFailed   = `INSERT INTO login_failures (address_hash, failures, failed_at) VALUES ($1, 1, $2)
		ON CONFLICT (address_hash) DO UPDATE SET failures = login_failures.failures + 1, failed_at = excluded.failed_at`
	sqlNoFailures     = `DELETE FROM login_failures WHERE address_hash = $1`
	sqlEndOldFailures = `DELETE FROM login_failures WHERE failed_at <= $1 AND failures < $2`
)

// addressHash is what failures are counted by. Nothing that was typed into the field is kept, which might be a password.
func addressHash(email string) []byte {
	return hashSecret("address|" + strings.ToLower(strings.TrimSpace(email)))
}

// mayTry returns a *TooManyError where so many log-ins failed that it is too early for another.
func (s *Store) mayTry(ctx context.Context, email string) error {
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	var failures, failedAt int64
	err := s.db.QueryRowContext(ctx, sqlFailures, addressHash(email)).Scan(&failures, &failedAt)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return wrap("log in", storeError(err))
	}
	return tooMany(failures, moment(failedAt), time.Now())
}

// tried notes how a log-in ended.
func (s *Store) tried(ctx context.Context, email string, right bool) error {
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	if right {
		_, err := s.db.ExecContext(ctx, sqlNoFailures, addressHash(email))
		return storeError(err)
	}
	_, err := s.db.ExecContext(ctx, sqlFailed, addressHash(email), millis(time.Now()))
	return storeError(err)
}

// tooMany returns the refusal that so many failures in a row earn.
func tooMany(failures int64, last, now time.Time) error {
	if failures >= maxFailures {
		return &TooManyError{}
	}
	if failures < freeFailures {
		return nil
	}
	gap := maxFailureGap
	if doublings := failures - freeFailures; doublings < 6 {
		gap = time.Second << doublings
	}
	if wait := last.Add(gap).Sub(now); wait > 0 {
		return &TooManyError{RetryAfter: wait}
	}
	return nil
}
