package console_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"halley/console"
	"halley/tenant"
)

// deskVisitor calls the console without a network, so that a fake clock can run.
type deskVisitor struct {
	t      *testing.T
	server *console.Server
	cookie string
}

func (v *deskVisitor) do(method, path string, fields ...string) answer {
	v.t.Helper()
	request := httptest.NewRequestWithContext(v.t.Context(), method, path, strings.NewReader(values(fields).Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Referer", "http://example.com/apps/here?x=1")
	if v.cookie != "" {
		request.Header.Set("Cookie", v.cookie)
	}
	recorder := httptest.NewRecorder()
	v.server.ServeHTTP(recorder, request)
	response := recorder.Result()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, cookie := range response.Cookies() {
		v.cookie = cookie.Name + "=" + cookie.Value
	}
	return answer{
		status: response.StatusCode, header: response.Header, body: string(body), location: response.Header.Get("Location"),
	}
}

// Fifteen minutes after the password was typed, keys ask for it again; a day without use ends the session.
func TestKeysAskForThePasswordAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, err := tenant.Open(t.Context(), tenant.Config{DataDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		}()
		if err := store.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		hub := newHub()
		defer hub.close()
		server, err := console.New(console.Config{
			Store: store, Publisher: hub, History: hub, Tokens: hub, Mailer: &outbox{},
			PublicURL: "http://example.com", Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		ada := &deskVisitor{t: t, server: server}
		signedUp := ada.do(http.MethodPost, "/signup", "email", "ada@example.com", "password", goodPassword).
			want(t, http.StatusSeeOther)
		app, _, _ := strings.Cut(signedUp.location, "?")
		key := app + "/keys/" + find(t, `/keys/([0-9A-Za-z]{8})"`, ada.do(http.MethodGet, app+"/keys").body)
		tokenKeys := app + "/settings/token-keys"
		ada.do(http.MethodPost, app+"/pusher/switch", "state", "on").want(t, http.StatusSeeOther)
		pusher := app + "/pusher/keys/" + find(t, `/pusher/keys/([0-9a-f]{20})"`, ada.do(http.MethodGet, app+"/pusher").body)
		guarded := []string{
			app + "/keys", key + "/roll", key + "/revoke", tokenKeys + "/secret", tokenKeys + "/url", tokenKeys + "/hs/remove",
			app + "/pusher/switch", app + "/pusher/bring", app + "/pusher/keys", pusher + "/show", pusher + "/roll", pusher + "/revoke",
		}

		time.Sleep(14 * time.Minute)
		for _, path := range guarded {
			if got := ada.do(http.MethodPost, path); strings.HasPrefix(got.location, "/reauth") {
				t.Errorf("%s asks after 14 minutes", path)
			}
		}
		time.Sleep(2 * time.Minute)
		for _, path := range guarded {
			got := ada.do(http.MethodPost, path, "name", "x", "kind", "publishable")
			if got.location != "/reauth?next="+url.QueryEscape("/apps/here?x=1") {
				t.Errorf("%s after 16 minutes: %d to %q", path, got.status, got.location)
			}
		}
		for _, path := range []string{app + "/keys", key, app + "/settings", app + "/pusher", pusher} {
			ada.do(http.MethodGet, path).want(t, http.StatusOK, "Confirm it is you")
		}
		ada.do(http.MethodPost, app+"/settings/name", "name", "Shop").want(t, http.StatusSeeOther) // not guarded
		ada.do(http.MethodGet, "/reauth?next=//evil.example").want(t, http.StatusOK, "Is it still you?", `href="/apps"`)
		ada.do(http.MethodPost, "/reauth", "password", "wrong", "next", key).
			want(t, http.StatusUnprocessableEntity, "This is not your password.")
		back := ada.do(http.MethodPost, "/reauth", "password", goodPassword, "next", key).want(t, http.StatusSeeOther)
		if back.location != key {
			t.Errorf("back to %q", back.location)
		}
		ada.do(http.MethodPost, app+"/keys", "name", "x", "kind", "publishable").want(t, http.StatusSeeOther)

		time.Sleep(23 * time.Hour)
		ada.do(http.MethodGet, app).want(t, http.StatusOK)
		time.Sleep(25 * time.Hour)
		ada.do(http.MethodGet, app).want(t, http.StatusSeeOther)
	})
}
