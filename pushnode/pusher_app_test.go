package pushnode_test

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"halley/tenant"
)

// pusherApp is an app that Pusher's libraries reach, with the key that they were given.
type pusherApp struct {
	*app
	tenant.Pusher
}

// pusher switches the app on for Pusher's libraries.
func (a *app) pusher(t testing.TB) *pusherApp {
	t.Helper()
	a.changed(t, func() error { return a.node.Store.SwitchPusher(t.Context(), a.scope(), a.id, true) })
	return &pusherApp{app: a, Pusher: must(a.node.Directory.PusherOf(a.id))(t)}
}

// path is that of a call below the app.
func (p *pusherApp) path(rest string) string { return "/apps/" + p.Number + rest }

// sign adds to a query what a library adds: key, time, version, the digest of a body, and the signature. It is written from Pusher's
// documentation, not with the package that is under test.
func (p *pusherApp) sign(method, path, query, body string) string {
	parameters := []string{"auth_key=" + p.Key, fmt.Sprintf("auth_timestamp=%d", time.Now().Unix()), "auth_version=1.0"}
	if body != "" {
		sum := md5.Sum([]byte(body))
		parameters = append(parameters, "body_md5="+hex.EncodeToString(sum[:]))
	}
	if query != "" {
		parameters = append(parameters, query)
	}
	text := strings.Join(parameters, "&")
	return text + "&auth_signature=" + p.mac(method+"\n"+path+"\n"+text)
}

func (p *pusherApp) mac(text string) string {
	mac := hmac.New(sha256.New, []byte(p.Secret.Reveal()))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// ask sends a signed call. The query is in the order of its keys, which come after "auth_".
func (p *pusherApp) ask(t testing.TB, method, rest, query, body string) reply {
	t.Helper()
	path := p.path(rest)
	return p.node.call(t, method, path+"?"+p.sign(method, path, query, body), body, "")
}

// trigger publishes an event.
func (p *pusherApp) trigger(t testing.TB, body string) {
	t.Helper()
	p.ask(t, http.MethodPost, "/events", "", body).says(t, "trigger "+body, http.StatusOK, "{}")
}

// says checks status and body of an answer.
func (r reply) says(t testing.TB, what string, status int, text string) {
	t.Helper()
	if r.Status != status || r.Text != text {
		t.Errorf("%s: got %d %s, want %d %s", what, r.Status, r.Text, status, text)
	}
}

// tells checks status and a part of the body of a refusal.
func (r reply) tells(t testing.TB, what string, status int, part string) {
	t.Helper()
	plain := strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain")
	if r.Status != status || !strings.Contains(r.Text, part) || !plain {
		t.Errorf("%s: got %d %s %q, want %d %q", what, r.Status, r.Header.Get("Content-Type"), r.Text, status, part)
	}
}
