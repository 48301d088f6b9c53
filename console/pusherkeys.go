package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"halley/auth"
	"halley/tenant"
)

// bringPusher takes credentials that clients have already, so that they go on with another host alone.
func (s *Server) bringPusher(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted, err := s.manageForm(w, r, v)
	if err != nil {
		return err
	}
	err = s.config.Store.BringPusher(r.Context(), v.app.scope, v.app.ID, tenant.PusherCredentials{
		Number: posted.Trimmed("number"), Key: posted.Trimmed("key"), Secret: auth.NewSecret(posted.Trimmed("secret")),
	})
	fields := map[string]string{"pusher app id": "number", "pusher key": "key", "pusher secret": "bring-secret"}
	if posted.refuseAs(err, fields) {
		return s.renderPusher(w, r, http.StatusUnprocessableEntity, v, posted)
	}
	if err != nil {
		return err
	}
	return s.redirect(w, r, "/apps/"+v.app.ID+"/pusher?done=pusher-brought")
}

func (s *Server) createPusherKey(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted, err := s.manageForm(w, r, v)
	if err != nil {
		return err
	}
	_, err = s.config.Store.AddPusherKey(r.Context(), v.app.scope, v.app.ID)
	if posted.Refuse(err) {
		return s.renderPusher(w, r, http.StatusUnprocessableEntity, v, posted)
	}
	if err != nil {
		return err
	}
	return s.redirect(w, r, "/apps/"+v.app.ID+"/pusher?done=pusher-key")
}

func (s *Server) pusherKeyPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	secret, err := s.revealed(r, v)
	if err != nil {
		return err
	}
	return s.renderPusherKey(w, r, http.StatusOK, v, &form{}, secret)
}

func (s *Server) renderPusherKey(w http.ResponseWriter, r *http.Request, status int, v *visit, posted *form, secret string) error {
	app, err := s.config.Store.Pusher(r.Context(), v.app.scope, v.app.ID)
	if err != nil {
		return err
	}
	key, err := s.pusherKey(r, v)
	if err != nil {
		return err
	}
	snippets, err := s.pushers.Fill(newPusherInput(s.public, app.Number, key.Key, secret))
	if err != nil {
		return err
	}
	content := v.page("Key " + key.Key)
	content.Nav, content.Notice, content.Form = "pusher", noticeOf(r), posted
	content.Data = map[string]any{
		"Key": viewPusherKey(key, time.Now()), "Number": app.Number, "Secret": secret, "Snippets": snippets, "Overlaps": overlaps(),
		"Manages": v.may(tenant.Manage) == nil, "Locked": s.lockedAt(v, pusherKeyPath(v, key.Key)),
	}
	s.render(w, r, status, "pusherkey", content)
	return nil
}

// pusherKey is the key of the path.
func (s *Server) pusherKey(r *http.Request, v *visit) (tenant.PusherKey, error) {
	keys, err := s.config.Store.PusherKeys(r.Context(), v.app.scope, v.app.ID)
	if err != nil {
		return tenant.PusherKey{}, err
	}
	for _, key := range keys {
		if key.Key == r.PathValue("pusher") {
			return key, nil
		}
	}
	return tenant.PusherKey{}, errNoPage
}

func pusherKeyPath(v *visit, key string) string {
	return "/apps/" + v.app.ID + "/pusher/keys/" + url.PathEscape(key)
}

// showPusherSecret leads back to the key's page, which shows the secret this once. It can be asked for again: each time is written down.
func (s *Server) showPusherSecret(w http.ResponseWriter, r *http.Request, v *visit) error {
	if _, err := s.manageForm(w, r, v); err != nil {
		return err
	}
	key := r.PathValue("pusher")
	secret, err := s.config.Store.PusherSecret(r.Context(), v.app.scope, v.app.ID, key)
	if err != nil {
		return err
	}
	return s.toPusherSecret(w, r, v, key, secret, "")
}

func (s *Server) toPusherSecret(w http.ResponseWriter, r *http.Request, v *visit, key string, secret auth.Secret, done string) error {
	flash, err := s.config.Store.Hide(r.Context(), v.login, secret)
	if err != nil {
		return err
	}
	path := pusherKeyPath(v, key) + "?reveal=" + flash
	if done != "" {
		path += "&done=" + done
	}
	return s.redirect(w, r, path)
}

func (s *Server) rollPusherKey(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted, err := s.manageForm(w, r, v)
	if err != nil {
		return err
	}
	chosen := posted.Value("overlap")
	overlap, err := time.ParseDuration(chosen)
	if err != nil || !slices.ContainsFunc(overlaps(), func(c choice) bool { return c.Value == chosen }) {
		posted.Fault("overlap", "Choose when the old key ends.")
		return s.renderPusherKey(w, r, http.StatusUnprocessableEntity, v, posted, "")
	}
	fresh, err := s.config.Store.RollPusherKey(r.Context(), v.app.scope, v.app.ID, r.PathValue("pusher"), overlap)
	if wrong := (*tenant.InvalidError)(nil); errors.As(err, &wrong) {
		posted.Fault("overlap", "%s", sentence(wrong.Reason))
		return s.renderPusherKey(w, r, http.StatusUnprocessableEntity, v, posted, "")
	}
	if err != nil {
		return err
	}
	return s.toPusherSecret(w, r, v, fresh.Key, fresh.Secret, "rolled")
}

func (s *Server) revokePusherKey(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted, err := s.manageForm(w, r, v)
	if err != nil {
		return err
	}
	key, err := s.pusherKey(r, v)
	if err != nil {
		return err
	}
	if strings.TrimSpace(posted.Value("confirm")) != key.Key {
		posted.Fault("confirm", "Type the key exactly as it is written.")
		return s.renderPusherKey(w, r, http.StatusUnprocessableEntity, v, posted, "")
	}
	if err := s.config.Store.RevokePusherKey(r.Context(), v.app.scope, v.app.ID, key.Key); err != nil {
		return err
	}
	return s.redirect(w, r, "/apps/"+v.app.ID+"/pusher?done=revoked")
}
