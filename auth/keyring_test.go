package auth_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"halley/auth"
)

// TestKeyIDIsTheThumbprint uses the key of RFC 8037 appendix A.
func TestKeyIDIsTheThumbprint(t *testing.T) {
	t.Parallel()
	seed, err := hex.DecodeString("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
	if err != nil {
		t.Fatal(err)
	}
	key, err := auth.NewSigningKey(seed)
	if err != nil {
		t.Fatal(err)
	}
	if want := "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"; key.ID() != want {
		t.Errorf("id = %s, want %s", key.ID(), want)
	}
	want := `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k","alg":"EdDSA",` +
		`"use":"sig","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	if got := string(keyring(t, key).JWKS()); got != want {
		t.Errorf("JWKS = %s, want %s", got, want)
	}
}

func TestPublishedKeysVerifyTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth.DialPolicy{})
	second := signingKey(t, "second")
	set, err := auth.ParseJWKS(keyring(t, w.signing, second).JWKS())
	if err != nil || len(set.Refused) != 0 || len(set.Keys) != 2 {
		t.Fatalf("our own JWKS reads as %+v, %v", set, err)
	}
	if set.Keys[0].ID() != w.signing.ID() || set.Keys[1].ID() != second.ID() {
		t.Error("the signing key must come first")
	}
	// Another installation may trust ours by its published keys: its own ring does not know them.
	other := newWorld(t, auth.DialPolicy{})
	other.ring = keyring(t, signingKey(t, "another installation"))
	other.verifier = other.newVerifier(auth.DialPolicy{}, 0)
	text := w.sign(t, auth.TokenRequest{AppID: "app_a"})
	if _, err := other.authenticate(t, text); !errors.Is(err, auth.ErrUnknownKey) {
		t.Errorf("not trusted yet: err = %v, want ErrUnknownKey", err)
	}
	other.trust["app_a"] = auth.TokenTrust{Keys: set.Keys, Issuer: "halley"}
	if _, err := other.authenticate(t, text); err != nil {
		t.Errorf("trusted: %v", err)
	}
}

// TestRotationOfTheInstallationsKey goes through the steps that Keyring's comment names: no token fails at any of them.
func TestRotationOfTheInstallationsKey(t *testing.T) {
	t.Parallel()
	old, fresh := signingKey(t, "old"), signingKey(t, "fresh")
	steps := []*auth.Keyring{keyring(t, old), keyring(t, old, fresh), keyring(t, fresh, old)}
	w := newWorld(t, auth.DialPolicy{})
	for i, signing := range steps {
		text, _, err := auth.NewSigner(signing).Sign(auth.TokenRequest{AppID: "app_a"}, noon)
		if err != nil {
			t.Fatal(err)
		}
		for _, verifying := range steps[max(i-1, 0):min(i+2, len(steps))] { // nodes are at most one step apart
			w.ring = verifying
			if _, err := w.newVerifier(auth.DialPolicy{}, 0).Authenticate(t.Context(), text, noon); err != nil {
				t.Errorf("signed at step %d: %v", i, err)
			}
		}
	}
}

func TestKeyringRefuses(t *testing.T) {
	t.Parallel()
	if _, err := auth.NewSigningKey(make([]byte, 31)); err == nil {
		t.Error("a seed of 31 bytes was taken")
	}
	if _, err := auth.NewKeyring(""); err == nil {
		t.Error("a ring without keys was made")
	}
	if _, err := auth.NewKeyring("", auth.SigningKey{}); err == nil {
		t.Error("a ring with an empty key was made")
	}
}
