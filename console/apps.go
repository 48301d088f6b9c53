package console

import (
	"errors"
	"net/http"
	"time"

	"halley/auth"
	"halley/tenant"
)

// appCard is an app in the list.
type appCard struct {
	ID        string
	Name      string
	Keys      int
	CreatedAt time.Time
}

func (s *Server) appsPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	now := time.Now()
	cards := make([]appCard, 0, len(v.apps))
	for _, app := range v.apps {
		keys, err := s.config.Store.Keys(r.Context(), app.scope, app.ID)
		if err != nil {
			return err
		}
		card := appCard{ID: app.ID, Name: app.Name, CreatedAt: app.CreatedAt}
		for _, key := range keys {
			if key.Alive(now) {
				card.Keys++
			}
		}
		cards = append(cards, card)
	}
	account := ""
	if len(v.roles) > 0 {
		account = v.roles[0].Account.Name
	}
	content := v.page("Apps")
	content.Notice = noticeOf(r)
	content.Data = map[string]any{"Cards": cards, "Account": account}
	s.render(w, r, http.StatusOK, "apps", content)
	return nil
}

func (s *Server) newAppPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	s.render(w, r, http.StatusOK, "newapp", v.page("New app"))
	return nil
}

func (s *Server) createApp(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted, err := readForm(w, r)
	if err != nil {
		return err
	}
	if len(v.roles) == 0 {
		return tenant.ErrForbidden // a user who was removed from every account
	}
	scope, err := s.config.Store.Scope(r.Context(), v.login, v.roles[0].Account.ID)
	if err != nil {
		return err
	}
	next, err := s.makeApp(r, v.login, scope, posted.Trimmed("name"))
	if errors.Is(err, tenant.ErrConflict) {
		posted.Fault("name", "There is an app of this name already.")
	} else if !posted.Refuse(err) && err != nil {
		return err
	}
	if !posted.OK() {
		content := v.page("New app")
		content.Form = posted
		s.render(w, r, http.StatusUnprocessableEntity, "newapp", content)
		return nil
	}
	return s.redirect(w, r, next)
}

// welcome logs a new user in, makes their first app, and leads to its page.
func (s *Server) welcome(w http.ResponseWriter, r *http.Request, v *visit, user tenant.User, account tenant.Account) error {
	if err := s.endEarlier(r, v); err != nil {
		return err
	}
	login, secret, err := s.config.Store.LogInNew(r.Context(), user, v.client)
	if err != nil {
		return err
	}
	s.setCookie(w, secret.Reveal())
	scope, err := s.config.Store.Scope(r.Context(), login, account.ID)
	if err != nil {
		return err
	}
	next, err := s.makeApp(r, login, scope, firstApp)
	if err != nil {
		return err
	}
	return s.redirect(w, r, next)
}

// makeApp makes an app with a secret and a publishable key, and returns the address of its page, which shows the secret once.
func (s *Server) makeApp(r *http.Request, login tenant.Login, scope tenant.Scope, name string) (path string, err error) {
	app, err := s.config.Store.CreateApp(r.Context(), scope, tenant.AppForm{Name: name})
	if err != nil {
		return "", err
	}
	if _, _, err := s.config.Store.CreateKey(r.Context(), scope, app.ID, tenant.KeyForm{Kind: auth.KindPublishable}); err != nil {
		return "", err
	}
	_, secret, err := s.config.Store.CreateKey(r.Context(), scope, app.ID, tenant.KeyForm{Kind: auth.KindSecret})
	if err != nil {
		return "", err
	}
	flash, err := s.config.Store.Hide(r.Context(), login, secret)
	if err != nil {
		return "", err
	}
	return "/apps/" + app.ID + "?reveal=" + flash, nil
}

// revealed is the secret that the address of the page names, this once; empty where there is none any more.
func (s *Server) revealed(r *http.Request, v *visit) (string, error) {
	flash := r.URL.Query().Get("reveal")
	if flash == "" || r.Method != http.MethodGet {
		return "", nil
	}
	secret, err := s.config.Store.Reveal(r.Context(), v.login, flash)
	if errors.Is(err, tenant.ErrNotFound) {
		return "", nil
	}
	return secret.Reveal(), err
}
