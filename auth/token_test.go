package auth_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"halley/auth"
)

const (
	secretA = "a shared secret of app a, 32 bytes or more"
	secretB = "a shared secret of app b, 32 bytes or more"
)

// hmacWorld lets both apps sign with secrets of their own: kids "a1" and "b1".
func hmacWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, auth.DialPolicy{})
	w.trust["app_a"] = auth.TokenTrust{Keys: []auth.TokenKey{hmacKey(t, "a1", secretA)}}
	w.trust["app_b"] = auth.TokenTrust{Keys: []auth.TokenKey{hmacKey(t, "b1", secretB)}}
	return w
}

// signedByA is a token signed by app a's own secret.
func signedByA(t *testing.T, header, payload string) string {
	t.Helper()
	return compact(t, jwt.SigningMethodHS256, []byte(secretA), header, payload)
}

const headerA = `{"alg":"HS256","typ":"JWT","kid":"a1"}`

func TestTokenOfTheApp(t *testing.T) {
	t.Parallel()
	w := hmacWorld(t)
	more := map[string]string{"jti": `"t1"`, "nbf": "1", "more": `{"a":[1,null]}`}
	grant, err := w.authenticate(t, signedByA(t, headerA, payload(more)))
	want := &auth.Grant{
		Kind: auth.KindToken, AppID: "app_a", ClientID: "ada", TokenID: "t1", ExpiresAt: noon.Add(time.Hour),
		Scopes: []auth.Capability{capability(t, map[string][]string{"room:*": {"subscribe", "publish"}})},
	}
	if err != nil || !reflect.DeepEqual(grant, want) {
		t.Errorf("grant = %+v, %v, want %+v", grant, err, want)
	}
}

