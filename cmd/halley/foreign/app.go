// Package foreign reads apps as other servers that speak Pusher's protocol keep them: soketi's table, JSON and environment, Sockudo's
// and Reverb's, the environment of a Laravel project. It says what of their settings Halley can hold. It reads no file and no
// database. Start at Parse.
package foreign

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"halley/auth"
	"halley/tenant"
)

// MaxApps is how many apps are read at once.
const MaxApps = 10_000

// App is one app that moves in.
type App struct {
	Credentials tenant.PusherCredentials
	Enabled     bool
	Settings    tenant.PusherSettings
	Limits      tenant.Overrides
	Left        map[string]string // what cannot be taken over, or should not stay, by its name there, with the reason
}

// record is an app as it was written: values by the plain form of their names, so that max_connections, maxConnections,
// MaxConnections and MAX_CONNECTIONS are one.
type record map[string]setting

// setting is one value: a string, a float64, a bool, nil or, of what is not looked into, anything.
type setting struct {
	name  string // as it was written
	value any
}

// plain is a name without what tells the spellings apart.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == '.' {
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// take removes the first of the names that is there and returns it.
func (r record) take(names ...string) (setting, bool) {
	for _, name := range names {
		if found, ok := r[name]; ok {
			delete(r, name)
			return found, found.value != nil
		}
	}
	return setting{}, false
}

// app judges a record. The error names the app and never shows its secret.
func (r record) app() (App, error) {
	app := App{Enabled: true, Settings: tenant.DefaultPusherSettings(), Limits: tenant.Overrides{}, Left: map[string]string{}}
	id, _ := r.take("id", "appid")
	key, _ := r.take("key", "appkey")
	secret, _ := r.take("secret", "appsecret")
	app.Credentials = tenant.PusherCredentials{Number: id.text(), Key: key.text(), Secret: auth.NewSecret(secret.text())}
	if err := app.Credentials.Validate(); err != nil {
		return app, fmt.Errorf("app %.70q: %w", id.text(), err)
	}
	for _, read := range []func(*App) error{r.switches, r.eventBytes, r.limits} {
		if err := read(&app); err != nil {
			return app, fmt.Errorf("app %s: %w", app.Credentials.Number, err)
		}
	}
	r.leave(&app)
	if len(secret.text()) < soundSecret {
		app.Left[secret.name] = fmt.Sprintf(
			"it holds, but has fewer than %d characters and can be guessed from one signature: roll the key when you can", soundSecret)
	}
	return app, nil
}

// soundSecret is the length below which a secret is pointed out. Pusher's own have 20 characters; soketi's default is known to everybody.
const soundSecret = 16

// soketiPayload is what soketi, and Sockudo after it, lets an event have where nothing is said: servers that rely on it are to go on.
const soketiPayload = 100 // kB

// withSoketiDefaults fills in what a server of that family does where nothing is said, and what is more than Halley does then.
func (r record) withSoketiDefaults() record {
	for _, name := range []string{"maxeventpayloadinkb", "maxmessagesize"} {
		if r[name].value != nil {
			return r
		}
	}
	r["maxeventpayloadinkb"] = setting{"max_event_payload_in_kb", float64(soketiPayload)}
	return r
}

func (r record) switches(app *App) error {
	for name, into := range map[string]*bool{"enabled": &app.Enabled, "enableclientmessages": &app.Settings.ClientEvents} {
		found, ok := r.take(name)
		if !ok {
			continue
		}
		var err error
		if *into, err = found.bit(); err != nil {
			return err
		}
	}
	return nil
}

