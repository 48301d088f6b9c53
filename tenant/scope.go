package tenant

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"halley/auth"
)

// Client says where a request comes from. It ends up in the audit log.
type Client struct {
	IP        string
	RequestID string
	Agent     string // User-Agent
}

// Scope says on which account a call works, for whom. Every method that touches a tenant's rows takes one. Only Store.Scope makes
// it, for a login, and Store.OperatorScope, for the operator's own commands.
type Scope struct {
	accountID string
	userID    string // empty: the operator
	role      Role
	client    Client
}

// Scope lets a login work on an account. The error is ErrNotFound where the user is no member of it.
func (s *Store) Scope(ctx context.Context, login Login, accountID string) (Scope, error) {
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	scope := Scope{accountID: accountID, userID: login.userID, client: login.client}
	err := s.db.QueryRowContext(ctx, sqlRole, accountID, login.userID).Scan(&scope.role)
	return scope, wrap("scope", storeError(err))
}

// OperatorScope lets the operator work on an account. It is for commands of those who have the database anyway, never for what
// came over the network.
func (s *Store) OperatorScope(accountID string, client Client) Scope {
	return Scope{accountID: accountID, role: RoleOperator, client: client}
}

// AccountID is the account that the scope works on.
func (s Scope) AccountID() string { return s.accountID }

// UserID is who works; empty: the operator.
func (s Scope) UserID() string { return s.userID }

// Role is the role of who works, as it was when the scope was made. Changes look at it anew.
func (s Scope) Role() Role { return s.role }

// May reports whether the scope's role has a permission for an app of that label, so that pages can leave out what would be
// refused. The store does not rely on it.
func (s Scope) May(permission Permission, label Label) bool { return s.role.May(permission, label) }

// actor names who works in audit rows and created_by columns.
func (s Scope) actor() string {
	if s.userID == "" {
		return string(RoleOperator)
	}
	return s.userID
}

const (
	sqlRole        = `SELECT role FROM members WHERE account_id = $1 AND user_id = $2`
	sqlHoldAccount = `UPDATE accounts SET name = name WHERE account_id = $1`
	sqlAppLabel    = `SELECT label FROM apps WHERE account_id = $1 AND app_id = $2 AND deleted_at = 0`
	sqlTouchApp    = `UPDATE apps SET revision = $3 WHERE account_id = $1 AND app_id = $2`
	sqlTouchApps   = `UPDATE apps SET revision = $2 WHERE account_id = $1`
	sqlAddAudit    = `INSERT INTO audit_rows (account_id, audit_id, at, actor, role, ip, request_id, action, target, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
)

// change is one audited transaction of a scope. It holds a context because it lives exactly as long as the call that it is of.
type change struct {
	ctx   context.Context
	tx    *sql.Tx
	scope Scope
	appID string // empty: the account is changed
	label Label  // of the app

	// filled in by what is done: the audit row, and who must hear of it
	action  string
	target  string
	detail  map[string]any
	affects reach
}

// reach says which views of push nodes a change makes old.
type reach uint8

const (
	nobody reach = iota
	thisApp
	allApps
)

// change runs do in a transaction for which the scope's role, read in that transaction, has the permission; then writes the audit
// row. The account's row is locked throughout, so that changes of one account are one after the other: counting, then adding, is
// safe.
func (s *Store) change(ctx context.Context, scope Scope, permission Permission, appID string, do func(c *change) error) error {
	var announced bool
	err := s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		c := &change{ctx: ctx, tx: tx, scope: scope, appID: appID, detail: map[string]any{}}
		if err := c.begin(permission); err != nil {
			return err
		}
		if err := do(c); err != nil {
			return err
		}
		if err := c.audit(); err != nil {
			return err
		}
		announced = c.affects != nobody
		return c.announce(s.engine)
	})
	if err == nil && announced {
		s.nudge()
	}
	return err
}

// begin locks the account, and checks that the app is the account's and the permission the actor's.
func (c *change) begin(permission Permission) error {
	if err := one(c.exec(sqlHoldAccount, c.scope.accountID)); err != nil {
		return err
	}
	if c.scope.role != RoleOperator {
		err := c.row(sqlRole, c.scope.accountID, c.scope.userID).Scan(&c.scope.role)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrForbidden // a member until a moment ago
		}
		if err != nil {
			return err
		}
	}
	if c.appID != "" {
		if err := c.row(sqlAppLabel, c.scope.accountID, c.appID).Scan(&c.label); err != nil {
			return err
		}
	}
	return c.need(permission, c.label)
}

// need refuses what the actor's role does not allow.
func (c *change) need(permission Permission, label Label) error {
	if c.scope.role.May(permission, label) {
		return nil
	}
	if label != "" {
		return fmt.Errorf("%w: as %s, for an app in %s", ErrForbidden, c.scope.role, label)
	}
	return fmt.Errorf("%w: as %s", ErrForbidden, c.scope.role)
}

func (c *change) exec(query string, args ...any) (sql.Result, error) {
	return c.tx.ExecContext(c.ctx, query, args...)
}

func (c *change) row(query string, args ...any) *sql.Row {
	return c.tx.QueryRowContext(c.ctx, query, args...)
}

// count reads one number.
func (c *change) count(query string, args ...any) (number int, err error) {
	err = c.row(query, args...).Scan(&number)
	return number, err
}

// did says what the audit row tells.
func (c *change) did(action, target string, affects reach) {
	c.action, c.target, c.affects = action, target, affects
}

func (c *change) audit() error {
	detail, err := json.Marshal(c.detail, json.Deterministic(true))
	if err != nil {
		return err
	}
	_, err = c.exec(sqlAddAudit, c.scope.accountID, auth.NewID("aud_"), millis(time.Now()), c.scope.actor(), string(c.scope.role),
		c.scope.client.IP, c.scope.client.RequestID, c.action, c.target, string(detail))
	return err
}

// announce gives what changed its new revision, as the last thing: until the commit nobody else can raise it.
func (c *change) announce(e engine) error {
	if c.affects == nobody {
		return nil
	}
	var revision int64
	if err := c.row(sqlRaise).Scan(&revision); err != nil {
		return err
	}
	var err error
	if c.affects == thisApp {
		_, err = c.exec(sqlTouchApp, c.scope.accountID, c.appID, revision)
	} else {
		_, err = c.exec(sqlTouchApps, c.scope.accountID, revision)
	}
	if err != nil {
		return err
	}
	return e.announce(c.ctx, c.tx)
}
