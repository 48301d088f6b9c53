package console

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"halley/tenant"
)

// sessionView is a session as the page shows it.
type sessionView struct {
	ID      string
	Agent   string
	Address string
	SeenAt  time.Time
	Current bool
}

func (s *Server) accountPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.renderAccount(w, r, http.StatusOK, v, &form{})
}

func (s *Server) renderAccount(w http.ResponseWriter, r *http.Request, status int, v *visit, posted *form) error {
	sessions, err := s.config.Store.Sessions(r.Context(), v.login)
	if err != nil {
		return err
	}
	var views []sessionView
	for _, session := range sessions {
		views = append(views, sessionView{
			ID: session.ID, Agent: browserName(session.Agent), Address: session.IP, SeenAt: session.SeenAt,
			Current: session.ID == v.login.SessionID(),
		})
	}
	content := v.page("My account")
	content.Notice, content.Form, content.Data = noticeOf(r), posted, map[string]any{"Sessions": views}
	s.render(w, r, status, "account", content)
	return nil
}

// changePassword asks for the present one, and ends all other sessions.
func (s *Server) changePassword(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted, err := readForm(w, r)
	if err != nil {
		return err
	}
	if err := s.admit(r, v.user.Email); err != nil {
		return err
	}
	current, fresh := posted.Value("current"), posted.Value("password")
	err = s.config.Store.ChangePassword(r.Context(), v.login, current, fresh)
	if errors.Is(err, tenant.ErrCredentials) {
		s.throttle.Failed(accountKey(v.user.Email))
		posted.Fault("current", "This is not your password.")
	} else if !posted.Refuse(err) && err != nil {
		return err
	}
	if !posted.OK() {
		return s.renderAccount(w, r, http.StatusUnprocessableEntity, v, posted)
	}
	s.throttle.Succeeded(accountKey(v.user.Email))
	// A new secret for this session as well: one that was stolen before is dead.
	_, secret, err := s.config.Store.Confirm(r.Context(), v.login, fresh)
	if err != nil {
		return err
	}
	s.setCookie(w, secret.Reveal())
	return s.redirect(w, r, "/account?done=password")
}

func (s *Server) endSession(w http.ResponseWriter, r *http.Request, v *visit) error {
	id := r.PathValue("session")
	sessions, err := s.config.Store.Sessions(r.Context(), v.login)
	if err != nil {
		return err
	}
	for _, session := range sessions {
		if session.ID != id {
			continue
		}
		if err := s.config.Store.EndSession(r.Context(), v.login, id); err != nil {
			return err
		}
		return s.redirect(w, r, "/account?done=session")
	}
	return errNoPage
}

// browserName makes "Firefox on Linux" of what a browser says of itself. What it does not know it shows as it is.
func browserName(agent string) string {
	name, system := "", ""
	for _, known := range []struct{ mark, name string }{ // in this order: most browsers also name others
		{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"},
		{"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"},
	} {
		if strings.Contains(agent, known.mark) {
			name = known.name
			break
		}
	}
	for _, known := range []struct{ mark, name string }{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"},
		{"Windows", "Windows"}, {"Macintosh", "macOS"}, {"Linux", "Linux"},
	} {
		if strings.Contains(agent, known.mark) {
			system = known.name
			break
		}
	}
	switch {
	case name != "" && system != "":
		return name + " on " + system
	case name != "":
		return name
	case agent == "":
		return "Unknown browser"
	}
	return agent
}
