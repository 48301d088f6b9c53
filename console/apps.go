package console

import (
	"errors"
	"net/http"
	"time"

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
	app, secret, err := s.config.Store.CreateAppWithKeys(r.Context(), scope, tenant.AppForm{Name: posted.Trimmed("name")})
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
	flash, err := s.config.Store.Hide(r.Context(), v.login, secret)
	if err != nil {
		return err
	}
	return s.redirect(w, r, "/apps/"+app.ID+"?reveal="+flash)
}

// welcome logs a new user in and leads to the page of their first app, which shows its secret key once.
func (s *Server) welcome(w http.ResponseWriter, r *http.Request, v *visit, made tenant.Newcomer) error {
	if err := s.endEarlier(r, v); err != nil {
		return err
	}
	login, cookie, err := s.config.Store.LogInNew(r.Context(), made.User, v.client)
	if err != nil {
		return err
	}
	s.setCookie(w, cookie.Reveal())
	flash, err := s.config.Store.Hide(r.Context(), login, made.Secret)
	if err != nil {
		return err
	}
	return s.redirect(w, r, "/apps/"+made.App.ID+"?reveal="+flash)
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
