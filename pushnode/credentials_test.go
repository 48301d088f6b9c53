package pushnode_test

import (
	"net/http"
	"strings"
	"testing"

	"halley/auth"
	"halley/tenant"
)

func TestCredentials(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	a := n.newApp(t, "ada", nil)
	flipped := []byte(a.secret)
	flipped[20] ^= 1
	revoked, secret := must2(n.Store.CreateKey(t.Context(), a.scope(), a.id, tenant.KeyForm{Kind: auth.KindSecret}))(t)
	a.changed(t, func() error { return n.Store.RevokeKey(t.Context(), a.scope(), a.id, revoked.ID) })
	tests := map[string]struct {
		query, authorization, origin string
		status                       int
		name                         string
	}{
		"none":                    {"", "", "", 401, "unauthorized"},
		"empty":                   {"", "Bearer ", "", 401, "unauthorized"},
		"scheme in small letters": {"", "bearer " + a.secret, "", 200, ""},
		"another scheme":          {"", "Digest " + a.secret, "", 401, "unauthorized"},
		"no scheme":               {"", a.secret, "", 401, "unauthorized"},
		"not a key":               {"", "Bearer hello", "", 401, "unauthorized"},
		"unknown":                 {"", "Bearer " + auth.NewKey(auth.KindSecret).Text.Reveal(), "", 401, "unauthorized"},
		"wrong checksum":          {"", "Bearer " + string(flipped), "", 401, "unauthorized"},
		"cut":                     {"", "Bearer " + a.secret[:40], "", 401, "unauthorized"},
		"revoked":                 {"", "Bearer " + secret.Reveal(), "", 401, "unauthorized"},
		"secret key in a URL":     {"?key=" + a.secret, "", "", 403, "secret_key_exposed"},
		"secret key as token":     {"?token=" + a.secret, "", "", 403, "secret_key_exposed"},
		"secret key of a page":    {"", "Bearer " + a.secret, "https://page.example", 403, "secret_key_exposed"},
		"two":                     {"?key=" + a.publishable, "Bearer " + a.secret, "", 400, "bad_request"},
		"publishable":             {"?key=" + a.publishable, "", "", 200, ""},
		"publishable as bearer":   {"", "Bearer " + a.publishable, "", 200, ""},
		"token without signature": {"", "Bearer eyJhbGciOiJub25lIn0.e30.", "", 401, "unauthorized"},
		"very long":               {"", "Bearer " + strings.Repeat("x", 9000), "", 401, "unauthorized"},
	}
	for name, test := range tests {
		for _, path := range []string{"/v1/channels/news/messages", "/v1/poll"} {
			query := test.query
			if path == "/v1/poll" {
				query = "?channel=news&wait=0s&" + strings.TrimPrefix(query, "?")
			}
			request := must(http.NewRequestWithContext(t.Context(), http.MethodGet, n.URL+path+query, nil))(t)
			request.Header.Set("Authorization", test.authorization)
			if test.authorization == "" {
				request.Header.Del("Authorization")
			}
			if test.origin != "" {
				request.Header.Set("Origin", test.origin)
			}
			got := n.send(t, request)
			if got.Status != test.status || got.errorName() != test.name {
				t.Errorf("%s, %s: got %d %s, want %d %s", name, path, got.Status, got.Text, test.status, test.name)
			}
			if strings.Contains(got.Text, a.secret) || strings.Contains(got.Text, secret.Reveal()) {
				t.Errorf("%s, %s: the answer shows the key: %s", name, path, got.Text)
			}
			if got.Status == http.StatusUnauthorized && got.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s, %s: 401 without WWW-Authenticate", name, path)
			}
		}
	}
}
