package auth_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"halley/auth"
)

func TestSignedTokenCarriesBothScopes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth.DialPolicy{})
	ofKey := capability(t, map[string][]string{"room:*": {"*"}})
	ofToken := capability(t, map[string][]string{"*": {"subscribe"}})
	id, _ := w.addKey("app_a", auth.KindSecret, ofKey)
	text, expires, err := w.signer.Sign(auth.TokenRequest{
		AppID: "app_a", KeyID: id, ClientID: "ada", Capability: ofToken, TTL: 90 * time.Second,
	}, noon.Add(700*time.Millisecond))
	if err != nil || !expires.Equal(noon.Add(90*time.Second)) {
		t.Fatalf("expires %v, %v, want 90 s after noon", expires, err)
	}
	grant, err := w.authenticate(t, text)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(grant.TokenID, "tok_") {
		t.Errorf("jti = %q", grant.TokenID)
	}
	want := &auth.Grant{
		Kind: auth.KindToken, AppID: "app_a", KeyID: id, ClientID: "ada", TokenID: grant.TokenID, ExpiresAt: expires,
		Scopes: []auth.Capability{ofToken, ofKey},
	}
	if !reflect.DeepEqual(grant, want) {
		t.Errorf("grant = %+v, want %+v", grant, want)
	}
	if !grant.Allows(auth.OpSubscribe, "room:1") || grant.Allows(auth.OpPublish, "room:1") ||
		grant.Allows(auth.OpSubscribe, "news") {
		t.Error("the grant must allow what token and key both allow, and no more")
	}
}

func TestTokenDiesWithItsMintingKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth.DialPolicy{})
	id, _ := w.addKey("app_a", auth.KindSecret, auth.AllowAll())
	text := w.sign(t, auth.TokenRequest{AppID: "app_a", KeyID: id, Capability: auth.AllowAll()})
	if _, err := w.authenticate(t, text); err != nil { // from now on its signature is remembered
		t.Fatal(err)
	}
	end := noon.Add(10 * time.Minute)
	w.change(id, func(k *auth.Key) { k.RevokedAt = end })
	if grant, err := w.authenticate(t, text); err != nil || !grant.ExpiresAt.Equal(end) {
		t.Errorf("in the key's overlap: %+v, %v, want a grant until %v", grant, err, end)
	}
	narrow := capability(t, map[string][]string{"a": {"history"}})
	w.change(id, func(k *auth.Key) { k.Capability = narrow })
	grant, err := w.authenticate(t, text)
	if err != nil || grant.Allows(auth.OpPublish, "a") || !grant.Allows(auth.OpHistory, "a") {
		t.Errorf("the key's present capability must hold: %+v, %v", grant, err)
	}
	for name, test := range map[string]struct {
		alter func(*auth.Key)
		want  error
	}{
		"revoked": {func(k *auth.Key) { k.RevokedAt = noon }, auth.ErrRevoked},
		"expired": {func(k *auth.Key) { k.RevokedAt, k.ExpiresAt = time.Time{}, noon }, auth.ErrRevoked},
		"moved":   {func(k *auth.Key) { k.AppID = "app_b" }, auth.ErrTokenRefused},
	} {
		kept := w.keys[id]
		w.change(id, test.alter)
		if _, err := w.authenticate(t, text); !errors.Is(err, test.want) {
			t.Errorf("%s: err = %v, want %v", name, err, test.want)
		}
		w.keys[id] = kept
	}
	delete(w.keys, id)
	if _, err := w.authenticate(t, text); reasonOf(err) != auth.ReasonMintingKey {
		t.Errorf("deleted: err = %v, want it refused for its minting key", err)
	}
}

func TestSignDefaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth.DialPolicy{})
	for name, test := range map[string]struct {
		request auth.TokenRequest
		life    time.Duration
	}{
		"nothing asked":             {auth.TokenRequest{AppID: "app_a"}, time.Hour},
		"the app admits less":       {auth.TokenRequest{AppID: "app_a", MaxTTL: time.Minute}, time.Minute},
		"the app admits just this":  {auth.TokenRequest{AppID: "app_a", MaxTTL: time.Minute, TTL: time.Minute}, time.Minute},
		"longest":                   {auth.TokenRequest{AppID: "app_a", TTL: 24 * time.Hour}, 24 * time.Hour},
		"parts of a second are cut": {auth.TokenRequest{AppID: "app_a", TTL: 1999 * time.Millisecond}, time.Second},
	} {
		text, expires, err := w.signer.Sign(test.request, noon)
		if err != nil || expires.Sub(noon) != test.life {
			t.Errorf("%s: lives %v, %v, want %v", name, expires.Sub(noon), err, test.life)
		}
		if grant, err := w.authenticate(t, text); err != nil || grant.ClientID != "" || grant.Allows(auth.OpSubscribe, "a") {
			t.Errorf("%s: %+v, %v, want an anonymous grant that allows nothing", name, grant, err)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth.DialPolicy{})
	many := map[string][]string{}
	for i := range 64 {
		many[fmt.Sprintf("%03d%s", i, strings.Repeat("a", 150))] = []string{"publish", "subscribe"}
	}
	for name, test := range map[string]struct {
		request auth.TokenRequest
		says    string
	}{
		"no app":                 {auth.TokenRequest{}, "no app"},
		"too short":              {auth.TokenRequest{AppID: "a", TTL: 999 * time.Millisecond}, "from 1s"},
		"negative":               {auth.TokenRequest{AppID: "a", TTL: -time.Hour}, "from 1s"},
		"too long":               {auth.TokenRequest{AppID: "a", TTL: 24*time.Hour + 1}, "to 24h"},
		"longer than the app's":  {auth.TokenRequest{AppID: "a", TTL: 2 * time.Minute, MaxTTL: time.Minute}, "to 1m"},
		"long client id":         {auth.TokenRequest{AppID: "a", ClientID: strings.Repeat("a", 129)}, "128 characters"},
		"client id of bad UTF-8": {auth.TokenRequest{AppID: "a", ClientID: "\xff"}, "UTF-8"},
		"too many patterns":      {auth.TokenRequest{AppID: "a", Capability: capability(t, many)}, "fewer channel patterns"},
	} {
		text, _, err := w.signer.Sign(test.request, noon)
		if text != "" || !errors.Is(err, auth.ErrTokenRequest) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %q, %v, want ErrTokenRequest that says %q", name, text, err, test.says)
		}
	}
}

// TestTokenFormat pins what other people's programs may read of a token.
func TestTokenFormat(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth.DialPolicy{})
	text := w.sign(t, auth.TokenRequest{
		AppID: "app_a", KeyID: "KEY12345", ClientID: "ada",
		Capability: capability(t, map[string][]string{"a:*": {"history", "publish"}}),
	})
	parts := strings.Split(text, ".")
	var decoded [2]map[string]any
	for i := range decoded {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &decoded[i]); err != nil {
			t.Fatal(err)
		}
	}
	if want := map[string]any{"alg": "EdDSA", "typ": "JWT", "kid": w.signing.ID()}; !reflect.DeepEqual(decoded[0], want) {
		t.Errorf("header = %v, want %v", decoded[0], want)
	}
	want := map[string]any{
		"iss": "halley", "aud": []any{"app_a"}, "sub": "ada", "key": "KEY12345", "jti": decoded[1]["jti"],
		"iat": float64(noon.Unix()), "exp": float64(noon.Unix() + 3600),
		"cap": map[string]any{"a:*": []any{"publish", "history"}},
	}
	if !reflect.DeepEqual(decoded[1], want) {
		t.Errorf("payload = %v, want %v", decoded[1], want)
	}
}