func TestTokenForms(t *testing.T) {
	t.Parallel()
	w := hmacWorld(t)
	for name, changes := range map[string]map[string]string{
		"aud as a list of one": {"aud": `["app_a"]`},
		"anonymous":            {"sub": ""},
		"times with fractions": {"exp": fmt.Sprintf("%d.5", noon.Unix()+60), "iat": fmt.Sprintf("%d.25e0", noon.Unix()-1)},
		"an empty capability":  {"cap": "{}"},
		"longest client id":    {"sub": `"` + strings.Repeat("ü", 128) + `"`},
		"longest life":         {"exp": fmt.Sprint(noon.Unix() + 24*3600)},
	} {
		grant, err := w.authenticate(t, signedByA(t, headerA, payload(changes)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if _, given := changes["cap"]; given == grant.Allows(auth.OpSubscribe, "room:1") {
			t.Errorf("%s: the grant allows the wrong things", name)
		}
	}
}

// TestTokenRules breaks one rule in each case; the token is signed well in all of them.
func TestTokenRules(t *testing.T) {
	t.Parallel()
	unix := func(offset int64) string { return fmt.Sprint(noon.Unix() + offset) }
	for name, test := range map[string]struct {
		header  string
		changes map[string]string
		reason  auth.Reason
	}{
		"crit":                    {`{"alg":"HS256","kid":"a1","crit":["exp"]}`, nil, auth.ReasonCritical},
		"crit is null":            {`{"alg":"HS256","kid":"a1","crit":null}`, nil, auth.ReasonCritical},
		"alg in small letters":    {`{"alg":"hs256","kid":"a1"}`, nil, auth.ReasonAlgorithm},
		"alg missing":             {`{"kid":"a1"}`, nil, auth.ReasonAlgorithm},
		"alg of another length":   {`{"alg":"HS512","kid":"a1"}`, nil, auth.ReasonAlgorithm},
		"exp missing":             {headerA, map[string]string{"exp": ""}, auth.ReasonNoExpiry},
		"exp null":                {headerA, map[string]string{"exp": "null"}, auth.ReasonNoExpiry},
		"exp in a hundred years":  {headerA, map[string]string{"exp": unix(100 * 365 * 86400)}, auth.ReasonLifetime},
		"exp beyond all reason":   {headerA, map[string]string{"exp": "1e300"}, auth.ReasonLifetime},
		"exp a second too far":    {headerA, map[string]string{"exp": unix(86401)}, auth.ReasonLifetime},
		"exp not after iat":       {headerA, map[string]string{"exp": unix(5), "iat": unix(5)}, auth.ReasonLifetime},
		"iat missing":             {headerA, map[string]string{"iat": ""}, auth.ReasonNoIssueTime},
		"iat ahead of the leeway": {headerA, map[string]string{"iat": unix(31)}, auth.ReasonNotYetIssued},
		"nbf ahead of the leeway": {headerA, map[string]string{"nbf": unix(31)}, auth.ReasonNotYetValid},
		"aud missing":             {headerA, map[string]string{"aud": ""}, auth.ReasonAudience},
		"aud empty":               {headerA, map[string]string{"aud": `""`}, auth.ReasonAudience},
		"aud an empty list":       {headerA, map[string]string{"aud": `[]`}, auth.ReasonAudience},
		"aud of two apps":         {headerA, map[string]string{"aud": `["app_a","app_b"]`}, auth.ReasonAudience},
		"sub too long":            {headerA, map[string]string{"sub": `"` + strings.Repeat("a", 129) + `"`}, auth.ReasonSubject},
		"cap with unknown op":     {headerA, map[string]string{"cap": `{"a":["fly"]}`}, auth.ReasonCapability},
		"cap with a bad pattern":  {headerA, map[string]string{"cap": `{"room*":["publish"]}`}, auth.ReasonCapability},
		"cap missing":             {headerA, map[string]string{"cap": ""}, auth.ReasonCapability},
		"sub with a line break":   {headerA, map[string]string{"sub": `"a\nb"`}, auth.ReasonSubject},
		"cap null":                {headerA, map[string]string{"cap": `null`}, auth.ReasonCapability},
		"cap a list":              {headerA, map[string]string{"cap": `["publish"]`}, auth.ReasonCapability},
		"minted by no one":        {headerA, map[string]string{"key": `"nosuchid"`}, auth.ReasonMintingKey},
		"minted by a foreign key": {headerA, map[string]string{"key": `"FOREIGN1"`}, auth.ReasonMintingKey},
		"minted by a page's key":  {headerA, map[string]string{"key": `"BROWSER1"`}, auth.ReasonMintingKey},
	} {
		w := hmacWorld(t)
		w.keys["FOREIGN1"] = auth.Key{ID: "FOREIGN1", AppID: "app_b", Kind: auth.KindSecret, Capability: auth.AllowAll()}
		w.keys["BROWSER1"] = auth.Key{ID: "BROWSER1", AppID: "app_a", Kind: auth.KindPublishable}
		grant, err := w.authenticate(t, signedByA(t, test.header, payload(test.changes)))
		if grant != nil || !errors.Is(err, auth.ErrTokenRefused) || reasonOf(err) != test.reason {
			t.Errorf("%s: %+v, %v, want it refused for %s", name, grant, err, test.reason)
		}
	}
}

func TestTokenMalformed(t *testing.T) {
	t.Parallel()
	w := hmacWorld(t)
	good := signedByA(t, headerA, payload(nil))
	parts := strings.Split(good, ".")
	duplicate := strings.TrimSuffix(payload(nil), "}")
	for name, text := range map[string]string{
		"duplicate claim":            signedByA(t, headerA, duplicate+`,"sub":"eve"}`),
		"duplicate claim, not ours":  signedByA(t, headerA, duplicate+`,"x":1,"x":1}`),
		"duplicate claim, nested":    signedByA(t, headerA, duplicate+`,"x":{"y":1,"y":2}}`),
		"duplicate name in header":   signedByA(t, `{"alg":"HS256","kid":"b1","kid":"a1"}`, payload(nil)),
		"bad UTF-8":                  signedByA(t, headerA, duplicate+",\"x\":\"\xff\"}"),
		"two parts":                  parts[0] + "." + parts[1],
		"four parts":                 good + ".",
		"padding":                    good + "==",
		"line break in signature":    parts[0] + "." + parts[1] + ".\n" + parts[2],
		"line break in payload":      parts[0] + "." + parts[1] + "\r\n." + parts[2],
		"standard base64":            strings.ReplaceAll(parts[0]+"."+parts[1]+".", "_", "/") + "+/+/",
		"header is no JSON":          base64.RawURLEncoding.EncodeToString([]byte("alg")) + "." + parts[1] + "." + parts[2],
		"header is null":             signedByA(t, `null`, payload(nil)),
		"payload is null":            signedByA(t, headerA, `null`),
		"payload is a list":          signedByA(t, headerA, `[]`),
		"text after the payload":     signedByA(t, headerA, payload(nil)+"{}"),
		"exp is text":                signedByA(t, headerA, payload(map[string]string{"exp": `"1"`})),
		"aud is a number":            signedByA(t, headerA, payload(map[string]string{"aud": `1`})),
		"aud is a list of numbers":   signedByA(t, headerA, payload(map[string]string{"aud": `[1]`})),
		"empty parts":                "..",
		"more than 8 KiB":            signedByA(t, headerA, duplicate+`,"x":"`+strings.Repeat("a", 8<<10)+`"}`),
		"more than 8 KiB of nothing": strings.Repeat(".", 8<<10+1),
	} {
		if grant, err := w.authenticate(t, text); grant != nil || !errors.Is(err, auth.ErrMalformed) {
			t.Errorf("%s: %+v, %v, want ErrMalformed", name, grant, err)
		}
	}
}

func TestNonCanonicalBase64IsMalformed(t *testing.T) {
	t.Parallel()
	w := hmacWorld(t)
	good := signedByA(t, headerA, payload(nil))
	// 32 bytes of signature leave two unused bits in the last character: set one of them.
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, good[len(good)-1])
	other := good[:len(good)-1] + string(alphabet[last|1])
	if other == good {
		t.Fatal("the encoder set an unused bit")
	}
	if _, err := w.authenticate(t, other); !errors.Is(err, auth.ErrMalformed) {
		t.Errorf("err = %v, want ErrMalformed: one token must have one text", err)
	}
}

func TestAlgNoneIsRefused(t *testing.T) {
	t.Parallel()
	w := hmacWorld(t)
	for _, alg := range []string{"none", "None", "NONE", ""} {
		for _, kid := range []string{"a1", w.signing.ID()} {
			header := fmt.Sprintf(`{"alg":%q,"kid":%q}`, alg, kid)
			text := compact(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, header, payload(nil))
			if _, err := w.authenticate(t, text); reasonOf(err) != auth.ReasonAlgorithm {
				t.Errorf("alg %q, kid %q: err = %v, want it refused for its algorithm", alg, kid, err)
			}
		}
	}
}

// TestPublicKeyIsNoSharedSecret signs with HS256 and the bytes of a public key, in each form in which it is known.
func TestPublicKeyIsNoSharedSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth.DialPolicy{})
	public := private("the installation").Public().(ed25519.PublicKey)
	encoded, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string][]byte{
		"raw": public, "DER": encoded, "JWKS": w.ring.JWKS(),
		"PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: encoded}),
	} {
		header := fmt.Sprintf(`{"alg":"HS256","kid":%q}`, w.signing.ID())
		text := compact(t, jwt.SigningMethodHS256, secret, header, payload(map[string]string{"iss": `"halley"`}))
		if _, err := w.authenticate(t, text); reasonOf(err) != auth.ReasonAlgorithm {
			t.Errorf("%s: err = %v, want it refused for its algorithm", name, err)
		}
	}
}

