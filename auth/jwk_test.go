package auth_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"halley/auth"
)

// The RSA key of RFC 7517 appendix A.1 and the EC key of RFC 7515 appendix A.3.
const (
	rsaJWK = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECP` +
		`ebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJ` +
		`ZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1` +
		`jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`
	ecJWK = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",` +
		`"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","kid":"ec"}`
	edJWK = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"ed"}`
)

func TestParseJWK(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text, id  string
		algorithm auth.Algorithm
	}{
		"RSA":               {rsaJWK, "2011-04-29", auth.RS256},
		"EC":                {ecJWK, "ec", auth.ES256},
		"Ed25519":           {edJWK, "ed", auth.EdDSA},
		"members we ignore": {strings.Replace(edJWK, "{", `{"x5c":["a"],"ext":true,`, 1), "ed", auth.EdDSA},
		"purpose":           {strings.Replace(edJWK, "{", `{"use":"sig","key_ops":["verify"],`, 1), "ed", auth.EdDSA},
		"without kid":       {strings.Replace(edJWK, `,"kid":"ed"`, "", 1), "", auth.EdDSA},
		"alg of EC":         {strings.Replace(ecJWK, "{", `{"alg":"ES256",`, 1), "ec", auth.ES256},
		"alg of Ed25519":    {strings.Replace(edJWK, "{", `{"alg":"EdDSA",`, 1), "ed", auth.EdDSA},
	} {
		key, err := auth.ParseJWK([]byte(test.text))
		if err != nil || key.ID() != test.id || key.Algorithm() != test.algorithm {
			t.Errorf("%s: %v, %v, want kid %q and %s", name, key, err, test.id, test.algorithm)
		}
	}
}

func TestParseJWKRefuses(t *testing.T) {
	t.Parallel()
	replace := func(text, old, new string) string {
		t.Helper()
		if !strings.Contains(text, old) {
			t.Fatalf("%s is not in %s", old, text)
		}
		return strings.Replace(text, old, new, 1)
	}
	for name, test := range map[string]struct{ text, says string }{
		"symmetric":           {`{"kty":"oct","k":"AAAA"}`, "symmetric"},
		"private":             {replace(edJWK, "{", `{"d":"AAAA",`), "private"},
		"for encryption":      {replace(rsaJWK, "{", `{"use":"enc",`), "not for signatures"},
		"for wrapping":        {replace(rsaJWK, "{", `{"key_ops":["wrapKey"],`), "without verify"},
		"other alg":           {replace(rsaJWK, "RS256", "PS256"), "used with RS256"},
		"HS256 with RSA":      {replace(rsaJWK, "RS256", "HS256"), "used with RS256"},
		"no kty":              {`{}`, "are admitted"},
		"P-384":               {replace(ecJWK, "P-256", "P-384"), "are admitted"},
		"Ed448":               {replace(edJWK, "Ed25519", "Ed448"), "are admitted"},
		"X25519":              {replace(edJWK, "Ed25519", "X25519"), "are admitted"},
		"point off the curve": {replace(ecJWK, "f83O", "f83P"), ""},
		"EC without x":        {replace(ecJWK, `"x":`, `"X":`), "member x"},
		"EC without y":        {replace(ecJWK, `"y":`, `"Y":`), "member y"},
		"short Ed25519":       {replace(edJWK, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "AAAA"), "member x has 3 bytes"},
		"padding":             {replace(edJWK, `URo"`, `URo="`), "member x"},
		"RSA without n":       {replace(rsaJWK, `"n":`, `"m":`), "member n"},
		"RSA without e":       {replace(rsaJWK, `"e":"AQAB"`, `"f":""`), "member e"},
		"even exponent":       {replace(rsaJWK, `"AQAB"`, `"AQAA"`), "odd"},
		"exponent one":        {replace(rsaJWK, `"AQAB"`, `"AQ"`), "odd"},
		"huge exponent":       {replace(rsaJWK, `"AQAB"`, `"AQAAAAAAAAAB"`), "at most 31"},
		"duplicate name":      {replace(edJWK, "{", `{"kid":"x",`), "duplicate"},
		"long kid":            {replace(edJWK, `"ed"`, `"`+strings.Repeat("k", 257)+`"`), "257 bytes"},
		"no JSON":             {`kty`, ""},
		"a list":              {`[]`, ""},
	} {
		_, err := auth.ParseJWK([]byte(test.text))
		if !errors.Is(err, auth.ErrJWK) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: err = %v, want ErrJWK that says %q", name, err, test.says)
		}
	}
}

func TestParseJWKKnowsWeakRSA(t *testing.T) {
	t.Parallel()
	for bits, good := range map[int]bool{1024: false, 2047: false, 2048: true, 8192: true, 8193: false} {
		modulus := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
		modulus.SetBit(modulus, 0, 1)
		text := fmt.Sprintf(`{"kty":"RSA","e":"AQAB","n":%q}`, base64.RawURLEncoding.EncodeToString(modulus.Bytes()))
		if _, err := auth.ParseJWK([]byte(text)); (err == nil) != good || !good && !errors.Is(err, auth.ErrWeakKey) {
			t.Errorf("%d bits: err = %v, want success: %v", bits, err, good)
		}
	}
}

func TestParsedKeysVerify(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := ecKey.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	set, err := auth.ParseJWKS([]byte(jwksText(
		jwkOfRSA("rsa", &rsaKey.PublicKey), jwkOfEd("ed", private("ed")),
		fmt.Sprintf(`{"kty":"EC","crv":"P-256","kid":"ec","x":%q,"y":%q}`,
			base64.RawURLEncoding.EncodeToString(point[1:33]), base64.RawURLEncoding.EncodeToString(point[33:])),
	)))
	if err != nil || len(set.Keys) != 3 {
		t.Fatalf("%+v, %v", set, err)
	}
	w := newWorld(t, auth.DialPolicy{})
	w.trust["app_a"] = auth.TokenTrust{Keys: set.Keys}
	for _, test := range []struct {
		kid    string
		method jwt.SigningMethod
		key    any
	}{
		{"rsa", jwt.SigningMethodRS256, rsaKey}, {"ec", jwt.SigningMethodES256, ecKey},
		{"ed", jwt.SigningMethodEdDSA, private("ed")},
	} {
		header := fmt.Sprintf(`{"alg":%q,"kid":%q}`, test.method.Alg(), test.kid)
		if _, err := w.authenticate(t, compact(t, test.method, test.key, header, payload(nil))); err != nil {
			t.Errorf("%s: %v", test.kid, err)
		}
	}
}

func TestParseJWKSSetsBadKeysAside(t *testing.T) {
	t.Parallel()
	sameKid := strings.Replace(ecJWK, `"ec"`, `"ed"`, 1)
	set, err := auth.ParseJWKS([]byte(jwksText(`{"kty":"oct","kid":"o"}`, edJWK, `{"kty":"new","kid":"n"}`, sameKid)))
	if err != nil || len(set.Keys) != 1 || set.Keys[0].ID() != "ed" || set.Keys[0].Algorithm() != auth.EdDSA {
		t.Fatalf("keys = %v, %v, want the Ed25519 key alone", set.Keys, err)
	}
	var ids []string
	for _, refused := range set.Refused {
		ids = append(ids, refused.ID)
	}
	if got := strings.Join(ids, " "); got != "o n ed" {
		t.Errorf("refused %q, want the symmetric, the new and the second of one kid", got)
	}
}

func TestParseJWKSRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty": ``, "no keys": `{}`, "keys null": `{"keys":null}`, "a list": `[]`, "duplicate": `{"keys":[],"keys":[]}`,
		"33 keys": jwksText(strings.Split(strings.Repeat(edJWK+"\n", 33), "\n")[:33]...),
		"64 KiB":  `{"keys":[],"x":"` + strings.Repeat("a", 64<<10) + `"}`,
	} {
		if _, err := auth.ParseJWKS([]byte(text)); !errors.Is(err, auth.ErrJWK) {
			t.Errorf("%s: err = %v, want ErrJWK", name, err)
		}
	}
}

func jwksText(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

func jwkOfEd(id string, key ed25519.PrivateKey) string {
	public := key.Public().(ed25519.PublicKey)
	return fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":%q,"x":%q}`, id, base64.RawURLEncoding.EncodeToString(public))
}

func jwkOfRSA(id string, key *rsa.PublicKey) string {
	encode := base64.RawURLEncoding.EncodeToString
	exponent := big.NewInt(int64(key.E)).Bytes()
	return fmt.Sprintf(`{"kty":"RSA","kid":%q,"n":%q,"e":%q}`, id, encode(key.N.Bytes()), encode(exponent))
}

func FuzzParseJWKS(f *testing.F) {
	for _, seed := range []string{
		jwksText(rsaJWK, ecJWK, edJWK), jwksText(`{"kty":"oct"}`), `{"keys":[]}`, `{"keys":[null,1,"",[]]}`, `{}`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := auth.ParseJWKS(text)
		if err != nil && !errors.Is(err, auth.ErrJWK) {
			t.Errorf("%v is no ErrJWK", err)
		}
		if len(set.Keys)+len(set.Refused) > 32 {
			t.Errorf("%d keys and %d refused: at most 32", len(set.Keys), len(set.Refused))
		}
		for _, refused := range set.Refused {
			if !errors.Is(refused.Err, auth.ErrJWK) {
				t.Errorf("%v is no ErrJWK", refused.Err)
			}
		}
		for _, key := range set.Keys {
			if key.Algorithm() == auth.HS256 || key.Algorithm() == "" {
				t.Errorf("a published key is used with %q", key.Algorithm())
			}
		}
	})
}
