package tenant

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

const (
	sqlAccountLimits   = `SELECT limit_name, value FROM account_limits WHERE account_id = $1`
	sqlAppLimits       = `SELECT limit_name, value FROM app_limits WHERE account_id = $1 AND app_id = $2`
	sqlSetAccountLimit = `INSERT INTO account_limits (account_id, limit_name, value) VALUES ($1, $2, $3)
		ON CONFLICT (account_id, limit_name) DO UPDATE SET value = excluded.value`
	sqlSetAppLimit = `INSERT INTO app_limits (account_id, app_id, limit_name, value) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account_id, app_id, limit_name) DO UPDATE SET value = excluded.value`
)

// LimitsOf returns the limits in force for an app, and which of them are its own.
func (s *Store) LimitsOf(ctx context.Context, scope Scope, appID string) (Limits, Overrides, error) {
	if _, err := s.App(ctx, scope, appID); err != nil {
		return Limits{}, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	return limitsOf(ctx, s.db, scope.accountID, appID)
}

func limitsOf(ctx context.Context, q querier, accountID, appID string) (Limits, Overrides, error) {
	account, err := overridesOf(ctx, q, sqlAccountLimits, accountID)
	if err != nil {
		return Limits{}, nil, err
	}
	app, err := overridesOf(ctx, q, sqlAppLimits, accountID, appID)
	return DefaultLimits().With(account).With(app), app, err
}

func overridesOf(ctx context.Context, q querier, query string, args ...any) (Overrides, error) {
	list := Overrides{}
	_, err := collect(ctx, q, func(scan func(...any) error) (struct{}, error) {
		var name LimitName
		var value int64
		err := scan(&name, &value)
		list[name] = value
		return struct{}{}, err
	}, query, args...)
	return list, err
}

// limits returns the limits of the change's app, as the transaction sees them.
func (c *change) limits() (Limits, error) {
	limits, _, err := limitsOf(c.ctx, c.tx, c.scope.accountID, c.appID)
	return limits, err
}

// SetLimits gives an app values of its own. Lowering one is Manage; to raise one above what the account gives is the operator's.
func (s *Store) SetLimits(ctx context.Context, scope Scope, appID string, values Overrides) error {
	if err := values.Validate(); err != nil {
		return err
	}
	return wrap("set limits", s.change(ctx, scope, Manage, appID, func(c *change) error {
		return c.setLimits(values)
	}))
}

func (c *change) setLimits(values Overrides) error {
	account, err := overridesOf(c.ctx, c.tx, sqlAccountLimits, c.scope.accountID)
	if err != nil {
		return err
	}
	most := DefaultLimits().With(account)
	c.did("limits.set", c.appID, thisApp)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if c.scope.role != RoleOperator && values[name] > most.Get(name) {
			return fmt.Errorf("%w: %s is at most %d in this account", ErrForbidden, name, most.Get(name))
		}
		if _, err := c.exec(sqlSetAppLimit, c.scope.accountID, c.appID, string(name), values[name]); err != nil {
			return err
		}
		c.detail[string(name)] = values[name]
	}
	return nil
}

// SetAccountLimits gives the account values that hold for each of its apps. Only the operator may: it is the account's plan.
func (s *Store) SetAccountLimits(ctx context.Context, scope Scope, values Overrides) error {
	if err := values.Validate(); err != nil {
		return err
	}
	return wrap("set the account's limits", s.change(ctx, scope, Own, "", func(c *change) error {
		if c.scope.role != RoleOperator {
			return fmt.Errorf("%w: as %s", ErrForbidden, c.scope.role)
		}
		c.did("account.limits", scope.accountID, allApps)
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if _, err := c.exec(sqlSetAccountLimit, scope.accountID, string(name), values[name]); err != nil {
				return err
			}
			c.detail[string(name)] = values[name]
		}
		return nil
	}))
}
