package tenant_test

import (
	"errors"
	"testing"

	"halley/auth"
	"halley/tenant"
)

func testNewcomer(t *testing.T, s *tenant.Store) {
	form := tenant.SignUp{Email: "ada@example.com", Password: goodPassword}
	made, err := s.SignUpWithApp(t.Context(), form, "First", tenant.Client{})
	must(t, err)
	login, _, err := s.LogInNew(t.Context(), made.User, tenant.Client{})
	must(t, err)
	scope, err := s.Scope(t.Context(), login, made.Account.ID)
	must(t, err)
	keys, err := s.Keys(t.Context(), scope, made.App.ID)
	must(t, err)
	text, err := auth.ParseKey(made.Secret.Reveal())
	must(t, err)
	kinds := map[auth.Kind]tenant.Key{}
	for _, key := range keys {
		kinds[key.Kind] = key
	}
	if len(keys) != 2 || kinds[auth.KindSecret].ID != text.ID || kinds[auth.KindSecret].Text != "" {
		t.Errorf("keys %+v, want a publishable one and the secret %s without its text", keys, text.ID)
	}
	if public, err := auth.ParseKey(kinds[auth.KindPublishable].Text); err != nil || public.ID != kinds[auth.KindPublishable].ID {
		t.Errorf("the publishable key's text is of %q: %v", public.ID, err)
	}

	// All or nothing: an address that is taken, and a name that an app cannot have, leave nothing behind.
	if _, err := s.SignUpWithApp(t.Context(), form, "Second", tenant.Client{}); !errors.Is(err, tenant.ErrConflict) {
		t.Errorf("sign up twice: %v, want ErrConflict", err)
	}
	form.Email = "bob@example.com"
	var wrong *tenant.InvalidError
	if _, err := s.SignUpWithApp(t.Context(), form, "", tenant.Client{}); !errors.As(err, &wrong) || wrong.Field != "name" {
		t.Errorf("an app without a name: %v, want an InvalidError of the name", err)
	}
	if _, err := s.UserByEmail(t.Context(), "bob@example.com"); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("half a sign-up: %v, want ErrNotFound", err)
	}

	app, secret, err := s.CreateAppWithKeys(t.Context(), scope, tenant.AppForm{Name: "Third"})
	must(t, err)
	if _, err := auth.ParseKey(secret.Reveal()); err != nil || app.Name != "Third" {
		t.Errorf("app %q with a key: %v", app.Name, err)
	}
	if _, _, err := s.CreateAppWithKeys(t.Context(), scope, tenant.AppForm{Name: "Third"}); !errors.Is(err, tenant.ErrConflict) {
		t.Errorf("an app twice: %v, want ErrConflict", err)
	}
	apps, err := s.Apps(t.Context(), scope)
	must(t, err)
	if len(apps) != 2 {
		t.Errorf("%d apps, want 2", len(apps))
	}
}
