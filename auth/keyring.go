package auth

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
)

// SigningKey is an Ed25519 key of the installation. Its id is the thumbprint of RFC 7638, so it follows from the seed.
type SigningKey struct {
	id      string
	private Secret // ed25519.PrivateKey
}

// NewSigningKey makes the key of a seed: 32 random bytes, or bytes derived from the installation's master key.
func NewSigningKey(seed []byte) (SigningKey, error) {
	if len(seed) != ed25519.SeedSize {
		return SigningKey{}, fmt.Errorf("seed of a signing key: want %d bytes, got %d", ed25519.SeedSize, len(seed))
	}
	private := ed25519.NewKeyFromSeed(seed)
	return SigningKey{id: thumbprint(publicHalf(private)), private: NewSecret(string(private))}, nil
}

// ID is the kid of the tokens that the key signs.
func (k SigningKey) ID() string { return k.id }

// Keyring holds the installation's signing keys: the first signs, all verify. To rotate, put the new key second, restart every
// node, put it first, restart, and drop the old one when the longest token has ended (24 h). It is immutable.
type Keyring struct {
	issuer  string
	signing SigningKey
	keys    map[string]TokenKey
	jwks    []byte
}

// NewKeyring makes a keyring of at least one key. issuer is the iss of the tokens, "halley" if it is empty.
func NewKeyring(issuer string, keys ...SigningKey) (*Keyring, error) {
	if len(keys) == 0 {
		return nil, errors.New("keyring: at least one signing key is needed")
	}
	if issuer == "" {
		issuer = "halley"
	}
	ring := &Keyring{issuer: issuer, signing: keys[0], keys: make(map[string]TokenKey, len(keys))}
	published := jwkSet{Keys: make([]jwk, 0, len(keys))}
	for _, key := range keys {
		if key.private.IsZero() {
			return nil, errors.New("keyring: a signing key that NewSigningKey did not make")
		}
		verifying, err := NewPublicKey(key.id, publicHalf(key.signer()))
		if err != nil {
			return nil, fmt.Errorf("keyring: %w", err)
		}
		ring.keys[key.id] = verifying
		published.Keys = append(published.Keys, publicJWK(key))
	}
	var err error
	if ring.jwks, err = json.Marshal(published); err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	return ring, nil
}

// JWKS is the JSON text to serve at /.well-known/jwks.json: the public keys, signing key first. It must not be changed.
func (r *Keyring) JWKS() []byte { return r.jwks }

func (k SigningKey) signer() ed25519.PrivateKey { return ed25519.PrivateKey(k.private.Reveal()) }

func publicHalf(private ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(private[ed25519.SeedSize:])
}

func publicJWK(key SigningKey) jwk {
	return jwk{
		Type: "OKP", Curve: "Ed25519", ID: key.id, Algorithm: string(EdDSA), Use: "sig",
		X: base64.RawURLEncoding.EncodeToString(publicHalf(key.signer())),
	}
}

// thumbprint is the SHA-256 thumbprint of RFC 7638 for the key type of RFC 8037.
func thumbprint(public ed25519.PublicKey) string {
	x := base64.RawURLEncoding.EncodeToString(public)
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
