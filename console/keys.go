package console

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"halley/auth"
	"halley/tenant"
)

// keyView is a key as pages show it.
type keyView struct {
	ID         string
	Name       string
	Masked     string // prefix, id and the last four
	Text       string // of a publishable key
	Secret     bool
	Allows     string
	Over       bool // it works no more
	CreatedAt  time.Time
	LastUsedAt time.Time // zero: never
	EndsAt     time.Time // zero: not known to end
}

func viewKey(key tenant.Key, now time.Time) keyView {
	view := keyView{
		ID: key.ID, Name: key.Name, Text: key.Text, Secret: key.Kind == auth.KindSecret, Over: !key.Alive(now),
		CreatedAt: key.CreatedAt, LastUsedAt: key.LastUsedAt, EndsAt: key.ExpiresAt, Allows: "What the rules leave public",
	}
	if !key.RevokedAt.IsZero() && (view.EndsAt.IsZero() || key.RevokedAt.Before(view.EndsAt)) {
		view.EndsAt = key.RevokedAt
	}
	prefix := "hl_pk_"
	if view.Secret {
		prefix, view.Allows = "hl_sk_", allowsText(key.Capability)
	}
	view.Masked = prefix + key.ID + "…" + key.Last4
	return view
}

// allowsText says what a capability allows, as "publish, history on orders:*".
func allowsText(capability auth.Capability) string {
	var parts []string
	rights := capability.Map()
	for _, pattern := range slices.Sorted(maps.Keys(rights)) {
		operations := strings.Join(rights[pattern], ", ")
		if operations == "*" {
			operations = "everything"
		}
		if pattern != "*" {
			operations += " on " + pattern
		}
		parts = append(parts, operations)
	}
	return sentenceCase(cmp.Or(strings.Join(parts, "; "), "nothing"))
}

func (s *Server) keysPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.renderKeys(w, r, http.StatusOK, v, &form{})
}

func (s *Server) renderKeys(w http.ResponseWriter, r *http.Request, status int, v *visit, posted *form) error {
	keys, err := s.config.Store.Keys(r.Context(), v.app.scope, v.app.ID)
	if err != nil {
		return err
	}
	now := time.Now()
	views := make([]keyView, 0, len(keys))
	for _, key := range keys {
		views = append(views, viewKey(key, now))
	}
	slices.SortStableFunc(views, func(a, b keyView) int { // those that work come first, each the newest first
		if a.Over == b.Over {
			return 0
		}
		if a.Over {
			return 1
		}
		return -1
	})
	content := v.page("API keys")
	content.Nav, content.Notice, content.Form = "keys", noticeOf(r), posted
	content.Data = map[string]any{
		"Keys": views, "Operations": operations(), "Locked": s.lockedAt(v, "/apps/"+v.app.ID+"/keys#create"),
		"TryCommand": `curl ` + shellQuote(s.public.String()+"/v1/channels") + ` -u "$HALLEY_KEY:"`,
	}
	s.render(w, r, status, "keys", content)
	return nil
}

// lockedAt is where to come back to after the password was given again, or empty while the last time is recent enough.
func (s *Server) lockedAt(v *visit, path string) string {
	if v.login.Confirmed(time.Now()) {
		return ""
	}
	return path
}

func operations() []string {
	return []string{auth.OpPublish.String(), auth.OpSubscribe.String(), auth.OpPresence.String(), auth.OpHistory.String()}
}

func (s *Server) createKey(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted, err := readForm(w, r)
	if err != nil {
		return err
	}
	order := keyForm(posted)
	if !posted.OK() {
		return s.renderKeys(w, r, http.StatusUnprocessableEntity, v, posted)
	}
	key, secret, err := s.config.Store.CreateKey(r.Context(), v.app.scope, v.app.ID, order)
	if posted.Refuse(err) {
		return s.renderKeys(w, r, http.StatusUnprocessableEntity, v, posted)
	}
	if err != nil {
		return err
	}
	return s.showKey(w, r, v, key, secret, "")
}

