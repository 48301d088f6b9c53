package console

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"time"

	"halley/auth"
	"halley/tenant"
)

// keySetID stands for the app's key set among its token keys: an app has one address of keys.
const keySetID = "jwks"

// tokenKeyView is a row of the table of token keys.
type tokenKeyView struct {
	ID        string
	Kind      string
	URL       string
	CreatedAt time.Time
}

func (s *Server) settingsPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	secret, err := s.revealed(r, v)
	if err != nil {
		return err
	}
	return s.renderSettings(w, r, http.StatusOK, v, &form{}, secret)
}

func (s *Server) renderSettings(w http.ResponseWriter, r *http.Request, status int, v *visit, posted *form, secret string) error {
	keys, err := s.config.Store.TokenKeys(r.Context(), v.app.scope, v.app.ID)
	if err != nil {
		return err
	}
	var views []tokenKeyView
	for _, key := range keys {
		views = append(views, tokenKeyView{ID: key.ID, Kind: "HS256 secret", CreatedAt: key.CreatedAt})
	}
	if v.app.JWKSURL != "" {
		views = append(views, tokenKeyView{ID: keySetID, Kind: "Key set", URL: v.app.JWKSURL})
	}
	data := map[string]any{
		"Name": v.app.Name, "Origins": strings.Join(v.app.Origins, "\n"), "TokenKeys": views, "Secret": secret,
		"Locked": s.lockedAt(v, "/apps/"+v.app.ID+"/settings#signing"),
		"TokenCommand": `curl ` + shellQuote(s.public.String()+"/v1/tokens") +
			` -u "$HALLEY_KEY:" -H 'Content-Type: application/json' -d '{"capabilities": {"room:*": ["subscribe"]}}'`,
	}
	for field, name := range map[string]string{"name": "Name", "origins": "Origins"} {
		if posted.values.Has(field) {
			data[name] = posted.Value(field)
		}
	}
	content := v.page("Settings")
	content.Nav, content.Notice, content.Form, content.Data = "settings", noticeOf(r), posted, data
	s.render(w, r, status, "settings", content)
	return nil
}

func (s *Server) renameApp(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.updateApp(w, r, v, "renamed", func(posted *form, app *tenant.AppForm) { app.Name = posted.Trimmed("name") })
}

func (s *Server) setOrigins(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.updateApp(w, r, v, "origins", func(posted *form, app *tenant.AppForm) {
		app.Origins = strings.FieldsFunc(posted.Value("origins"), func(c rune) bool { return c == '\n' || c == '\r' })
	})
}

func (s *Server) addTokenURL(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.updateApp(w, r, v, "token-key", func(posted *form, app *tenant.AppForm) {
		if app.JWKSURL = posted.Trimmed("jwks"); app.JWKSURL == "" {
			posted.Fault("jwks", "Write the address of your key set.")
		} else if _, err := s.config.Dial.CheckURL(app.JWKSURL); err != nil {
			// Said here, for the fetch itself is nobody's request: the customer would only see tokens refused.
			reason := strings.TrimPrefix(err.Error(), auth.ErrAddressRefused.Error()+": ")
			posted.Fault("jwks", "%s", sentence(reason))
		}
	})
}

// updateApp changes one part of the app and leaves the rest as it is.
func (s *Server) updateApp(
	w http.ResponseWriter, r *http.Request, v *visit, done string, edit func(*form, *tenant.AppForm),
) error {
	posted, err := readForm(w, r)
	if err != nil {
		return err
	}
	app := v.app.Form()
	edit(posted, &app)
	if posted.OK() {
		err = s.config.Store.UpdateApp(r.Context(), v.app.scope, v.app.ID, app)
		if errors.Is(err, tenant.ErrConflict) {
			posted.Fault("name", "There is an app of this name already.")
		} else if !posted.refuseAs(err, map[string]string{"jwks_url": "jwks"}) && err != nil {
			return err
		}
	}
	if !posted.OK() {
		return s.renderSettings(w, r, http.StatusUnprocessableEntity, v, posted, "")
	}
	return s.redirect(w, r, "/apps/"+v.app.ID+"/settings?done="+done)
}

// addTokenSecret adds a secret with which the customer signs tokens: theirs, or one made here and shown once.
func (s *Server) addTokenSecret(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted, err := readForm(w, r)
	if err != nil {
		return err
	}
	secret := posted.Value("shared")
	made := secret == ""
	if made {
		secret = rand.Text() + rand.Text() // 260 bits
	}
	id := "hs_" + strings.ToLower(rand.Text()[:10])
	err = s.config.Store.AddTokenKey(r.Context(), v.app.scope, v.app.ID, id, auth.NewSecret(secret))
	if posted.refuseAs(err, map[string]string{"secret": "shared", "id": "shared"}) {
		return s.renderSettings(w, r, http.StatusUnprocessableEntity, v, posted, "")
	}
	if err != nil {
		return err
	}
	next := "/apps/" + v.app.ID + "/settings?done=token-key"
	if made {
		flash, err := s.config.Store.Hide(r.Context(), v.login, auth.NewSecret(secret))
		if err != nil {
			return err
		}
		next += "&reveal=" + flash
	}
	return s.redirect(w, r, next)
}

func (s *Server) removeTokenKey(w http.ResponseWriter, r *http.Request, v *visit) error {
	id := r.PathValue("key")
	var err error
	if id == keySetID {
		app := v.app.Form()
		if app.JWKSURL == "" {
			return errNoPage
		}
		app.JWKSURL = ""
		err = s.config.Store.UpdateApp(r.Context(), v.app.scope, v.app.ID, app)
	} else {
		err = s.config.Store.DeleteTokenKey(r.Context(), v.app.scope, v.app.ID, id)
	}
	if err != nil {
		return err
	}
	return s.redirect(w, r, "/apps/"+v.app.ID+"/settings?done=token-key-removed")
}
