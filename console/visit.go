package console

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"halley/tenant"
)

// requestDeadline bounds what a request may wait for the database or a push node.
const requestDeadline = 10 * time.Second

// maxAgent is how much of a browser's own name is kept with a session.
const maxAgent = 200

// visit is what the checks before a handler found out about one request.
type visit struct {
	client tenant.Client
	login  tenant.Login // zero: nobody is logged in
	user   tenant.User
	roles  []tenant.Membership
	apps   []scopedApp // of all accounts of the user
	app    scopedApp   // that of the path, on its routes
}

// scopedApp is an app with the right to work on it.
type scopedApp struct {
	tenant.App
	scope tenant.Scope
}

func (v *visit) requestID() string {
	if v == nil {
		return ""
	}
	return v.client.RequestID
}

func (v *visit) loggedIn() bool { return v.login.UserID() != "" }

func (v *visit) viewer() *viewer { return &viewer{Email: v.user.Email} }

// page begins the page of a signed-in visitor.
func (v *visit) page(title string) page {
	content := page{Title: title, Viewer: v.viewer(), Form: &form{}}
	for _, app := range v.apps {
		content.Apps = append(content.Apps, appItem{ID: app.ID, Name: app.Name})
	}
	if v.app.ID != "" {
		content.App = &appItem{ID: v.app.ID, Name: v.app.Name}
	}
	return content
}

// may refuses what the visitor's role in the app's account does not allow. The store checks changes itself; this is for what does
// not go through it.
func (v *visit) may(permission tenant.Permission) error {
	if v.app.scope.May(permission, v.app.Label) {
		return nil
	}
	return tenant.ErrForbidden
}

// guarded is around everything: headers, deadline, counting, and the last catch.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		for name, values := range s.headers {
			header[name] = values
		}
		ctx, cancel := context.WithTimeout(r.Context(), requestDeadline)
		defer cancel()
		counted := &countingWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			if fault := recover(); fault != nil {
				s.metrics.panics.Inc()
				s.config.Logger.ErrorContext(ctx, "console request panicked", "method", r.Method, "path", r.URL.Path,
					"err", fault, "stack", string(debug.Stack()))
				http.Error(counted, "Something went wrong on our side. Try again.", http.StatusInternalServerError)
			}
			s.metrics.requests.WithLabelValues(fmt.Sprintf("%dxx", counted.status/100)).Inc()
		}()
		next.ServeHTTP(counted, r.WithContext(ctx))
	})
}

// countingWriter remembers the status.
type countingWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader passes the status on.
func (w *countingWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// visiting runs the checks of a route and then its handler.
func (s *Server) visiting(route route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{client: s.client(r)}
		w.Header().Set("X-Request-Id", v.client.RequestID)
		if err := s.identify(r, v); err != nil {
			s.fail(w, r, v, err)
			return
		}
		if err := s.enter(w, r, v, route); err != nil {
			s.fail(w, r, v, err)
		}
	})
}

// enter admits the visitor to the route, or sends them to where they can prove who they are.
func (s *Server) enter(w http.ResponseWriter, r *http.Request, v *visit, route route) error {
	if route.access == forAnybody {
		return route.handle(s, w, r, v)
	}
	if !v.loggedIn() {
		return s.askFor(w, r, "/login")
	}
	if err := s.loadApps(r.Context(), v); err != nil {
		return err
	}
	if route.access == forApp && !v.choose(r.PathValue("app")) {
		return errNoPage
	}
	if route.fresh && !v.login.Confirmed(time.Now()) {
		return s.askFor(w, r, "/reauth")
	}
	return route.handle(s, w, r, v)
}

// askFor sends the visitor to a page that asks for a password and then back to where they were; a form they come back to empty.
func (s *Server) askFor(w http.ResponseWriter, r *http.Request, path string) error {
	if wantsJSON(r) {
		s.writeJSON(w, http.StatusUnauthorized, map[string]any{"error": map[string]any{"message": "Log in again."}})
		return nil
	}
	next := r.URL.RequestURI()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		next = ""
		if referer, err := url.Parse(r.Referer()); err == nil && referer.Host == r.Host {
			next = localPath(referer.RequestURI())
		}
	}
	if next != "" {
		path += "?" + url.Values{"next": {next}}.Encode()
	}
	return s.redirect(w, r, path)
}

// redirect sends the browser on, with GET.
func (s *Server) redirect(w http.ResponseWriter, r *http.Request, path string) error {
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}

func (s *Server) client(r *http.Request) tenant.Client {
	agent := r.UserAgent()
	return tenant.Client{
		IP: s.config.ClientIP(r).String(), RequestID: "req_" + rand.Text()[:16], Agent: agent[:min(len(agent), maxAgent)],
	}
}

// identify finds out who is logged in. A cookie that is not good any more is as good as none.
func (s *Server) identify(r *http.Request, v *visit) error {
	secret := s.sessionSecret(r)
	if secret == "" {
		return nil
	}
	login, err := s.config.Store.Session(r.Context(), secret, v.client)
	if errors.Is(err, tenant.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	v.login = login
	v.user, err = s.config.Store.User(r.Context(), login)
	return err
}

// loadApps reads the apps of all accounts that the visitor is a member of.
func (s *Server) loadApps(ctx context.Context, v *visit) (err error) {
	if v.roles, err = s.config.Store.Memberships(ctx, v.login); err != nil {
		return err
	}
	for _, role := range v.roles {
		scope, err := s.config.Store.Scope(ctx, v.login, role.Account.ID)
		if err != nil {
			return err
		}
		apps, err := s.config.Store.Apps(ctx, scope)
		if err != nil {
			return err
		}
		for _, app := range apps {
			v.apps = append(v.apps, scopedApp{App: app, scope: scope})
		}
	}
	return nil
}

// choose makes the app of that id the visit's. Another account's app is not among the visitor's, like one that does not exist.
func (v *visit) choose(id string) bool {
	for _, app := range v.apps {
		if app.ID == id {
			v.app = app
			return true
		}
	}
	return false
}
