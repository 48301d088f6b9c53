package console_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// furnished is a house with something on every screen.
type furnished struct {
	*house
	owner *visitor
	app   string // path of the app
	key   string // path of a key

	pusher    string // path of a key of Pusher's protocol
	pusherOff string // path of the Pusher screen of an app that does not have it

	webhook  string // path of an endpoint
	delivery string // path of what was sent to it
}

// furnish signs somebody up and fills every list. Text stands wherever a user can write; fresh names keep what must be unique so.
func furnish(tb testing.TB, edit func(h *house), text string) *furnished {
	tb.Helper()
	f := &furnished{house: newHouse(tb, nil)}
	if edit != nil {
		edit(f.house)
	}
	f.owner = f.visitor()
	f.app, _ = f.owner.signUp("ada@example.com")
	see := func(path string, fields ...string) answer {
		tb.Helper()
		got := f.owner.post(path, fields...)
		if got.status != http.StatusSeeOther {
			tb.Fatalf("POST %s: %d: %s", path, got.status, textOf(got.body))
		}
		return got
	}
	second := see("/apps", "name", text+" two")
	f.pusherOff, _, _ = strings.Cut(second.location, "?")
	f.pusherOff += "/pusher"
	made := see(
		f.app+"/keys", "name", text, "kind", "secret", "operation", "publish", "operation", "history", "pattern", "orders:*",
	)
	f.key, _, _ = strings.Cut(made.location, "?")
	rolled := see(f.app+"/keys", "name", text+" rolled", "kind", "secret", "operation", "publish")
	rolledPath, _, _ := strings.Cut(rolled.location, "?")
	see(rolledPath+"/roll", "overlap", "24h")
	dead := see(f.app+"/keys", "name", text+" dead", "kind", "publishable")
	deadPath, _, _ := strings.Cut(dead.location, "?")
	see(deadPath+"/revoke", "confirm", text+" dead")
	see(f.app+"/rules", "prefix", "orders:", "messages", "1000", "age", "1h", "policy", "block")
	see(f.app+"/rules", "prefix", "", "public", "on", "publish", "on", "messages", "0", "age", "2m", "policy", "latest")
	see(f.app+"/settings/name", "name", text)
	see(f.app+"/settings/origins", "origins", "https://shop.example.com\nhttps://*.example.com:8443")
	see(f.app+"/settings/token-keys/secret", "shared", "")
	see(f.app+"/settings/token-keys/url", "jwks", "https://login.example.com/jwks.json?"+url.QueryEscape(text))
	see(f.app+"/pusher/switch", "state", "on")
	see(f.app+"/pusher/settings", "client_events", "on", "event_bytes", "20000")
	see(f.app+"/pusher/bring", "number", "1234567", "key", "brought-key", "secret", "brought-secret")
	see(f.app+"/pusher/keys/brought-key/revoke", "confirm", "brought-key")
	made = see(f.app + "/pusher/keys/" + find(tb, `/pusher/keys/([0-9a-f]{20})"`, f.owner.get(f.app+"/pusher").body) + "/show")
	f.pusher, _, _ = strings.Cut(made.location, "?")
	see(f.app+"/webhooks", "url", "https://example.com/a?"+url.QueryEscape(text), "events", "member_added", "batched", "on",
		"headers", "X-A: "+url.QueryEscape(text))
	f.webhook = f.app + "/webhooks/" + find(tb, `/webhooks/(whk_[0-9a-z]+)"`, f.owner.get(f.app+"/webhooks").body)
	f.delivery = see(f.webhook + "/test").location
	see(f.webhook+"/switch", "state", "off")
	see(f.app+"/webhooks", "url", "https://example.com/b", "prefix", "presence-")
	data, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		tb.Fatal(err)
	}
	see(f.app+"/publish", "channel", "hello", "event", text, "data", string(data))
	return f
}

// screens are the pages of a signed-in owner by name.
func (f *furnished) screens() map[string]string {
	return map[string]string{
		"apps": "/apps", "newapp": "/apps/new", "overview": f.app, "keys": f.app + "/keys", "key": f.key,
		"pusher": f.app + "/pusher", "pusherkey": f.pusher, "pusheroff": f.pusherOff,
		"webhooks": f.app + "/webhooks", "webhook": f.webhook, "delivery": f.delivery,
		"rules": f.app + "/rules", "settings": f.app + "/settings", "account": "/account", "reauth": "/reauth",
	}
}

// doors are the pages of who is not signed in.
func doors() map[string]string {
	return map[string]string{
		"signup": "/signup", "login": "/login", "reset": "/reset", "resetpassword": "/reset/password?token=x",
		"confirm": "/confirm?token=x",
		"nothing": "/nothing",
	}
}