// eventBytes are in kilobytes with soketi, in bytes with Reverb. Where they are more than a message of Halley may have, that limit
// rises too: twice as much, since text that is no JSON is kept with escapes.
func (r record) eventBytes(app *App) error {
	found, ok := r.take("maxeventpayloadinkb")
	unit := 1024.0
	if !ok {
		found, ok = r.take("maxmessagesize")
		unit = 1
	}
	if !ok {
		return nil
	}
	size, err := found.number()
	if err != nil || size <= 0 {
		return err
	}
	bytes := int(min(math.Ceil(size*unit), tenant.MaxPusherEventBytes))
	app.Settings.EventBytes = bytes
	if limit := 2 * int64(bytes); limit > tenant.DefaultLimits().Get(tenant.LimitMessageBytes) {
		app.Limits[tenant.LimitMessageBytes] = min(limit, most(tenant.LimitMessageBytes))
	}
	return nil
}

// limits takes over what has an equal. A value below one stands for "no bound" there, which Halley does not have.
func (r record) limits(app *App) error {
	for limit, names := range map[tenant.LimitName][]string{
		tenant.LimitConnections:          {"maxconnections", "maxconns"},
		tenant.LimitPublishesPerSecond:   {"maxbackendeventspersec", "maxbackendeventspersecond"},
		tenant.LimitAPIRequestsPerSecond: {"maxreadreqpersec", "maxreadrequestspersecond"},
		tenant.LimitPresenceMembers:      {"maxpresencemembersperchannel"},
	} {
		found, ok := r.take(names...)
		if !ok {
			continue
		}
		value, err := found.number()
		if err != nil {
			return err
		}
		if value < 1 {
			app.Left[found.name] = fmt.Sprintf("no bound there; here %s stays as it is", limit)
			continue
		}
		app.Limits[limit] = int64(min(value, float64(most(limit))))
		if value > float64(most(limit)) {
			app.Left[found.name] = fmt.Sprintf("here %s is at most %d", limit, most(limit))
		}
	}
	return nil
}

func most(limit tenant.LimitName) int64 {
	specs := tenant.LimitSpecs()
	return specs[slices.IndexFunc(specs, func(spec tenant.LimitSpec) bool { return spec.Name == limit })].Max
}

// leave says of everything that is still in the record why it is not taken over.
func (r record) leave(app *App) {
	reasons := map[string]string{
		"webhooks":                  "set them up in the console",
		"maxclienteventspersec":     "here 10 a second and connection",
		"maxclienteventspersecond":  "here 10 a second and connection",
		"maxpresencemembersizeinkb": "here 1 kB of user_info, as with Pusher",
		"maxchannelnamelength":      "here 200 characters",
		"maxeventchannelsatonce":    "here 100, as with Pusher",
		"maxeventnamelength":        "here 200 characters, as with Pusher",
		"maxeventbatchsize":         "here 10, as with Pusher",
		"enableuserauthentication":  "here clients may always sign in, and are never closed for not doing so",
		"allowedorigins":            "set them in the app's settings",
		"capacity":                  "no bound of that kind here",
	}
	for name, left := range r {
		reason := reasons[name]
		if reason == "" {
			reason = "no such setting here"
		}
		if left.value != nil && !left.empty() {
			app.Left[left.name] = reason
		}
	}
}

// text is the value as text. Ids are numbers in some exports.
func (s setting) text() string {
	switch value := s.value.(type) {
	case string:
		return value
	case float64:
		if math.Abs(value) > 1<<53 { // JSON's numbers are no longer exact: better no id than another one
			return ""
		}
		return strconv.FormatFloat(value, 'f', -1, 64)
	}
	return ""
}

func (s setting) number() (float64, error) {
	number, err := strconv.ParseFloat(strings.TrimSpace(s.text()), 64)
	if err != nil || math.IsNaN(number) {
		return 0, fmt.Errorf("%.60q is no number", s.name)
	}
	return number, nil
}

func (s setting) bit() (bool, error) {
	if value, ok := s.value.(bool); ok {
		return value, nil
	}
	value, err := strconv.ParseBool(strings.ToLower(s.text()))
	if err != nil {
		return false, fmt.Errorf("%.60q is neither true nor false", s.name)
	}
	return value, nil
}

// empty reports whether a value says nothing.
func (s setting) empty() bool {
	switch value := s.value.(type) {
	case string:
		return value == "" || value == "[]"
	case []any:
		return len(value) == 0
	}
	return false
}
