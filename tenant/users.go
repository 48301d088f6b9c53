package tenant

import (
	"context"
	"database/sql"
	"errors"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"halley/auth"
)

// User is a person who can log in.
type User struct {
	ID         string
	Email      string // lower case
	Name       string
	VerifiedAt time.Time // zero: the address was not confirmed
	CreatedAt  time.Time
}

// SignUp is what a person who signs up says.
type SignUp struct {
	Email    string
	Password string
	Name     string // of the person; may be empty
	Account  string // its name; empty: made from the address
}

// Bounds of names that people give.
const (
	maxNameChars  = 100
	maxEmailBytes = 254 // RFC 5321
)

// ErrCredentials means that address and password do not belong together, or that there is no such address: the two are not told
// apart.
var ErrCredentials = errors.New("wrong address or password")

const (
	sqlAddUser      = `INSERT INTO users (user_id, email, name, password, verified_at, created_at) VALUES ($1, $2, $3, $4, 0, $5)`
	sqlUserByEmail  = `SELECT user_id, email, name, verified_at, created_at FROM users WHERE email = $1`
	sqlUserByID     = `SELECT user_id, email, name, verified_at, created_at FROM users WHERE user_id = $1`
	sqlPassword     = `SELECT user_id, password FROM users WHERE email = $1`
	sqlPasswordByID = `SELECT email, password FROM users WHERE user_id = $1`
	sqlSetPassword  = `UPDATE users SET password = $2 WHERE user_id = $1`
	sqlVerifyUser   = `UPDATE users SET verified_at = $3 WHERE user_id = $1 AND email = $2`
	// What a person does to their own user is told in each of their accounts.
	sqlAuditUser = `INSERT INTO audit_rows (account_id, audit_id, at, actor, role, ip, request_id, action, target, detail)
		SELECT account_id, $2, $3, $1, role, $4, $5, $6, $1, '{}' FROM members WHERE user_id = $1`
)

// CheckEmail returns the address as it is stored, or an *InvalidError.
func CheckEmail(text string) (string, error) {
	text = strings.TrimSpace(text)
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Address != text || !utf8.ValidString(text) || len(text) > maxEmailBytes ||
		strings.ContainsAny(text, "\r\n\x00 ") {
		return "", invalid("email", "this is not an e-mail address")
	}
	return strings.ToLower(text), nil
}

// checkName returns a name without the spaces around it.
func checkName(field, name string) (string, error) {
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		return "", invalid(field, "a name is needed")
	case utf8.RuneCountInString(name) > maxNameChars:
		return "", invalid(field, "at most %d characters", maxNameChars)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", invalid(field, "control characters are not allowed")
	}
	return name, nil
}

// SignUp makes a user with an account, whose owner they are. The error is ErrConflict where the address is taken.
func (s *Store) SignUp(ctx context.Context, form SignUp, client Client) (User, Account, error) {
	return s.signUp(ctx, form, client, func(*change) error { return nil })
}

// signUp makes the user and the account, and more of the account in the same transaction.
func (s *Store) signUp(ctx context.Context, form SignUp, client Client, more func(c *change) error) (User, Account, error) {
	form, err := form.check()
	if err != nil {
		return User{}, Account{}, err
	}
	hash, err := s.hashes.hash(ctx, form.Password)
	if err != nil {
		return User{}, Account{}, err
	}
	now := time.Now()
	user := User{ID: auth.NewID("usr_"), Email: form.Email, Name: form.Name, CreatedAt: moment(millis(now))}
	account := Account{ID: auth.NewID("acc_"), Name: form.Account, CreatedAt: user.CreatedAt}
	err = s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, sqlAddUser, user.ID, user.Email, user.Name, hash, millis(now)); err != nil {
			return err
		}
		if err := addAccount(ctx, tx, account); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, sqlAddMember, account.ID, user.ID, string(RoleOwner), millis(now)); err != nil {
			return err
		}
		if err := auditUser(ctx, tx, user.ID, "user.sign_up", client); err != nil {
			return err
		}
		owner := Scope{accountID: account.ID, userID: user.ID, role: RoleOwner, client: client}
		return more(&change{ctx: ctx, tx: tx, scope: owner, detail: map[string]any{}})
	})
	return user, account, wrap("sign up", err)
}

