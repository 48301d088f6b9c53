package tenant

import (
	"cmp"
	"context"
	"database/sql"
	"errors"

	"halley/auth"
)

const (
	sqlRenumberPusher = `UPDATE pusher_apps SET number = $3 WHERE account_id = $1 AND app_id = $2
		AND NOT EXISTS (SELECT 1 FROM pusher_apps taken WHERE taken.number = $3)`
	sqlAppByNumber = `SELECT a.account_id, a.app_id, a.name, a.label, a.origins, a.disabled, a.token_ttl, a.issuer, a.jwks_url,
		a.created_at, a.created_by FROM apps a JOIN pusher_apps p ON p.app_id = a.app_id
		WHERE a.account_id = $1 AND p.account_id = $1 AND p.number = $2 AND a.deleted_at = 0`
)

// PusherImport is an app that moves in from another server that speaks Pusher's protocol.
type PusherImport struct {
	Account     string // name; used and made as Provision does
	Email       string // of an owner of the account
	App         string // its name where it is made
	Credentials PusherCredentials
	Settings    PusherSettings
	Limits      Overrides // others stay as they are
	Enabled     bool      // false: it comes in switched off
}

// PusherImported is where it went.
type PusherImported struct {
	AccountID string
	AppID     string
	Made      bool // false: an app with that number, or that name, was there
}

// BringPusher switches an app on with credentials from elsewhere, so that the clients and servers out there need no others. A number
// or key that is another app's is refused with an *InvalidError; the app's own earlier keys go on working. Doing it again changes
// nothing.
func (s *Store) BringPusher(ctx context.Context, scope Scope, appID string, credentials PusherCredentials) error {
	if err := credentials.Validate(); err != nil {
		return err
	}
	return wrap("bring pusher credentials", s.change(ctx, scope, Manage, appID, func(c *change) error {
		c.did("pusher.bring", appID, thisApp)
		_, err := c.bringPusher(s.seals, credentials)
		return err
	}))
}

// ImportPusher brings a whole app in. It may be done again, with the same outcome: an app of the account that has the number is used,
// else one that has the name, else one is made.
func (s *Store) ImportPusher(ctx context.Context, want PusherImport, client Client) (PusherImported, error) {
	form, err := want.check()
	if err != nil {
		return PusherImported{}, err
	}
	var done PusherImported
	if done.AccountID, err = s.provisionAccount(ctx, Provision{Account: want.Account, Email: want.Email}); err != nil {
		return PusherImported{}, wrap("create the account", err)
	}
	err = s.change(ctx, s.OperatorScope(done.AccountID, client), Own, "", func(c *change) error {
		return c.importPusher(s.seals, form, want, &done)
	})
	return done, wrap("import the app", err)
}

// check tidies what a person wrote, and returns the form of the app.
func (p *PusherImport) check() (AppForm, error) {
	var err error
	if p.Account, err = checkName("account", p.Account); err != nil {
		return AppForm{}, err
	}
	if p.Email, err = CheckEmail(p.Email); err != nil {
		return AppForm{}, err
	}
	if err := cmp.Or(p.Credentials.Validate(), p.Settings.Validate(), p.Limits.Validate()); err != nil {
		return AppForm{}, err
	}
	return AppForm{Name: p.App, Label: Production}.check()
}

func (c *change) importPusher(seals *sealer, form AppForm, want PusherImport, done *PusherImported) error {
	found, err := scanApp(c.row(sqlAppByNumber, c.scope.accountID, want.Credentials.Number).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		found, err = scanApp(c.row(sqlAppByName, c.scope.accountID, form.Name).Scan)
	}
	if errors.Is(err, sql.ErrNoRows) {
		done.Made = true
		found, err = c.addApp(form)
	}
	if err != nil {
		return err
	}
	c.appID, done.AppID = found.ID, found.ID
	if err := c.setLimits(want.Limits); err != nil {
		return err
	}
	app, err := c.bringPusher(seals, want.Credentials)
	if err != nil {
		return err
	}
	app.PusherSettings, app.Enabled = want.Settings, want.Enabled
	c.did("pusher.import", c.appID, thisApp)
	return c.setPusher(app)
}

// bringPusher gives the change's app the number and the key, and switches on.
func (c *change) bringPusher(seals *sealer, brought PusherCredentials) (PusherApp, error) {
	app, err := c.bringNumber(brought.Number)
	if err != nil {
		return app, err
	}
	if err := c.bringKey(seals, brought); err != nil {
		return app, err
	}
	app.Enabled = true
	c.detail["number"], c.detail["key"] = brought.Number, brought.Key
	return app, c.setPusher(app)
}

func (c *change) bringNumber(number string) (PusherApp, error) {
	app, err := c.pusher()
	free := err == nil && app.Number == number
	switch {
	case free:
	case errors.Is(err, sql.ErrNoRows):
		app = PusherApp{AppID: c.appID, Number: number, PusherSettings: DefaultPusherSettings()}
		free, err = c.insertPusher(app)
	case err == nil:
		var changed int64
		changed, err = affected(c.exec(sqlRenumberPusher, c.scope.accountID, c.appID, number))
		free, app.Number = changed == 1, number
	}
	if err == nil && !free {
		err = invalid("pusher app id", "the id %s is another app's", number)
	}
	return app, err
}

// bringKey adds the key, unless the app has it with that secret already.
func (c *change) bringKey(seals *sealer, brought PusherCredentials) error {
	row, err := c.pusherKey(brought.Key)
	if errors.Is(err, sql.ErrNoRows) {
		return c.addPusherKey(seals, brought, "")
	}
	if err != nil {
		return err
	}
	if !row.RevokedAt.IsZero() {
		return invalid("pusher key", "the key %s was revoked in this app", brought.Key)
	}
	secret, err := row.open(seals)
	if err == nil && !auth.Equal([]byte(secret.Reveal()), []byte(brought.Secret.Reveal())) {
		return invalid("pusher key", "the key %s has another secret in this app", brought.Key)
	}
	return err
}

// provisionPusher is what create-app does for Pusher: given credentials are brought, else those that the app has are kept or made.
func (c *change) provisionPusher(seals *sealer, want Provision) (PusherCredentials, error) {
	if want.PusherCredentials == (PusherCredentials{}) {
		return c.pusherOn(seals)
	}
	_, err := c.bringPusher(seals, want.PusherCredentials)
	return want.PusherCredentials, err
}
