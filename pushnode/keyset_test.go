package pushnode_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"halley/tenant"
)

// TestBrokenKeySetIsSaid has an app whose JWKS URL cannot be called: who brings one of its tokens is told what is wrong.
func TestBrokenKeySetIsSaid(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	a := n.newApp(t, "ada", nil)
	form := tenant.AppForm{Name: "ada", JWKSURL: "https://127.0.0.1/jwks.json"} // nothing private is called
	a.changed(t, func() error { return n.Store.UpdateApp(t.Context(), a.scope(), a.id, form) })
	part := base64.RawURLEncoding.EncodeToString
	now := time.Now().Unix()
	claims := fmt.Sprintf(`{"aud":%q,"iat":%d,"exp":%d,"cap":{"*":["subscribe"]}}`, a.id, now, now+600)
	token := part([]byte(`{"alg":"EdDSA","kid":"theirs"}`)) + "." + part([]byte(claims)) + "." + part(make([]byte, 64))
	got := n.call(t, http.MethodGet, "/v1/poll?channel=news&wait=0s", "", "Bearer "+token)
	if got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" ||
		!strings.Contains(got.Text, "the app's key set cannot be fetched") || strings.Contains(got.Text, "127.0.0.1") {
		t.Errorf("got %d %v %s", got.Status, got.Header, got.Text)
	}
}
