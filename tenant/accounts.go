package tenant

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Account is a customer, who pays and to whom apps belong.
type Account struct {
	ID        string
	Name      string
	Suspended bool
	CreatedAt time.Time
}

// Membership is an account as one of its members sees it.
type Membership struct {
	Account Account
	Role    Role
}

// Member is a user of an account.
type Member struct {
	UserID    string
	Email     string
	Name      string
	Role      Role
	CreatedAt time.Time
}

const (
	sqlAddAccount  = `INSERT INTO accounts (account_id, name, operated, suspended, created_at) VALUES ($1, $2, $3, 0, $4)`
	sqlAccount     = `SELECT account_id, name, suspended, created_at FROM accounts WHERE account_id = $1`
	sqlRenameAcc   = `UPDATE accounts SET name = $2 WHERE account_id = $1`
	sqlSuspend     = `UPDATE accounts SET suspended = $2 WHERE account_id = $1`
	sqlMemberships = `SELECT a.account_id, a.name, a.suspended, a.created_at, m.role FROM members m
		JOIN accounts a ON a.account_id = m.account_id WHERE m.user_id = $1 ORDER BY a.name, a.account_id`
	sqlMembers = `SELECT m.user_id, u.email, u.name, m.role, m.created_at FROM members m
		JOIN users u ON u.user_id = m.user_id WHERE m.account_id = $1 ORDER BY u.email`
	sqlAddMember   = `INSERT INTO members (account_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)`
	sqlSetRole     = `UPDATE members SET role = $3 WHERE account_id = $1 AND user_id = $2`
	sqlDropMember  = `DELETE FROM members WHERE account_id = $1 AND user_id = $2`
	sqlCountOwners = `SELECT COUNT(*) FROM members WHERE account_id = $1 AND role = 'owner'`
)

func addAccount(ctx context.Context, tx *sql.Tx, account Account) error {
	_, err := tx.ExecContext(ctx, sqlAddAccount, account.ID, account.Name, 0, millis(account.CreatedAt))
	return err
}

// Memberships lists the accounts of who is logged in.
func (s *Store) Memberships(ctx context.Context, login Login) ([]Membership, error) {
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	return collect(ctx, s.db, func(scan func(...any) error) (Membership, error) {
		var m Membership
		var suspended, created int64
		err := scan(&m.Account.ID, &m.Account.Name, &suspended, &created, &m.Role)
		m.Account.Suspended, m.Account.CreatedAt = suspended != 0, moment(created)
		return m, err
	}, sqlMemberships, login.userID)
}

// Account returns the scope's account.
func (s *Store) Account(ctx context.Context, scope Scope) (Account, error) {
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	var account Account
	var suspended, created int64
	err := s.db.QueryRowContext(ctx, sqlAccount, scope.accountID).Scan(&account.ID, &account.Name, &suspended, &created)
	account.Suspended, account.CreatedAt = suspended != 0, moment(created)
	return account, wrap("account", storeError(err))
}

// RenameAccount gives the account another name.
func (s *Store) RenameAccount(ctx context.Context, scope Scope, name string) error {
	name, err := checkName("account", name)
	if err != nil {
		return err
	}
	return wrap("rename the account", s.change(ctx, scope, Members, "", func(c *change) error {
		c.did("account.rename", scope.accountID, nobody)
		c.detail["name"] = name
		return one(c.exec(sqlRenameAcc, scope.accountID, name))
	}))
}

// SuspendAccount switches all apps of the account off, or on again. Only the operator may.
func (s *Store) SuspendAccount(ctx context.Context, scope Scope, suspended bool) error {
	return wrap("suspend the account", s.change(ctx, scope, Own, "", func(c *change) error {
		if c.scope.role != RoleOperator {
			return fmt.Errorf("%w: as %s", ErrForbidden, c.scope.role)
		}
		c.did("account.suspend", scope.accountID, allApps)
		c.detail["suspended"] = suspended
		return one(c.exec(sqlSuspend, scope.accountID, bit(suspended)))
	}))
}

// Members lists the members of the account by address.
func (s *Store) Members(ctx context.Context, scope Scope) ([]Member, error) {
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	return collect(ctx, s.db, func(scan func(...any) error) (Member, error) {
		var m Member
		var created int64
		err := scan(&m.UserID, &m.Email, &m.Name, &m.Role, &created)
		m.CreatedAt = moment(created)
		return m, err
	}, sqlMembers, scope.accountID)
}

// AddMember makes an existing user a member. Nobody gives a role mightier than their own; the error is ErrConflict where the user
// is a member already, ErrNoParent where there is no such user.
func (s *Store) AddMember(ctx context.Context, scope Scope, userID string, role Role) error {
	return wrap("add a member", s.change(ctx, scope, Members, "", func(c *change) error {
		if !c.scope.role.above(role) {
			return fmt.Errorf("%w: as %s", ErrForbidden, c.scope.role)
		}
		c.did("member.add", userID, nobody)
		c.detail["role"] = string(role)
		_, err := c.exec(sqlAddMember, scope.accountID, userID, string(role), millis(time.Now()))
		return err
	}))
}

// SetRole gives a member another role. An admin cannot change owners or make one, and the last owner stays one.
func (s *Store) SetRole(ctx context.Context, scope Scope, userID string, role Role) error {
	return wrap("set a role", s.change(ctx, scope, Members, "", func(c *change) error {
		was, err := c.memberRole(userID)
		if err != nil {
			return err
		}
		if !c.scope.role.above(role) || !c.scope.role.above(was) {
			return fmt.Errorf("%w: as %s", ErrForbidden, c.scope.role)
		}
		c.did("member.role", userID, nobody)
		c.detail["from"], c.detail["to"] = string(was), string(role)
		if err := one(c.exec(sqlSetRole, scope.accountID, userID, string(role))); err != nil {
			return err
		}
		return c.keepOwner()
	}))
}

// RemoveMember ends a membership: an admin that of anybody but owners, everybody their own, but the last owner stays.
func (s *Store) RemoveMember(ctx context.Context, scope Scope, userID string) error {
	permission := Members
	if userID == scope.userID {
		permission = View
	}
	return wrap("remove a member", s.change(ctx, scope, permission, "", func(c *change) error {
		was, err := c.memberRole(userID)
		if err != nil {
			return err
		}
		if !c.scope.role.above(was) && userID != scope.userID {
			return fmt.Errorf("%w: as %s", ErrForbidden, c.scope.role)
		}
		c.did("member.remove", userID, nobody)
		c.detail["role"] = string(was)
		if err := one(c.exec(sqlDropMember, scope.accountID, userID)); err != nil {
			return err
		}
		return c.keepOwner()
	}))
}

func (c *change) memberRole(userID string) (role Role, err error) {
	err = c.row(sqlRole, c.scope.accountID, userID).Scan(&role)
	return role, err
}

// ErrLastOwner means that an account would be left without an owner.
var ErrLastOwner = errors.New("an account keeps at least one owner")

func (c *change) keepOwner() error {
	owners, err := c.count(sqlCountOwners, c.scope.accountID)
	if err == nil && owners == 0 {
		return ErrLastOwner
	}
	return err
}
