package console_test

import (
	"net/http"
	"net/netip"
	"testing"

	"halley/auth"
	"halley/console"
)

// A key set that would never be fetched is refused where it is entered.
func TestKeySetAddress(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	ada := house.visitor()
	app, _ := ada.signUp("ada@example.com")
	for address, says := range map[string]string{
		"":                                     "Write the address",
		"http://login.example.com/jwks.json":   "The URL must begin with https://.",
		"https://10.1.2.3/jwks.json":           "10.1.2.3 is not a public address.",
		"https://localhost/jwks.json":          "Localhost is not a public address.",
		"https://[::1]/jwks.json":              "::1 is not a public address.",
		"https://login.example.com:8443/jwks":  "Port 8443 is not called.",
		"https://me:pw@login.example.com/jwks": "must not hold a user name or password",
	} {
		ada.post(app+"/settings/token-keys/url", "jwks", address).want(t, http.StatusUnprocessableEntity, says)
	}
	ada.post(app+"/settings/token-keys/url", "jwks", "https://login.example.com/jwks.json").want(t, http.StatusSeeOther)

	own := newHouse(t, func(c *console.Config) {
		c.Dial = auth.DialPolicy{Allowed: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	})
	bob := own.visitor()
	app, _ = bob.signUp("bob@example.com")
	bob.post(app+"/settings/token-keys/url", "jwks", "https://10.1.2.3/jwks.json").want(t, http.StatusSeeOther)
	bob.post(app+"/settings/token-keys/url", "jwks", "https://192.168.1.1/jwks.json").want(t, http.StatusUnprocessableEntity)
}
