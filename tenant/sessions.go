package tenant

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"halley/auth"
)

// Bounds of console sessions.
const (
	sessionIdle     = 24 * time.Hour
	sessionLife     = 30 * 24 * time.Hour
	sessionSeen     = time.Minute      // how often it is noted that a session was used
	ConfirmedFor    = 15 * time.Minute // how long a password holds for what asks for it again
	sessionBytes    = 32
	maxAgentChars   = 200
	maxUserSessions = 50 // the oldest ends when there would be more
)

// Login is somebody who is logged in. Only LogIn, LogInNew, Session and ResetPassword make one.
type Login struct {
	userID      string
	sessionID   string
	confirmedAt time.Time
	client      Client
}

// UserID is who is logged in.
func (l Login) UserID() string { return l.userID }

// SessionID names the session; it is no secret.
func (l Login) SessionID() string { return l.sessionID }

// Confirmed reports whether the password was given within the last 15 minutes: dangerous pages ask for it again.
func (l Login) Confirmed(now time.Time) bool { return now.Sub(l.confirmedAt) < ConfirmedFor }

// ConsoleSession is one of a user's sessions, as the page of sessions shows it.
type ConsoleSession struct {
	ID        string
	CreatedAt time.Time
	SeenAt    time.Time // to the minute
	IP        string
	Agent     string
}

const (
	sqlAddSession = `INSERT INTO console_sessions (session_id, secret_hash, user_id, created_at, seen_at, confirmed_at, ip, agent)
		VALUES ($1, $2, $3, $4, $4, $4, $5, $6)`
	sqlSession = `SELECT session_id, user_id, seen_at, confirmed_at FROM console_sessions
		WHERE secret_hash = $1 AND seen_at > $2 AND created_at > $3`
	sqlSeenSession    = `UPDATE console_sessions SET seen_at = $2, ip = $3 WHERE session_id = $1`
	sqlConfirmSession = `UPDATE console_sessions SET confirmed_at = $2, secret_hash = $3 WHERE session_id = $1`
	sqlUserSessions   = `SELECT session_id, created_at, seen_at, ip, agent FROM console_sessions WHERE user_id = $1
		ORDER BY seen_at DESC`
	sqlEndSession       = `DELETE FROM console_sessions WHERE user_id = $1 AND session_id = $2`
	sqlEndOtherSessions = `DELETE FROM console_sessions WHERE user_id = $1 AND session_id <> $2`
	sqlEndOldSessions   = `DELETE FROM console_sessions WHERE seen_at <= $1 OR created_at <= $2`
	sqlTrimSessions     = `DELETE FROM console_sessions WHERE user_id = $1 AND session_id IN
		(SELECT session_id FROM console_sessions WHERE user_id = $1 ORDER BY created_at DESC LIMIT 1000 OFFSET $2)`
)

// beginSession makes a session with a new secret, which goes into the cookie; only its hash is kept.
func (s *Store) beginSession(ctx context.Context, userID, action string, client Client) (Login, auth.Secret, error) {
	secret, hash := newSessionSecret()
	login := Login{userID: userID, sessionID: auth.NewID("csn_"), confirmedAt: time.Now(), client: client}
	err := s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		now := millis(login.confirmedAt)
		_, err := tx.ExecContext(ctx, sqlAddSession, login.sessionID, hash, userID, now, client.IP, shorten(client.Agent))
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, sqlTrimSessions, userID, maxUserSessions); err != nil {
			return err
		}
		return auditUser(ctx, tx, userID, action, client)
	})
	return login, secret, wrap("begin a session", err)
}

func newSessionSecret() (auth.Secret, []byte) {
	text := base64.RawURLEncoding.EncodeToString(randomBytes(sessionBytes))
	return auth.NewSecret(text), hashSecret(text)
}

