package console

import (
	"errors"
	"net/http"
	"strings"

	"halley/tenant"
)

// wrongPassword is the one answer for an unknown address and for a wrong password.
const wrongPassword = "The address and the password do not belong together."

// home leads to the apps, or to the door.
func (s *Server) home(w http.ResponseWriter, r *http.Request, v *visit) error {
	switch {
	case v.loggedIn():
		return s.redirect(w, r, "/apps")
	case s.config.SignUp == SignUpOpen:
		return s.redirect(w, r, "/signup")
	}
	return s.redirect(w, r, "/login")
}

func (s *Server) static(w http.ResponseWriter, r *http.Request, _ *visit) error {
	if !s.assets.serve(w, r, r.PathValue("file")) {
		return errNoPage
	}
	return nil
}

func (s *Server) logInPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	if v.loggedIn() {
		return s.redirect(w, r, "/apps")
	}
	posted := &form{values: map[string][]string{"next": {localPath(r.URL.Query().Get("next"))}}}
	s.render(w, r, http.StatusOK, "login", page{Title: "Log in", Form: posted, Notice: noticeOf(r)})
	return nil
}

func (s *Server) logIn(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted, err := readForm(w, r)
	if err != nil {
		return err
	}
	email := posted.Trimmed("email")
	if err := s.admit(r, email); err != nil {
		s.metrics.logins.WithLabelValues("throttled").Inc()
		return err
	}
	login, secret, err := s.config.Store.LogIn(r.Context(), email, posted.Value("password"), v.client)
	if errors.Is(err, tenant.ErrCredentials) {
		s.metrics.logins.WithLabelValues("wrong").Inc()
		s.throttle.Failed(accountKey(email))
		posted.Fault("email", wrongPassword)
		s.render(w, r, http.StatusUnprocessableEntity, "login", page{Title: "Log in", Form: posted})
		return nil
	}
	if err != nil {
		s.metrics.logins.WithLabelValues("failed").Inc()
		return err
	}
	s.throttle.Succeeded(accountKey(email))
	if done, err := s.holdUnconfirmed(w, r, login); done || err != nil {
		return err
	}
	s.metrics.logins.WithLabelValues("ok").Inc()
	if err := s.endEarlier(r, v); err != nil {
		return err
	}
	s.setCookie(w, secret.Reveal())
	return s.redirect(w, r, orApps(localPath(posted.Value("next"))))
}

// endEarlier ends the session that the browser came with: a log-in never goes on with a secret from before it.
func (s *Server) endEarlier(r *http.Request, v *visit) error {
	if !v.loggedIn() {
		return nil
	}
	return s.config.Store.EndSession(r.Context(), v.login, v.login.SessionID())
}

func (s *Server) logOut(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := s.endEarlier(r, v); err != nil {
		return err
	}
	s.dropCookie(w)
	return s.redirect(w, r, "/login")
}

// reauthPage asks for the password again before something that a borrowed browser must not do.
func (s *Server) reauthPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted := &form{values: map[string][]string{"next": {localPath(r.URL.Query().Get("next"))}}}
	s.renderReauth(w, r, http.StatusOK, v, posted)
	return nil
}

func (s *Server) renderReauth(w http.ResponseWriter, r *http.Request, status int, v *visit, posted *form) {
	data := map[string]any{"Back": orApps(localPath(posted.Value("next")))}
	s.render(w, r, status, "reauth", page{Title: "Is it still you?", Viewer: v.viewer(), Form: posted, Data: data})
}

func (s *Server) reauth(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted, err := readForm(w, r)
	if err != nil {
		return err
	}
	if err := s.admit(r, v.user.Email); err != nil {
		return err
	}
	_, secret, err := s.config.Store.Confirm(r.Context(), v.login, posted.Value("password"))
	if errors.Is(err, tenant.ErrCredentials) {
		s.throttle.Failed(accountKey(v.user.Email))
		posted.Fault("password", "This is not your password.")
		s.renderReauth(w, r, http.StatusUnprocessableEntity, v, posted)
		return nil
	}
	if err != nil {
		return err
	}
	s.throttle.Succeeded(accountKey(v.user.Email))
	s.setCookie(w, secret.Reveal())
	return s.redirect(w, r, orApps(localPath(posted.Value("next"))))
}

// admit holds guessing down, per address of the network and per account, before anything is looked up.
func (s *Server) admit(r *http.Request, email string) error {
	if err := s.admitAddress(r); err != nil {
		return err
	}
	return s.throttle.Account(accountKey(email))
}

func (s *Server) admitAddress(r *http.Request) error {
	if wait := s.throttle.Address(s.config.ClientIP(r)); wait > 0 {
		return &throttled{RetryAfter: wait}
	}
	return nil
}

// accountKey is an address as the throttle counts it.
func accountKey(email string) string {
	key := strings.ToLower(strings.TrimSpace(email))
	return key[:min(len(key), 254)] // the longest address there is: RFC 5321
}

// localPath keeps the path of a page of ours, and drops everything that a browser could take for another site.
func localPath(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t\x00") {
		return ""
	}
	return path
}

func orApps(path string) string {
	if path == "" {
		return "/apps"
	}
	return path
}
