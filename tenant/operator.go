package tenant

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"halley/auth"
)

// Provision is what `halley admin create-app` asks for.
type Provision struct {
	Account string // name; an account that the operator made, or that the address is a member of, is used again
	App     string // name; an app of that name in the account is used again
	Email   string // of the account's owner; the person sets a password by asking for a reset
	Limits  Overrides
	Origins []string // empty: as they are

	Pusher            bool              // let Pusher's SDKs reach the app
	PusherCredentials PusherCredentials // of an app that moves in; empty: those that the app has, or new ones
}

// Provisioned is what it got: ids, and keys that are shown once.
type Provisioned struct {
	AccountID      string
	AppID          string
	SecretKey      auth.Secret
	PublishableKey auth.Secret
	Pusher         PusherCredentials // where it was asked for
}

// AppOfAccount is an app with the name of its account.
type AppOfAccount struct {
	App         App
	AccountName string
	Suspended   bool
	Pusher      PusherNumber
}

// PusherNumber is Pusher's id of an app; the zero value where it never had one.
type PusherNumber struct {
	Number  string
	Enabled bool
}

// What only the operator asks, over all accounts.
const (
	sqlFindAccount = `SELECT a.account_id FROM accounts a WHERE a.name = $1 AND (a.operated = 1 OR EXISTS
		(SELECT 1 FROM members m WHERE m.account_id = a.account_id AND m.user_id = $2))
		ORDER BY a.operated DESC, a.account_id LIMIT 1`
	sqlOwnMember = `INSERT INTO members (account_id, user_id, role, created_at) VALUES ($1, $2, 'owner', $3)
		ON CONFLICT (account_id, user_id) DO NOTHING`
	sqlAccountOfApp = `SELECT account_id FROM apps WHERE app_id = $1 AND deleted_at = 0`
	sqlAllApps      = `SELECT a.account_id, a.app_id, a.name, a.label, a.origins, a.disabled, a.token_ttl, a.issuer, a.jwks_url,
		a.created_at, a.created_by, c.name, c.suspended, COALESCE(p.number, ''), COALESCE(p.enabled, 0)
		FROM apps a JOIN accounts c ON c.account_id = a.account_id
		LEFT JOIN pusher_apps p ON p.account_id = a.account_id AND p.app_id = a.app_id
		WHERE a.deleted_at = 0 ORDER BY c.name, a.name, a.app_id`
)

// Provision makes an account with an owner and an app with keys. Where account or app exist they are used, and the app gets new
// keys beside those it has; limits and origins that are given replace those it has.
func (s *Store) Provision(ctx context.Context, want Provision, client Client) (Provisioned, error) {
	var err error
	if want.Account, err = checkName("account", want.Account); err != nil {
		return Provisioned{}, err
	}
	if want.Email, err = CheckEmail(want.Email); err != nil {
		return Provisioned{}, err
	}
	form, err := AppForm{Name: want.App, Label: Production, Origins: want.Origins}.check()
	if err != nil {
		return Provisioned{}, err
	}
	if err := want.Limits.Validate(); err != nil {
		return Provisioned{}, err
	}
	if want.PusherCredentials != (PusherCredentials{}) {
		if err := want.PusherCredentials.Validate(); err != nil {
			return Provisioned{}, err
		}
		want.Pusher = true
	}
	made := Provisioned{}
	if made.AccountID, err = s.provisionAccount(ctx, want); err != nil {
		return Provisioned{}, wrap("create the account", err)
	}
	err = s.change(ctx, s.OperatorScope(made.AccountID, client), Own, "", func(c *change) error {
		return c.provisionApp(s.seals, form, want, &made)
	})
	return made, wrap("create the app", err)
}

