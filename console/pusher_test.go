package console_test

import (
	"net/http"
	"strings"
	"testing"

	"halley/console"
)

// The life of an app's Pusher side: off, on, its secret shown when asked for, rolled, revoked, off again with all of it kept.
func TestPusherLife(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	ada := house.visitor()
	app, _ := ada.signUp("ada@example.com")
	screen := app + "/pusher"
	off := ada.get(screen).want(t, http.StatusOK, "Why it is off", "sealed", "Switch on", "Bring credentials")
	if strings.Contains(off.body, "snippet-") || strings.Contains(off.body, "Switch off") {
		t.Error("an app without Pusher shows what it does not have")
	}
	ada.post(screen+"/switch", "state", "maybe").want(t, http.StatusUnprocessableEntity, "on or off")
	ada.post(screen+"/settings", "event_bytes", "1").want(t, http.StatusNotFound)
	landed := ada.post(screen+"/switch", "state", "on").want(t, http.StatusSeeOther)
	on := ada.get(landed.location).want(t, http.StatusOK, "within two seconds", "wsHost", "PUSHER_APP_ID", "laravel-echo", "useTLS: false")
	number := find(t, `<dt>App id</dt><dd class="mono">(\d{6,9})<`, on.body)
	key := find(t, `/pusher/keys/([0-9a-f]{20})"`, on.body)

	page := screen + "/keys/" + key
	hidden := ada.get(page).want(t, http.StatusOK, "Show secret", number)
	if strings.Contains(hidden.body, `id="secret"`) {
		t.Error("the secret is on show before it was asked for")
	}
	shown := ada.post(page+"/show").want(t, http.StatusSeeOther)
	secret := find(t, `id="secret" class="mono" value="([0-9a-f]{32})"`, ada.get(shown.location).body)
	for _, path := range []string{shown.location, page, screen} {
		if strings.Contains(ada.get(path).body, secret) {
			t.Errorf("%s shows the secret again", path)
		}
	}
	again := ada.post(page+"/show").want(t, http.StatusSeeOther)
	if body := ada.get(again.location).body; strings.Count(body, secret) != 4 { // the field, .env, Node and PHP
		t.Errorf("the secret stands there %d times", strings.Count(body, secret))
	}

	ada.post(page+"/roll", "overlap", "3h").want(t, http.StatusUnprocessableEntity, "Choose when the old key ends")
	rolled := ada.post(page+"/roll", "overlap", "24h").want(t, http.StatusSeeOther)
	fresh := ada.get(rolled.location).want(t, http.StatusOK, "The key is rolled")
	if next := find(t, `id="secret" class="mono" value="([0-9a-f]{32})"`, fresh.body); next == secret {
		t.Error("the rolled key has the old secret")
	}
	ada.get(page).want(t, http.StatusOK, "Ends in 24 hours")
	ada.post(page+"/roll", "overlap", "1h").want(t, http.StatusUnprocessableEntity, "being replaced already")
	ada.post(page+"/revoke", "confirm", "no").want(t, http.StatusUnprocessableEntity, "exactly as it is written")
	ada.post(page+"/revoke", "confirm", key).want(t, http.StatusSeeOther)
	ended := ada.get(page).want(t, http.StatusOK, "Ended")
	if strings.Contains(ended.body, "/show") {
		t.Error("the secret of a dead key can be asked for")
	}
	ada.post(page+"/show").want(t, http.StatusNotFound)

	ada.post(screen+"/switch", "state", "off").want(t, http.StatusSeeOther)
	ada.get(screen).want(t, http.StatusOK, "Why it is off", number)
	ada.post(screen+"/switch", "state", "on").want(t, http.StatusSeeOther)
	ada.get(screen).want(t, http.StatusOK, number, "Switch off")
	made := ada.post(screen+"/keys").want(t, http.StatusSeeOther)
	ada.get(made.location).want(t, http.StatusOK, "The key is made")
}

