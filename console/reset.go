package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"halley/auth"
	"halley/tenant"
)

func (s *Server) resetPage(w http.ResponseWriter, r *http.Request, _ *visit) error {
	s.render(w, r, http.StatusOK, "reset", page{Title: "Reset your password", Form: &form{}})
	return nil
}

// reset mails a link. The answer is the same whether or not somebody has the address.
func (s *Server) reset(w http.ResponseWriter, r *http.Request, _ *visit) error {
	posted, err := readForm(w, r)
	if err != nil {
		return err
	}
	if err := s.admitAddress(r); err != nil {
		return err
	}
	email, err := tenant.CheckEmail(posted.Value("email"))
	if posted.Refuse(err) {
		s.render(w, r, http.StatusUnprocessableEntity, "reset", page{Title: "Reset your password", Form: posted})
		return nil
	}
	if err != nil {
		return err
	}
	s.postbox.Drop(s.resetLetter(email))
	s.renderCheckMail(w, r,
		"If "+email+" has an account, a link to set a new password is on its way there. It is good for 30 minutes.")
	return nil
}

// resetLetter is the mail with the link, or none where nobody has the address.
func (s *Server) resetLetter(email string) letter {
	return func(ctx context.Context) (*draft, error) {
		mail, err := s.linkDraft(ctx, tenant.PurposeReset, email, s.resetMail)
		if errors.Is(err, tenant.ErrNotFound) || errors.Is(err, errWithheld) {
			return nil, nil
		}
		return mail, err
	}
}

func (s *Server) resetMail(user tenant.User, token auth.Secret) Mail {
	link := s.link("/reset/password", token.Reveal())
	return Mail{To: user.Email, Subject: "Set a new password for Halley", Link: link, Body: fmt.Sprintf(
		"Somebody, probably you, asked for a new password for your account at %s.\n\n"+
			"Follow this link within 30 minutes to choose one:\n\n%s\n\n"+
			"If it was not you, do nothing: your password stays as it is.\n",
		s.public, link)}
}

// resetPasswordPage shows the form and uses nothing up: mail scanners follow links.
func (s *Server) resetPasswordPage(w http.ResponseWriter, r *http.Request, _ *visit) error {
	s.renderResetPassword(w, r, http.StatusOK, r.URL.Query().Get("token"), &form{})
	return nil
}

func (s *Server) renderResetPassword(w http.ResponseWriter, r *http.Request, status int, token string, posted *form) {
	data := map[string]any{"Token": token}
	s.render(w, r, status, "resetpassword", page{Title: "Choose a new password", Form: posted, Data: data})
}

func (s *Server) resetPassword(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted, err := readForm(w, r)
	if err != nil {
		return err
	}
	if err := s.admitAddress(r); err != nil {
		return err
	}
	token := posted.Value("token")
	login, secret, err := s.config.Store.ResetPassword(r.Context(), token, posted.Value("password"), v.client)
	if errors.Is(err, tenant.ErrNotFound) {
		posted.Fault("", "This link is not good: it or another was used already, it is older than 30 minutes, or "+
			"three newer ones were sent. Ask for another.")
	}
	if !posted.Refuse(err) && posted.OK() && err != nil {
		return err
	}
	if !posted.OK() {
		s.renderResetPassword(w, r, http.StatusUnprocessableEntity, token, posted)
		return nil
	}
	user, err := s.config.Store.User(r.Context(), login)
	if err != nil {
		return err
	}
	s.throttle.Succeeded(accountKey(user.Email))
	s.setCookie(w, secret.Reveal())
	return s.redirect(w, r, "/apps?done=password")
}

// renderCheckMail is the one answer of all that send mail.
func (s *Server) renderCheckMail(w http.ResponseWriter, r *http.Request, text string) {
	_, logOnly := s.config.Mailer.(LogMailer)
	data := map[string]any{"Text": text, "LogOnly": logOnly}
	s.render(w, r, http.StatusOK, "checkmail", page{Title: "Check your mail", Data: data})
}

// link is an address with a token in its query, which no log of ours keeps but LogMailer's.
func (s *Server) link(path, token string) string {
	return s.public.String() + path + "?" + url.Values{"token": {token}}.Encode()
}
