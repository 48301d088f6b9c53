package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"halley/auth"
	"halley/tenant"
)

// firstApp is the name of the app that comes with an account.
const firstApp = "My first app"

func (s *Server) signUpPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	if v.loggedIn() {
		return s.redirect(w, r, "/apps")
	}
	if s.config.SignUp != SignUpOpen {
		return errNoPage
	}
	s.renderSignUp(w, r, http.StatusOK, &form{})
	return nil
}

func (s *Server) renderSignUp(w http.ResponseWriter, r *http.Request, status int, posted *form) {
	s.render(w, r, status, "signup", page{Title: "Create your account", Form: posted})
}

// signUp makes a user, an account, an app and its keys, and leads to the app's page, where the secret key is shown this once.
func (s *Server) signUp(w http.ResponseWriter, r *http.Request, v *visit) error {
	if s.config.SignUp != SignUpOpen {
		return errNoPage
	}
	posted, err := readForm(w, r)
	if err != nil {
		return err
	}
	if err := s.admitAddress(r); err != nil {
		s.metrics.signups.WithLabelValues("throttled").Inc()
		return err
	}
	email := posted.Trimmed("email")
	who := tenant.SignUp{Email: email, Password: posted.Value("password")}
	made, err := s.config.Store.SignUpWithApp(r.Context(), who, firstApp, v.client)
	if posted.Refuse(err) {
		s.renderSignUp(w, r, http.StatusUnprocessableEntity, posted)
		return nil
	}
	if errors.Is(err, tenant.ErrConflict) {
		s.metrics.signups.WithLabelValues("taken").Inc()
		s.postbox.Drop(s.takenLetter(email))
		s.renderSignUpMail(w, r, email)
		return nil
	}
	if err != nil {
		return err
	}
	s.metrics.signups.WithLabelValues("ok").Inc()
	if s.config.ConfirmMail {
		s.postbox.Drop(s.confirmLetter(made.User.Email))
		s.renderSignUpMail(w, r, email)
		return nil
	}
	return s.welcome(w, r, v, made)
}

// renderSignUpMail answers who signs up with a mail: the same for an address that is new and for one that is taken.
func (s *Server) renderSignUpMail(w http.ResponseWriter, r *http.Request, email string) {
	s.renderCheckMail(w, r, "We have written to "+email+". The mail says how to go on.")
}

// takenLetter tells the owner of an address that somebody tried to sign up with it.
func (s *Server) takenLetter(email string) letter {
	const kind = "taken"
	key := accountKey(email)
	return func(context.Context) (*draft, error) {
		if !s.mayMail(kind, key) {
			return nil, nil
		}
		unsent := func(context.Context) error {
			s.mails.GiveBack(kind, key)
			return nil
		}
		return &draft{Mail: s.takenMail(email), unsent: unsent}, nil
	}
}

func (s *Server) takenMail(email string) Mail {
	return Mail{To: email, Subject: "You have an account with Halley already", Body: fmt.Sprintf(
		"Somebody, probably you, tried to sign up at %s with this address, which has an account already.\n\n"+
			"Log in:\n%s/login\n\nSet a new password:\n%s/reset\n", s.public, s.public, s.public)}
}

func (s *Server) confirmLetter(email string) letter {
	return func(ctx context.Context) (*draft, error) {
		mail, err := s.linkDraft(ctx, tenant.PurposeVerify, email, s.confirmMail)
		if errors.Is(err, errWithheld) {
			return nil, nil
		}
		return mail, err
	}
}

func (s *Server) confirmMail(user tenant.User, token auth.Secret) Mail {
	link := s.link("/confirm", token.Reveal())
	return Mail{To: user.Email, Subject: "Confirm your address for Halley", Link: link, Body: fmt.Sprintf(
		"Follow this link within 24 hours to confirm your address and begin:\n\n%s\n\n"+
			"If you did not sign up at %s, do nothing.\n", link, s.public)}
}

// confirmPage shows a button and uses nothing up: mail scanners follow links.
func (s *Server) confirmPage(w http.ResponseWriter, r *http.Request, _ *visit) error {
	s.renderConfirm(w, r, http.StatusOK, r.URL.Query().Get("token"), &form{})
	return nil
}

func (s *Server) renderConfirm(w http.ResponseWriter, r *http.Request, status int, token string, posted *form) {
	s.render(w, r, status, "confirm", page{Title: "Confirm your address", Form: posted, Data: map[string]any{"Token": token}})
}

func (s *Server) confirm(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted, err := readForm(w, r)
	if err != nil {
		return err
	}
	if err := s.admitAddress(r); err != nil {
		return err
	}
	err = s.config.Store.VerifyEmail(r.Context(), posted.Value("token"), v.client)
	if errors.Is(err, tenant.ErrNotFound) {
		posted.Fault("", "This link is not good: it or another was used already, it is older than 24 hours, or "+
			"three newer ones were sent. Log in to get another.")
		s.renderConfirm(w, r, http.StatusUnprocessableEntity, posted.Value("token"), posted)
		return nil
	}
	if err != nil {
		return err
	}
	return s.redirect(w, r, "/login?done=confirmed")
}

// holdUnconfirmed sends who has logged in with an address that must be confirmed first to their mail instead. It reports whether
// it has answered.
func (s *Server) holdUnconfirmed(w http.ResponseWriter, r *http.Request, login tenant.Login) (bool, error) {
	if !s.config.ConfirmMail {
		return false, nil
	}
	user, err := s.config.Store.User(r.Context(), login)
	if err != nil || !user.VerifiedAt.IsZero() {
		return false, err
	}
	if err := s.config.Store.EndSession(r.Context(), login, login.SessionID()); err != nil {
		return false, err
	}
	s.postbox.Drop(s.confirmLetter(user.Email))
	s.renderSignUpMail(w, r, user.Email)
	return true, nil
}