func TestPusherSettings(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	ada := house.visitor()
	app, _ := ada.signUp("ada@example.com")
	screen := app + "/pusher"
	ada.post(screen+"/switch", "state", "on").want(t, http.StatusSeeOther)
	saved := ada.post(screen+"/settings", "client_events", "on", "event_bytes", "20000").want(t, http.StatusSeeOther)
	ada.get(saved.location).want(t, http.StatusOK, "The settings are saved", `name="client_events" value="on" checked`, `value="20000"`)
	for bytes, says := range map[string]string{"many": "whole number", "0": "From 1 to 1048576", "": "whole number"} {
		got := ada.post(screen+"/settings", "subscription_counts", "on", "event_bytes", bytes).want(t, http.StatusUnprocessableEntity, says)
		if !strings.Contains(got.body, `name="subscription_counts" value="on" checked`) {
			t.Errorf("event_bytes %q: what was ticked is lost", bytes)
		}
	}
	ada.get(screen).want(t, http.StatusOK, `name="subscription_counts" value="on">`, `value="20000"`)
	ada.post(screen+"/settings", "event_bytes", "20000", "rewind", "25").want(t, http.StatusSeeOther)
	for events, says := range map[string]string{"all": "whole number", "101": "From 0 to 100", "-1": "From 0 to 100"} {
		ada.post(screen+"/settings", "event_bytes", "20000", "rewind", events).want(t, http.StatusUnprocessableEntity, says, `value="`+events+`"`)
	}
	ada.get(screen).want(t, http.StatusOK, `name="rewind" inputmode="numeric" value="25"`)
}

func TestBringPusher(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	ada := house.visitor()
	app, _ := ada.signUp("ada@example.com")
	screen := app + "/pusher"
	landed := ada.post(screen+"/bring", "number", "1234567", "key", "app-key", "secret", "hunter-2").want(t, http.StatusSeeOther)
	ada.get(landed.location).want(t, http.StatusOK, "The credentials hold", "1234567", "app-key")
	shown := ada.post(screen+"/keys/app-key/show").want(t, http.StatusSeeOther)
	ada.get(shown.location).want(t, http.StatusOK, `value="hunter-2"`)

	eve := house.visitor()
	evesApp, _ := eve.signUp("eve@example.com")
	for _, test := range []struct{ number, key, secret, says string }{
		{"1234567", "mine", "hunter-3", "1234567 is another app&#39;s"}, {"7", "app-key", "hunter-3", "app-key is in use already"},
		{"", "k", "hunter-3", "A-Za-z0-9_.-"}, {"7", "a/b", "hunter-3", "A-Za-z0-9_.-"}, {"7", "k", "", "printable"},
	} {
		got := eve.post(evesApp+"/pusher/bring", "number", test.number, "key", test.key, "secret", test.secret)
		if got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, test.says) {
			t.Errorf("%+v: %d: %s", test, got.status, textOf(got.body))
		}
		if strings.Contains(got.body, "hunter-3") {
			t.Errorf("%+v: the secret comes back in the page", test)
		}
	}
	eve.get(evesApp+"/pusher").want(t, http.StatusOK, "Why it is off")
}

// The configurations hold what the SDKs need for an address with and without a port, and quote what may be quoted.
func TestPusherSnippets(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		public, secret string
		want           []string
	}{
		{"https://push.example.com", "", []string{
			`wsHost: "push.example.com"`, "wssPort: 443", "forceTLS: true", "PUSHER_PORT=443", "PUSHER_SCHEME=https",
			"process.env.PUSHER_APP_SECRET", "getenv('PUSHER_APP_SECRET')", `appId: "77"`,
		}},
		{"http://[::1]:8080", `it's "$5\`, []string{
			`host: "[::1]"`, "wsPort: 8080", "forceTLS: false", "useTLS: false", "'scheme' => 'http'",
			`PUSHER_APP_SECRET="it's \"\$5\\"`, `secret: "it's \"$5\\"`, `'it\'s "$5\\',`,
		}},
	} {
		filled, err := console.FillPusherSnippets(test.public, "77", "key-1", test.secret)
		if err != nil || len(filled) != 5 {
			t.Fatalf("%d snippets, %v", len(filled), err)
		}
		var all strings.Builder
		for _, snippet := range filled {
			if !strings.Contains(snippet.Code, "key-1") {
				t.Errorf("%s does not hold the key", snippet.Title)
			}
			all.WriteString(snippet.Code + "\n")
		}
		for _, want := range test.want {
			if !strings.Contains(all.String(), want) {
				t.Errorf("%s: no %s in\n%s", test.public, want, all.String())
			}
		}
	}
}