// TestEachKeyHasOneAlgorithm signs with each kind of key and names each algorithm: only the pairs that belong together pass.
func TestEachKeyHasOneAlgorithm(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, auth.DialPolicy{})
	w.trust["app_a"] = auth.TokenTrust{Keys: []auth.TokenKey{
		hmacKey(t, "hmac", secretA), publicKey(t, "rsa", &rsaKey.PublicKey), publicKey(t, "ec", &ecKey.PublicKey),
		publicKey(t, "ed", private("ed").Public()),
	}}
	owner := map[string]string{"HS256": "hmac", "RS256": "rsa", "ES256": "ec", "EdDSA": "ed"}
	for _, signed := range []struct {
		kid    string
		method jwt.SigningMethod
		key    any
	}{
		{"hmac", jwt.SigningMethodHS256, []byte(secretA)}, {"hmac", jwt.SigningMethodHS384, []byte(secretA)},
		{"rsa", jwt.SigningMethodRS256, rsaKey}, {"rsa", jwt.SigningMethodPS256, rsaKey}, {"rsa", jwt.SigningMethodRS512, rsaKey},
		{"ec", jwt.SigningMethodES256, ecKey}, {"ed", jwt.SigningMethodEdDSA, private("ed")},
	} {
		for _, kid := range []string{"hmac", "rsa", "ec", "ed"} {
			for _, alg := range []string{"HS256", "RS256", "ES256", "EdDSA", "HS384", "PS256", "RS512"} {
				header := fmt.Sprintf(`{"alg":%q,"kid":%q}`, alg, kid)
				_, err := w.authenticate(t, compact(t, signed.method, signed.key, header, payload(nil)))
				name := fmt.Sprintf("signed by %s as %s, said to be %s by %s", signed.kid, signed.method.Alg(), alg, kid)
				switch {
				case owner[alg] != kid:
					if reasonOf(err) != auth.ReasonAlgorithm {
						t.Errorf("%s: %v, want it refused for its algorithm", name, err)
					}
				case kid == signed.kid && alg == signed.method.Alg():
					if err != nil {
						t.Errorf("%s: %v", name, err)
					}
				default:
					if !errors.Is(err, auth.ErrSignature) {
						t.Errorf("%s: %v, want ErrSignature", name, err)
					}
				}
			}
		}
	}
}

