package tenant

import (
	"context"
	"time"

	"halley/auth"
)

// Newcomer is who has just signed up, with all that they need to begin.
type Newcomer struct {
	User    User
	Account Account
	App     App
	Secret  auth.Secret // the text of the app's secret key, known only now
}

// SignUpWithApp is SignUp and an app of that name with a publishable and a secret key: all of it, or nothing.
func (s *Store) SignUpWithApp(ctx context.Context, form SignUp, app string, client Client) (Newcomer, error) {
	first, err := AppForm{Name: app}.check()
	if err != nil {
		return Newcomer{}, err
	}
	var made Newcomer
	made.User, made.Account, err = s.signUp(ctx, form, client, func(c *change) error {
		var err error
		if made.App, made.Secret, err = c.addAppWithKeys(first); err != nil {
			return err
		}
		if err := c.audit(); err != nil {
			return err
		}
		return c.announce(s.engine)
	})
	if err != nil {
		return Newcomer{}, err
	}
	s.nudge()
	return made, nil
}

// CreateAppWithKeys is CreateApp and a publishable and a secret key, all in one. The secret key's text is returned once.
func (s *Store) CreateAppWithKeys(ctx context.Context, scope Scope, form AppForm) (App, auth.Secret, error) {
	form, err := form.check()
	if err != nil {
		return App{}, auth.Secret{}, err
	}
	var app App
	var secret auth.Secret
	err = s.change(ctx, scope, View, "", func(c *change) error {
		if err := c.need(Manage, form.Label); err != nil {
			return err
		}
		app, secret, err = c.addAppWithKeys(form)
		return err
	})
	return app, secret, wrap("create an app", err)
}

// addAppWithKeys writes the audit rows of the app and of its first key; that of the second is left to the end of the change.
func (c *change) addAppWithKeys(form AppForm) (app App, secret auth.Secret, err error) {
	if app, err = c.addApp(form); err != nil {
		return App{}, auth.Secret{}, err
	}
	for _, kind := range []auth.Kind{auth.KindPublishable, auth.KindSecret} {
		if err := c.audit(); err != nil {
			return App{}, auth.Secret{}, err
		}
		c.detail = map[string]any{}
		order, err := KeyForm{Kind: kind}.check(time.Now())
		if err != nil {
			return App{}, auth.Secret{}, err
		}
		var key Key
		if key, secret, err = c.addKey(order, ""); err != nil {
			return App{}, auth.Secret{}, err
		}
		c.did("key.create", key.ID, thisApp)
	}
	return app, secret, nil
}
