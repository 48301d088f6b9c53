package auth_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"halley/auth"
)

// noon is the time of most tests: nothing in the package looks at the clock but NewID.
var noon = time.Unix(1_800_000_000, 0)

// world is an installation of two apps in memory.
type world struct {
	keys  map[string]auth.Key
	trust map[string]auth.TokenTrust
	down  error // what both sources answer, if it is set

	ring     *auth.Keyring
	signing  auth.SigningKey
	verifier *auth.Verifier
	signer   *auth.Signer
}

func (w *world) Key(_ context.Context, id string) (auth.Key, error) {
	if w.down != nil {
		return auth.Key{}, w.down
	}
	if key, found := w.keys[id]; found {
		return key, nil
	}
	return auth.Key{}, fmt.Errorf("directory: %w", auth.ErrUnknownKey)
}

func (w *world) TokenTrust(_ context.Context, appID string) (auth.TokenTrust, error) {
	if w.down != nil {
		return auth.TokenTrust{}, w.down
	}
	if trust, found := w.trust[appID]; found {
		return trust, nil
	}
	return auth.TokenTrust{}, fmt.Errorf("directory: %w", auth.ErrUnknownKey)
}

// newWorld has the apps "app_a" and "app_b". It fetches key sets by the policy.
func newWorld(tb testing.TB, policy auth.DialPolicy) *world {
	tb.Helper()
	w := &world{keys: map[string]auth.Key{}, trust: map[string]auth.TokenTrust{"app_a": {}, "app_b": {}}}
	w.signing = signingKey(tb, "the installation")
	w.ring = keyring(tb, w.signing)
	w.signer = auth.NewSigner(w.ring)
	w.verifier = w.newVerifier(policy, 0)
	return w
}

func (w *world) newVerifier(policy auth.DialPolicy, cacheBytes int) *auth.Verifier {
	return auth.NewVerifier(auth.VerifierConfig{
		Keys: w, TokenKeys: w, Keyring: w.ring, KeySets: newKeySets(policy), CacheBytes: cacheBytes,
	})
}

// addKey stores a new key and returns its text.
func (w *world) addKey(app string, kind auth.Kind, scope auth.Capability) (id, text string) {
	fresh := auth.NewKey(kind)
	w.keys[fresh.ID] = auth.Key{ID: fresh.ID, AppID: app, Kind: kind, Hash: fresh.Hash, Capability: scope}
	return fresh.ID, fresh.Text.Reveal()
}

// change alters a stored key.
func (w *world) change(id string, alter func(*auth.Key)) {
	key := w.keys[id]
	alter(&key)
	w.keys[id] = key
}

// sign issues a token of the installation.
func (w *world) sign(tb testing.TB, request auth.TokenRequest) string {
	tb.Helper()
	text, _, err := w.signer.Sign(request, noon)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// authenticate is at noon.
func (w *world) authenticate(tb testing.TB, credential string) (*auth.Grant, error) {
	tb.Helper()
	return w.verifier.Authenticate(tb.Context(), credential, noon)
}

func signingKey(tb testing.TB, seed string) auth.SigningKey {
	tb.Helper()
	sum := sha256.Sum256([]byte(seed))
	key, err := auth.NewSigningKey(sum[:])
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// private is the private half of signingKey(seed).
func private(seed string) ed25519.PrivateKey {
	sum := sha256.Sum256([]byte(seed))
	return ed25519.NewKeyFromSeed(sum[:])
}

func keyring(tb testing.TB, keys ...auth.SigningKey) *auth.Keyring {
	tb.Helper()
	ring, err := auth.NewKeyring("", keys...)
	if err != nil {
		tb.Fatal(err)
	}
	return ring
}

func hmacKey(tb testing.TB, id, secret string) auth.TokenKey {
	tb.Helper()
	key, err := auth.NewHMACKey(id, []byte(secret))
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func publicKey(tb testing.TB, id string, public any) auth.TokenKey {
	tb.Helper()
	key, err := auth.NewPublicKey(id, public)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// compact signs a header and a payload given as text, so that tests can say what no library would.
func compact(tb testing.TB, method jwt.SigningMethod, key any, header, payload string) string {
	tb.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	input := encode([]byte(header)) + "." + encode([]byte(payload))
	signature, err := method.Sign(input, key)
	if err != nil {
		tb.Fatal(err)
	}
	return input + "." + encode(signature)
}

// payload is a good token's payload for app_a at noon, with the members of changes put in place of its own: name and JSON
// text; an empty text takes the member away.
func payload(changes map[string]string) string {
	members := map[string]string{
		"aud": `"app_a"`, "sub": `"ada"`, "iat": fmt.Sprint(noon.Unix()), "exp": fmt.Sprint(noon.Unix() + 3600),
		"cap": `{"room:*":["subscribe","publish"]}`,
	}
	for name, text := range changes {
		members[name] = text
	}
	var parts []string
	for name, text := range members {
		if text != "" {
			parts = append(parts, `"`+name+`":`+text)
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func reasonOf(err error) auth.Reason {
	if refused, ok := errors.AsType[*auth.TokenError](err); ok {
		return refused.Reason
	}
	return ""
}