func TestChangedTokensDoNotVerify(t *testing.T) {
	t.Parallel()
	w := hmacWorld(t)
	parts := strings.Split(signedByA(t, headerA, payload(nil)), ".")
	other := strings.Split(signedByA(t, headerA, payload(map[string]string{"sub": `"eve"`})), ".")
	for name, text := range map[string]string{
		"payload of another": parts[0] + "." + other[1] + "." + parts[2],
		"no signature":       parts[0] + "." + parts[1] + ".",
		"signature cut":      parts[0] + "." + parts[1] + "." + parts[2][:40],
	} {
		if _, err := w.authenticate(t, text); !errors.Is(err, auth.ErrSignature) {
			t.Errorf("%s: err = %v, want ErrSignature", name, err)
		}
	}
}

func TestKidOfAnotherTenantIsUnknown(t *testing.T) {
	t.Parallel()
	w := hmacWorld(t)
	for name, test := range map[string]struct{ header, app, secret string }{
		"unknown kid":                          {`{"alg":"HS256","kid":"a2"}`, "app_a", secretA},
		"b's key for a":                        {`{"alg":"HS256","kid":"b1"}`, "app_a", secretB},
		"a's key for b":                        {`{"alg":"HS256","kid":"a1"}`, "app_b", secretA},
		"for an app that does not exist":       {`{"alg":"HS256","kid":"a1"}`, "app_c", secretA},
		"installation's kid, app of no record": {fmt.Sprintf(`{"alg":"EdDSA","kid":%q}`, w.signing.ID()), "app_c", secretA},
	} {
		claims := payload(map[string]string{"aud": `"` + test.app + `"`})
		text := compact(t, jwt.SigningMethodHS256, []byte(test.secret), test.header, claims)
		if _, err := w.authenticate(t, text); !errors.Is(err, auth.ErrUnknownKey) {
			t.Errorf("%s: err = %v, want ErrUnknownKey", name, err)
		}
	}
	// The kid is a's, so is the app; the secret is b's.
	text := compact(t, jwt.SigningMethodHS256, []byte(secretB), headerA, payload(nil))
	if _, err := w.authenticate(t, text); !errors.Is(err, auth.ErrSignature) {
		t.Errorf("signed by b with a's kid: err = %v, want ErrSignature", err)
	}
}

