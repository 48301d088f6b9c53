package console

import (
	"net/http"
	"strconv"
	"time"

	"halley/tenant"
)

// pusherData is what the screen of the Pusher protocol shows.
type pusherData struct {
	App      tenant.PusherApp
	Keys     []pusherKeyView
	Key      string    // the newest that works; empty: none
	Snippets []Snippet // with that key
	Host     string
	Manages  bool   // the visitor's role lets them change what is here
	Locked   string // where to give the password again; empty: it is fresh
}

// pusherKeyView is a key of the protocol as pages show it.
type pusherKeyView struct {
	Key       string
	Over      bool // it works no more
	CreatedAt time.Time
	EndsAt    time.Time // zero: not known to end
}

func viewPusherKey(key tenant.PusherKey, now time.Time) pusherKeyView {
	return pusherKeyView{Key: key.Key, Over: !key.Alive(now), CreatedAt: key.CreatedAt, EndsAt: key.RevokedAt}
}

func (s *Server) pusherPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.renderPusher(w, r, http.StatusOK, v, &form{})
}

func (s *Server) renderPusher(w http.ResponseWriter, r *http.Request, status int, v *visit, posted *form) error {
	app, err := s.config.Store.Pusher(r.Context(), v.app.scope, v.app.ID)
	if err != nil {
		return err
	}
	keys, err := s.config.Store.PusherKeys(r.Context(), v.app.scope, v.app.ID)
	if err != nil {
		return err
	}
	data := pusherData{
		App: app, Host: s.public.Host, Manages: v.may(tenant.Manage) == nil, Locked: s.lockedAt(v, "/apps/"+v.app.ID+"/pusher"),
	}
	if posted.values.Has("event_bytes") { // what was refused is kept as it was typed
		data.App.ClientEvents, data.App.SubscriptionCounts = pusherSwitches(posted)
	}
	now := time.Now()
	for _, key := range keys {
		data.Keys = append(data.Keys, viewPusherKey(key, now))
		if data.Key == "" && key.Alive(now) {
			data.Key = key.Key
		}
	}
	if data.Snippets, err = s.pushers.Fill(newPusherInput(s.public, app.Number, data.Key, "")); err != nil {
		return err
	}
	content := v.page("Pusher")
	content.Nav, content.Notice, content.Form, content.Data = "pusher", noticeOf(r), posted, data
	s.render(w, r, status, "pusher", content)
	return nil
}

// manageForm reads a form of who may manage the app. The store checks that too; here it comes before what else may be wrong.
func (s *Server) manageForm(w http.ResponseWriter, r *http.Request, v *visit) (*form, error) {
	if err := v.may(tenant.Manage); err != nil {
		return nil, err
	}
	return readForm(w, r)
}

func (s *Server) switchPusher(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted, err := s.manageForm(w, r, v)
	if err != nil {
		return err
	}
	state := posted.Value("state")
	if state != "on" && state != "off" {
		posted.Fault("", "Pusher is on or off.")
		return s.renderPusher(w, r, http.StatusUnprocessableEntity, v, posted)
	}
	if err := s.config.Store.SwitchPusher(r.Context(), v.app.scope, v.app.ID, state == "on"); err != nil {
		return err
	}
	return s.redirect(w, r, "/apps/"+v.app.ID+"/pusher?done=pusher-"+state)
}

func (s *Server) setPusher(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted, err := s.manageForm(w, r, v)
	if err != nil {
		return err
	}
	app, err := s.config.Store.Pusher(r.Context(), v.app.scope, v.app.ID)
	if err != nil {
		return err
	}
	settings := app.PusherSettings // what the form does not have stays as it is
	settings.ClientEvents, settings.SubscriptionCounts = pusherSwitches(posted)
	readNumber(posted, "event_bytes", "10240", &settings.EventBytes)
	readNumber(posted, "rewind", "10", &settings.Rewind)
	if posted.OK() {
		err = s.config.Store.SetPusher(r.Context(), v.app.scope, v.app.ID, settings)
		if !posted.Refuse(err) && err != nil {
			return err
		}
	}
	if !posted.OK() {
		return s.renderPusher(w, r, http.StatusUnprocessableEntity, v, posted)
	}
	return s.redirect(w, r, "/apps/"+v.app.ID+"/pusher?done=pusher-set")
}

// readNumber reads a field into a setting, which stays as it is where the form does not have the field.
func readNumber(posted *form, name, example string, setting *int) {
	if !posted.values.Has(name) {
		return
	}
	number, err := strconv.Atoi(posted.Trimmed(name))
	if err != nil {
		posted.Fault(name, "Write a whole number, as %s.", example)
		return
	}
	*setting = number
}

func pusherSwitches(posted *form) (clientEvents, subscriptionCounts bool) {
	return posted.Value("client_events") != "", posted.Value("subscription_counts") != ""
}