// hashSecret hashes what has 256 random bits; that needs no salt and no slowness.
func hashSecret(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

func shorten(agent string) string {
	if !utf8.ValidString(agent) || utf8.RuneCountInString(agent) > maxAgentChars {
		return string([]rune(agent)[:min(maxAgentChars, len([]rune(agent)))])
	}
	return agent
}

// Session returns the login of a cookie's secret. The error is ErrNotFound where the session has ended: 24 h after it was last
// used, 30 days after it began, or when it was ended.
func (s *Store) Session(ctx context.Context, secret string, client Client) (Login, error) {
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	now := time.Now()
	login := Login{client: client}
	var seen, confirmed int64
	err := s.db.QueryRowContext(ctx, sqlSession, hashSecret(secret), millis(now.Add(-sessionIdle)), millis(now.Add(-sessionLife))).
		Scan(&login.sessionID, &login.userID, &seen, &confirmed)
	if err != nil {
		return Login{}, wrap("session", storeError(err))
	}
	login.confirmedAt = moment(confirmed)
	if now.Sub(moment(seen)) > sessionSeen {
		if _, err := s.db.ExecContext(ctx, sqlSeenSession, login.sessionID, millis(now), client.IP); err != nil {
			return Login{}, wrap("session", storeError(err))
		}
	}
	return login, nil
}

// Confirm checks the password of who is logged in, and gives the session a new secret: what was stolen before is worth nothing.
func (s *Store) Confirm(ctx context.Context, login Login, password string) (Login, auth.Secret, error) {
	if _, err := s.confirmPassword(ctx, login, password); err != nil {
		return login, auth.Secret{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	secret, hash := newSessionSecret()
	login.confirmedAt = time.Now()
	err := one(s.db.ExecContext(ctx, sqlConfirmSession, login.sessionID, millis(login.confirmedAt), hash))
	return login, secret, wrap("confirm", storeError(err))
}

// Sessions lists the sessions of who is logged in, the last used first.
func (s *Store) Sessions(ctx context.Context, login Login) ([]ConsoleSession, error) {
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	return collect(ctx, s.db, func(scan func(...any) error) (ConsoleSession, error) {
		var session ConsoleSession
		var created, seen int64
		err := scan(&session.ID, &created, &seen, &session.IP, &session.Agent)
		session.CreatedAt, session.SeenAt = moment(created), moment(seen)
		return session, err
	}, sqlUserSessions, login.userID)
}

// EndSession ends one session of who is logged in; their own to log out. A session that has ended is no error.
func (s *Store) EndSession(ctx context.Context, login Login, sessionID string) error {
	err := s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := one(tx.ExecContext(ctx, sqlEndSession, login.userID, sessionID)); err != nil {
			return err
		}
		return auditUser(ctx, tx, login.userID, "user.end_session", login.client)
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return wrap("end a session", err)
}

// Purge deletes what has ended: sessions, one-time tokens, failed log-ins, secrets nobody came to see, and the ledger's minutes
// and hours that no chart shows any more. Every node's meter calls it once an hour.
func (s *Store) Purge(ctx context.Context, now time.Time) error {
	for _, step := range []struct {
		query string
		args  []any
	}{
		{sqlEndOldSessions, []any{millis(now.Add(-sessionIdle)), millis(now.Add(-sessionLife))}},
		{sqlEndOldTokens, []any{millis(now)}},
		{sqlEndOldFailures, []any{millis(now.Add(-forgetFailures)), maxFailures}},
		{sqlEndOldFlashes, []any{millis(now)}},
		{sqlForgetLedger, []any{string(PeriodMinute), millis(now.Add(-keepMinutes))}},
		{sqlForgetLedger, []any{string(PeriodHour), millis(now.Add(-keepHours))}},
		{sqlForgetDeliveries, []any{millis(now.Add(-keepDeliveryDays))}},
	} {
		deadline, cancel := context.WithTimeout(ctx, 4*queryDeadline)
		_, err := s.db.ExecContext(deadline, step.query, step.args...)
		cancel()
		if err != nil {
			return fmt.Errorf("purge: %w", storeError(err))
		}
	}
	return nil
}