func TestAppCannotTakeTheInstallationsKid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth.DialPolicy{})
	w.trust["app_a"] = auth.TokenTrust{Keys: []auth.TokenKey{hmacKey(t, w.signing.ID(), secretA)}}
	text := signedByA(t, fmt.Sprintf(`{"alg":"HS256","kid":%q}`, w.signing.ID()), payload(nil))
	if _, err := w.authenticate(t, text); reasonOf(err) != auth.ReasonAlgorithm {
		t.Errorf("err = %v, want the installation's key to be asked", err)
	}
}

func TestTokenWithoutKid(t *testing.T) {
	t.Parallel()
	w := hmacWorld(t)
	text := signedByA(t, `{"alg":"HS256"}`, payload(nil))
	if _, err := w.authenticate(t, text); err != nil {
		t.Errorf("the app has one key: %v", err)
	}
	one := w.trust["app_a"].Keys[0]
	for name, trust := range map[string]auth.TokenTrust{
		"no key":         {},
		"two keys":       {Keys: []auth.TokenKey{one, hmacKey(t, "a2", secretB)}},
		"key and a JWKS": {Keys: []auth.TokenKey{one}, JWKSURL: "https://192.0.2.1/jwks"},
	} {
		w.trust["app_a"] = trust
		if _, err := w.authenticate(t, text); reasonOf(err) != auth.ReasonKeyID {
			t.Errorf("%s: err = %v, want it refused for want of a kid", name, err)
		}
	}
}

func TestLeewayIsThirtySeconds(t *testing.T) {
	t.Parallel()
	w := hmacWorld(t)
	for name, test := range map[string]struct {
		changes map[string]string
		at      time.Time
		good    bool
	}{
		"29.999 s after exp":  {nil, noon.Add(time.Hour + 29999*time.Millisecond), true},
		"30 s after exp":      {nil, noon.Add(time.Hour + 30*time.Second), false},
		"30 s before iat":     {nil, noon.Add(-30 * time.Second), true},
		"30.001 s before iat": {nil, noon.Add(-30001 * time.Millisecond), false},
		"30 s before nbf":     {map[string]string{"nbf": fmt.Sprint(noon.Unix() + 30)}, noon, true},
		"just before nbf":     {map[string]string{"nbf": fmt.Sprint(noon.Unix() + 30)}, noon.Add(-1), false},
	} {
		grant, err := w.verifier.Authenticate(t.Context(), signedByA(t, headerA, payload(test.changes)), test.at)
		if (err == nil) != test.good {
			t.Errorf("%s: err = %v, want success: %v", name, err, test.good)
		}
		if err == nil && !grant.ExpiresAt.Equal(noon.Add(time.Hour)) {
			t.Errorf("%s: the leeway moved the grant's end to %v", name, grant.ExpiresAt)
		}
	}
	_, err := w.verifier.Authenticate(t.Context(), signedByA(t, headerA, payload(nil)), noon.Add(2*time.Hour))
	if !errors.Is(err, auth.ErrExpired) {
		t.Errorf("err = %v, want ErrExpired, which a client answers by renewing", err)
	}
}