// keyForm reads what is asked of a new key.
func keyForm(posted *form) tenant.KeyForm {
	order := tenant.KeyForm{Name: posted.Trimmed("name"), Kind: auth.KindPublishable}
	if order.Name == "" {
		posted.Fault("name", "Give the key a name, so that you know later what uses it.")
	}
	switch posted.Value("kind") {
	case "publishable":
		return order
	case "secret":
		order.Kind = auth.KindSecret
	default:
		posted.Fault("kind", "A key is secret or publishable.")
		return order
	}
	ticked := posted.values["operation"]
	if len(ticked) == 0 {
		posted.Fault("op-publish", "Tick at least one thing that the key may do.")
		return order
	}
	if len(ticked) == len(operations()) {
		ticked = []string{"*"}
	}
	capability, err := auth.ParseCapability(map[string][]string{cmp.Or(posted.Trimmed("pattern"), "*"): ticked})
	if err != nil {
		posted.Fault("pattern", "%s", sentence(strings.TrimPrefix(err.Error(), auth.ErrCapability.Error()+": ")))
	}
	order.Capability = capability
	return order
}

// showKey leads to the page of a new key, which shows its text this once.
func (s *Server) showKey(
	w http.ResponseWriter, r *http.Request, v *visit, key tenant.Key, secret auth.Secret, done string,
) error {
	flash, err := s.config.Store.Hide(r.Context(), v.login, secret)
	if err != nil {
		return err
	}
	path := "/apps/" + v.app.ID + "/keys/" + key.ID + "?reveal=" + flash
	if done != "" {
		path += "&done=" + done
	}
	return s.redirect(w, r, path)
}

func (s *Server) keyPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	secret, err := s.revealed(r, v)
	if err != nil {
		return err
	}
	return s.renderKey(w, r, http.StatusOK, v, &form{}, secret)
}

func (s *Server) renderKey(w http.ResponseWriter, r *http.Request, status int, v *visit, posted *form, secret string) error {
	key, err := s.key(r, v)
	if err != nil {
		return err
	}
	content := v.page(key.Name)
	content.Nav, content.Notice, content.Form = "keys", noticeOf(r), posted
	content.Data = map[string]any{
		"Key": viewKey(key, time.Now()), "Secret": secret, "Overlaps": overlaps(),
		"Locked": s.lockedAt(v, "/apps/"+v.app.ID+"/keys/"+key.ID),
	}
	s.render(w, r, status, "key", content)
	return nil
}

// key is the key of the path.
func (s *Server) key(r *http.Request, v *visit) (tenant.Key, error) {
	keys, err := s.config.Store.Keys(r.Context(), v.app.scope, v.app.ID)
	if err != nil {
		return tenant.Key{}, err
	}
	for _, key := range keys {
		if key.ID == r.PathValue("key") {
			return key, nil
		}
	}
	return tenant.Key{}, errNoPage
}

// choice is an entry of a select box.
type choice struct {
	Value string
	Title string
}

// overlaps are how long a rolled key may work on.
func overlaps() []choice {
	return []choice{{"0s", "now"}, {"1h", "in 1 hour"}, {"24h", "in 24 hours"}, {"168h", "in 7 days"}}
}

func (s *Server) rollKey(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted, err := readForm(w, r)
	if err != nil {
		return err
	}
	chosen := posted.Value("overlap")
	overlap, err := time.ParseDuration(chosen)
	if err != nil || !slices.ContainsFunc(overlaps(), func(c choice) bool { return c.Value == chosen }) {
		posted.Fault("overlap", "Choose when the old key ends.")
		return s.renderKey(w, r, http.StatusUnprocessableEntity, v, posted, "")
	}
	key, secret, err := s.config.Store.RollKey(r.Context(), v.app.scope, v.app.ID, r.PathValue("key"), overlap)
	if wrong := (*tenant.InvalidError)(nil); errors.As(err, &wrong) {
		posted.Fault("overlap", "%s", sentence(wrong.Reason))
		return s.renderKey(w, r, http.StatusUnprocessableEntity, v, posted, "")
	}
	if err != nil {
		return err
	}
	return s.showKey(w, r, v, key, secret, "rolled")
}

func (s *Server) revokeKey(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted, err := readForm(w, r)
	if err != nil {
		return err
	}
	key, err := s.key(r, v)
	if err != nil {
		return err
	}
	if posted.Trimmed("confirm") != strings.TrimSpace(key.Name) {
		posted.Fault("confirm", "Type the name of the key exactly as it is written.")
		return s.renderKey(w, r, http.StatusUnprocessableEntity, v, posted, "")
	}
	if err := s.config.Store.RevokeKey(r.Context(), v.app.scope, v.app.ID, key.ID); err != nil {
		return err
	}
	return s.redirect(w, r, "/apps/"+v.app.ID+"/keys?done=revoked")
}