// provisionAccount finds or makes the account and its owner. An account of that name which a stranger signed up is left alone.
func (s *Store) provisionAccount(ctx context.Context, want Provision) (accountID string, err error) {
	err = s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, sqlHold).Scan(new(string)); err != nil { // one at a time
			return err
		}
		userID, err := findOrAddUser(ctx, tx, want.Email)
		if err != nil {
			return err
		}
		err = tx.QueryRowContext(ctx, sqlFindAccount, want.Account, userID).Scan(&accountID)
		if errors.Is(err, sql.ErrNoRows) {
			accountID = auth.NewID("acc_")
			_, err = tx.ExecContext(ctx, sqlAddAccount, accountID, want.Account, 1, millis(time.Now()))
		}
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, sqlOwnMember, accountID, userID, millis(time.Now()))
		return err
	})
	return accountID, err
}

func findOrAddUser(ctx context.Context, tx *sql.Tx, email string) (userID string, err error) {
	err = tx.QueryRowContext(ctx, sqlUserByEmail, email).Scan(&userID, new(string), new(string), new(int64), new(int64))
	if errors.Is(err, sql.ErrNoRows) {
		userID = auth.NewID("usr_")
		_, err = tx.ExecContext(ctx, sqlAddUser, userID, email, "", "", millis(time.Now())) // no password: none matches
	}
	return userID, err
}

func (c *change) provisionApp(seals *sealer, form AppForm, want Provision, made *Provisioned) error {
	app, err := scanApp(c.row(sqlAppByName, c.scope.accountID, form.Name).Scan)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		app, err = c.addApp(form)
	case err == nil && len(want.Origins) > 0:
		err = c.setOrigins(app, form.Origins)
	}
	if err != nil {
		return err
	}
	c.appID, made.AppID = app.ID, app.ID
	if err := c.setLimits(want.Limits); err != nil {
		return err
	}
	secret := KeyForm{Kind: auth.KindSecret, Name: "Secret key", Capability: auth.AllowAll()}
	if _, made.SecretKey, err = c.addKey(secret, ""); err != nil {
		return err
	}
	publishable := KeyForm{Kind: auth.KindPublishable, Name: "Publishable key"}
	if _, made.PublishableKey, err = c.addKey(publishable, ""); err != nil {
		return err
	}
	if want.Pusher {
		if made.Pusher, err = c.provisionPusher(seals, want); err != nil {
			return err
		}
	}
	c.did("app.provision", app.ID, thisApp)
	return nil
}

func (c *change) setOrigins(app App, origins []string) error {
	column, err := originsColumn(origins)
	if err != nil {
		return err
	}
	return one(c.exec(sqlSetApp, app.AccountID, app.ID, app.Name, string(app.Label), column, bit(app.Disabled),
		app.TokenTTL.Milliseconds(), app.Issuer, app.JWKSURL))
}

// OperatorScopeOf lets the operator work on the account of an app.
func (s *Store) OperatorScopeOf(ctx context.Context, appID string, client Client) (Scope, error) {
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	var accountID string
	err := s.db.QueryRowContext(ctx, sqlAccountOfApp, appID).Scan(&accountID)
	if errors.Is(err, sql.ErrNoRows) {
		return Scope{}, fmt.Errorf("app %s: %w", appID, ErrNotFound) // the operator reads it: no words of the driver
	}
	if err != nil {
		return Scope{}, fmt.Errorf("app %s: %w", appID, storeError(err))
	}
	return s.OperatorScope(accountID, client), nil
}

// AllApps lists the apps of all accounts. The scope must be the operator's; its account does not matter.
func (s *Store) AllApps(ctx context.Context, scope Scope) ([]AppOfAccount, error) {
	if scope.role != RoleOperator {
		return nil, fmt.Errorf("list all apps: %w: as %s", ErrForbidden, scope.role)
	}
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	return collect(ctx, s.db, func(scan func(...any) error) (AppOfAccount, error) {
		var row AppOfAccount
		var suspended, enabled int64
		var err error
		row.App, err = scanApp(func(columns ...any) error {
			return scan(append(columns, &row.AccountName, &suspended, &row.Pusher.Number, &enabled)...)
		})
		row.Suspended, row.Pusher.Enabled = suspended != 0, enabled != 0
		return row, err
	}, sqlAllApps)
}