func TestAppSetsTheLongestLifeAndTheIssuer(t *testing.T) {
	t.Parallel()
	w := hmacWorld(t)
	trust := w.trust["app_a"]
	trust.MaxTTL, trust.Issuer = 30*time.Minute, "https://login.example.com/"
	w.trust["app_a"] = trust
	issuer := `"https://login.example.com/"`
	short := fmt.Sprint(noon.Unix() + 1800)
	for name, test := range map[string]struct {
		changes map[string]string
		reason  auth.Reason
	}{
		"as it should be": {map[string]string{"iss": issuer, "exp": short}, ""},
		"too long":        {map[string]string{"iss": issuer}, auth.ReasonLifetime},
		"other issuer":    {map[string]string{"iss": `"https://evil.example.com/"`, "exp": short}, auth.ReasonIssuer},
		"no issuer":       {map[string]string{"exp": short}, auth.ReasonIssuer},
	} {
		_, err := w.authenticate(t, signedByA(t, headerA, payload(test.changes)))
		if reasonOf(err) != test.reason || (err == nil) != (test.reason == "") {
			t.Errorf("%s: err = %v, want reason %q", name, err, test.reason)
		}
	}
	token := w.sign(t, auth.TokenRequest{AppID: "app_a", TTL: time.Hour})
	if _, err := w.authenticate(t, token); reasonOf(err) != auth.ReasonLifetime {
		t.Errorf("the installation's token: err = %v, want the app's longest life to hold for it too", err)
	}
	forged := compact(t, jwt.SigningMethodEdDSA, private("the installation"),
		fmt.Sprintf(`{"alg":"EdDSA","kid":%q}`, w.signing.ID()), payload(map[string]string{"iss": issuer, "exp": short}))
	if _, err := w.authenticate(t, forged); reasonOf(err) != auth.ReasonIssuer {
		t.Errorf("the installation's key with another iss: err = %v, want it refused", err)
	}
}

func TestWeakKeysAreNotMade(t *testing.T) {
	t.Parallel()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, public := range map[string]any{
		"RSA of 1024 bits": &small.PublicKey, "P-384": &p384.PublicKey, "short Ed25519": ed25519.PublicKey("short"),
		"a private key": small, "nothing": nil,
	} {
		if _, err := auth.NewPublicKey("k", public); !errors.Is(err, auth.ErrWeakKey) {
			t.Errorf("%s: err = %v, want ErrWeakKey", name, err)
		}
	}
	for _, size := range []int{0, 1, 31, 1025} {
		if _, err := auth.NewHMACKey("k", make([]byte, size)); !errors.Is(err, auth.ErrWeakKey) {
			t.Errorf("HMAC key of %d bytes: err = %v, want ErrWeakKey", size, err)
		}
	}
	if _, err := auth.NewHMACKey(strings.Repeat("k", 257), make([]byte, 32)); !errors.Is(err, auth.ErrWeakKey) {
		t.Errorf("long id: err = %v, want ErrWeakKey", err)
	}
	if key, err := auth.NewHMACKey("k", make([]byte, 32)); err != nil || key.ID() != "k" || key.Algorithm() != auth.HS256 {
		t.Errorf("HMAC key of 32 bytes: %v, %v", key, err)
	}
}

func FuzzAuthenticate(f *testing.F) {
	w := newWorld(f, auth.DialPolicy{})
	w.trust["app_a"] = auth.TokenTrust{Keys: []auth.TokenKey{hmacKey(f, "a1", secretA)}}
	_, key := w.addKey("app_a", auth.KindSecret, auth.AllowAll())
	f.Add(key)
	f.Add(w.sign(f, auth.TokenRequest{AppID: "app_a", ClientID: "ada", Capability: auth.AllowAll()}))
	f.Add(compact(f, jwt.SigningMethodHS256, []byte(secretA), headerA, payload(nil)))
	everything := payload(map[string]string{"cap": `{"*":["*"]}`})
	f.Add(compact(f, jwt.SigningMethodHS256, []byte(secretA), `{"alg":"HS256"}`, everything))
	f.Add(compact(f, jwt.SigningMethodHS256, []byte(secretA), headerA, `{"aud":["a","b"],"exp":-1e308}`))
	f.Add("..")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	known := []error{
		auth.ErrMalformed, auth.ErrUnknownKey, auth.ErrRevoked, auth.ErrExpired, auth.ErrSignature, auth.ErrTokenRefused,
	}
	f.Fuzz(func(t *testing.T, credential string) {
		grant, err := w.verifier.Authenticate(t.Context(), credential, noon)
		if (grant == nil) == (err == nil) {
			t.Fatalf("grant %v with error %v", grant, err)
		}
		if err == nil && grant.AppID != "app_a" {
			t.Fatalf("grant for %q", grant.AppID)
		}
		for _, sentinel := range known {
			if err == nil || errors.Is(err, sentinel) {
				return
			}
		}
		t.Fatalf("%v is none of the package's errors", err)
	})
}