func (f SignUp) check() (SignUp, error) {
	var err error
	if f.Email, err = CheckEmail(f.Email); err != nil {
		return f, err
	}
	local, _, _ := strings.Cut(f.Email, "@")
	if strings.TrimSpace(f.Account) == "" {
		f.Account = local
	}
	if f.Account, err = checkName("account", f.Account); err != nil {
		return f, err
	}
	if f.Name != "" {
		if f.Name, err = checkName("name", f.Name); err != nil {
			return f, err
		}
	}
	return f, CheckPassword(f.Password, f.Email, f.Name)
}

// UserByEmail finds a user by address. It is for mail that goes to that address, never for an answer to who asked.
func (s *Store) UserByEmail(ctx context.Context, email string) (User, error) {
	email, err := CheckEmail(email)
	if err != nil {
		return User{}, err
	}
	return s.user(ctx, sqlUserByEmail, email)
}

// User returns the user of a login.
func (s *Store) User(ctx context.Context, login Login) (User, error) {
	return s.user(ctx, sqlUserByID, login.userID)
}

func (s *Store) user(ctx context.Context, query, by string) (User, error) {
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	var user User
	var verified, created int64
	err := s.db.QueryRowContext(ctx, query, by).Scan(&user.ID, &user.Email, &user.Name, &verified, &created)
	user.VerifiedAt, user.CreatedAt = moment(verified), moment(created)
	return user, wrap("user", storeError(err))
}

// LogIn checks a password and begins a console session. The error is ErrCredentials, a *TooManyError or ErrBusy; it takes as long
// whether the address exists or not.
func (s *Store) LogIn(ctx context.Context, email, password string, client Client) (Login, auth.Secret, error) {
	userID, err := s.authenticate(ctx, email, password)
	if err != nil {
		return Login{}, auth.Secret{}, err
	}
	return s.beginSession(ctx, userID, "user.log_in", client)
}

// LogInNew begins the session of a user who has just signed up.
func (s *Store) LogInNew(ctx context.Context, user User, client Client) (Login, auth.Secret, error) {
	return s.beginSession(ctx, user.ID, "user.log_in", client)
}

func (s *Store) authenticate(ctx context.Context, email, password string) (userID string, err error) {
	var hash string
	if valid, err := CheckEmail(email); err == nil { // else as if there were no such user
		email = valid
	}
	reading, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	err = storeError(s.db.QueryRowContext(reading, sqlPassword, email).Scan(&userID, &hash))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return "", wrap("log in", err)
	}
	return userID, s.checkPassword(ctx, email, hash, password)
}

// checkPassword compares, and keeps count of failures. It does the same for an address without a user, whose hash is empty.
func (s *Store) checkPassword(ctx context.Context, email, hash, password string) error {
	if err := s.mayTry(ctx, email); err != nil {
		return err
	}
	right, err := s.hashes.matches(ctx, hash, password)
	if err != nil {
		return err
	}
	if err := s.tried(ctx, email, right); err != nil {
		return wrap("log in", err)
	}
	if !right {
		return ErrCredentials
	}
	return nil
}

// ChangePassword sets a new password for who knows the old one, and ends all other sessions of the user.
func (s *Store) ChangePassword(ctx context.Context, login Login, old, fresh string) error {
	user, err := s.confirmPassword(ctx, login, old)
	if err != nil {
		return err
	}
	if err := CheckPassword(fresh, user.Email, user.Name); err != nil {
		return err
	}
	hash, err := s.hashes.hash(ctx, fresh)
	if err != nil {
		return err
	}
	return wrap("change the password", s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, sqlSetPassword, login.userID, hash); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, sqlEndOtherSessions, login.userID, login.sessionID); err != nil {
			return err
		}
		return auditUser(ctx, tx, login.userID, "user.change_password", login.client)
	}))
}

// confirmPassword checks the password of who is logged in.
func (s *Store) confirmPassword(ctx context.Context, login Login, password string) (User, error) {
	reading, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	var email, hash string
	err := s.db.QueryRowContext(reading, sqlPasswordByID, login.userID).Scan(&email, &hash)
	if err != nil {
		return User{}, wrap("confirm the password", storeError(err))
	}
	if err := s.checkPassword(ctx, email, hash, password); err != nil {
		return User{}, err
	}
	return s.User(ctx, login)
}

func auditUser(ctx context.Context, tx *sql.Tx, userID, action string, client Client) error {
	_, err := tx.ExecContext(ctx, sqlAuditUser, userID, auth.NewID("aud_"), millis(time.Now()), client.IP, client.RequestID, action)
	return err
}
