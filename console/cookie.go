package console

import (
	"net/http"
)

// The names of the session's cookie. With __Host- a browser takes it only over HTTPS, for the whole site and no other, so that no
// sister domain can plant one; over plain HTTP browsers drop such a cookie, and the plain name has to do.
const (
	cookieSecure = "__Host-halley_session"
	cookiePlain  = "halley_session"
)

func (s *Server) secure() bool { return s.public.Scheme == "https" }

func (s *Server) cookieName() string {
	if s.secure() {
		return cookieSecure
	}
	return cookiePlain
}

// setCookie gives the browser a session's secret. The cookie has no age: the store ends sessions.
func (s *Server) setCookie(w http.ResponseWriter, secret string) {
	http.SetCookie(w, s.cookie(secret, 0))
}

func (s *Server) dropCookie(w http.ResponseWriter) {
	http.SetCookie(w, s.cookie("", -1))
}

func (s *Server) cookie(value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: s.cookieName(), Value: value, Path: "/", MaxAge: age,
		Secure: s.secure(), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// sessionSecret is what the browser's cookie holds, or empty. Of several cookies of the name none is trusted: one of them was
// planted.
func (s *Server) sessionSecret(r *http.Request) string {
	cookies := r.CookiesNamed(s.cookieName())
	if len(cookies) != 1 {
		return ""
	}
	return cookies[0].Value
}
