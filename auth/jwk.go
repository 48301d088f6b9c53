package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of a key set.
const (
	maxJWKSBytes = 64 << 10
	maxJWKSKeys  = 32
)

// ErrJWK is wrapped by the errors of ParseJWKS and stands in each RefusedJWK.
var ErrJWK = errors.New("not a usable JWK")

// JWKS is a set of public keys.
type JWKS struct {
	Keys    []TokenKey
	Refused []RefusedJWK
}

// RefusedJWK is a key of a set that cannot be used. The others of the set can.
type RefusedJWK struct {
	ID  string
	Err error
}

// jwk holds the members of RFC 7517 and 7518 that matter here. Others are ignored.
type jwk struct {
	Type       string         `json:"kty"`
	Curve      string         `json:"crv,omitzero"`
	ID         string         `json:"kid,omitzero"`
	Algorithm  string         `json:"alg,omitzero"`
	Use        string         `json:"use,omitzero"`
	Operations []string       `json:"key_ops,omitzero"`
	X          string         `json:"x,omitzero"`
	Y          string         `json:"y,omitzero"`
	N          string         `json:"n,omitzero"`
	E          string         `json:"e,omitzero"`
	Private    jsontext.Value `json:"d,omitzero"`
}

type jwkSet struct {
	Keys []jwk `json:"keys"`
}

// ParseJWKS reads a key set of at most 64 KiB and 32 keys. Duplicate names are an error. Keys that cannot be used are set aside
// (RFC 7517 section 5), so that an app may publish keys for other purposes too.
func ParseJWKS(text []byte) (JWKS, error) {
	var raw struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if len(text) > maxJWKSBytes {
		return JWKS{}, fmt.Errorf("%w: the set has more than %d bytes", ErrJWK, maxJWKSBytes)
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return JWKS{}, fmt.Errorf("%w: %w", ErrJWK, err)
	}
	if raw.Keys == nil {
		return JWKS{}, fmt.Errorf(`%w: the set has no "keys"`, ErrJWK)
	}
	if len(raw.Keys) > maxJWKSKeys {
		return JWKS{}, fmt.Errorf("%w: the set has %d keys: at most %d", ErrJWK, len(raw.Keys), maxJWKSKeys)
	}
	var set JWKS
	for _, text := range raw.Keys {
		set.add(text)
	}
	return set, nil
}

// add appends the key, or the reason why not. The first key of an id counts.
func (s *JWKS) add(text []byte) {
	id, key, err := parseJWK(text)
	if err == nil && slices.ContainsFunc(s.Keys, func(other TokenKey) bool { return other.id == id }) {
		err = fmt.Errorf("%w: an earlier key of the set has the same kid", ErrJWK)
	}
	if err != nil {
		s.Refused = append(s.Refused, RefusedJWK{ID: id, Err: err})
		return
	}
	s.Keys = append(s.Keys, key)
}

// parseJWK reads one public key: RSA, EC on P-256, or OKP on Ed25519. A symmetric key, a private key and one that is not for
// signatures are errors.
func parseJWK(text []byte) (id string, key TokenKey, err error) {
	var raw jwk
	if err := json.Unmarshal(text, &raw); err != nil {
		return "", TokenKey{}, fmt.Errorf("%w: %w", ErrJWK, err)
	}
	if err := raw.checkPurpose(); err != nil {
		return raw.ID, TokenKey{}, err
	}
	public, err := raw.publicKey()
	if err != nil {
		return raw.ID, TokenKey{}, err
	}
	if key, err = NewPublicKey(raw.ID, public); err != nil {
		return raw.ID, TokenKey{}, fmt.Errorf("%w: %w", ErrJWK, err)
	}
	if raw.Algorithm != "" && raw.Algorithm != string(key.algorithm) {
		return raw.ID, TokenKey{}, fmt.Errorf("%w: alg %.20q: a key of this type is used with %s",
			ErrJWK, raw.Algorithm, key.algorithm)
	}
	return raw.ID, key, nil
}

func (k *jwk) checkPurpose() error {
	switch {
	case k.Type == "oct":
		return fmt.Errorf("%w: a symmetric key (kty oct) must never be published", ErrJWK)
	case k.Private != nil:
		return fmt.Errorf("%w: it holds a private key (d), which must never be published", ErrJWK)
	case k.Use != "" && k.Use != "sig":
		return fmt.Errorf("%w: use %.20q: not for signatures", ErrJWK, k.Use)
	case k.Operations != nil && !slices.Contains(k.Operations, "verify"):
		return fmt.Errorf("%w: key_ops without verify", ErrJWK)
	}
	return nil
}

func (k *jwk) publicKey() (any, error) {
	switch {
	case k.Type == "RSA":
		return k.rsaKey()
	case k.Type == "EC" && k.Curve == "P-256":
		return k.ecKey()
	case k.Type == "OKP" && k.Curve == "Ed25519":
		x, err := member("x", k.X, ed25519.PublicKeySize)
		return ed25519.PublicKey(x), err
	default:
		return nil, fmt.Errorf("%w: kty %.20q, crv %.20q: RSA, EC on P-256 and OKP on Ed25519 are admitted",
			ErrJWK, k.Type, k.Curve)
	}
}

func (k *jwk) rsaKey() (*rsa.PublicKey, error) {
	modulus, err := member("n", k.N, 0)
	if err != nil {
		return nil, err
	}
	exponent, err := member("e", k.E, 0)
	if err != nil {
		return nil, err
	}
	e := new(big.Int).SetBytes(exponent)
	if e.BitLen() > 31 { // what crypto/rsa computes with
		return nil, fmt.Errorf("%w: the exponent of the RSA key has %d bits: at most 31", ErrJWK, e.BitLen())
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: int(e.Int64())}, nil
}

func (k *jwk) ecKey() (*ecdsa.PublicKey, error) {
	const coordinate = 32
	x, err := member("x", k.X, coordinate)
	if err != nil {
		return nil, err
	}
	y, err := member("y", k.Y, coordinate)
	if err != nil {
		return nil, err
	}
	point := slices.Concat([]byte{4}, x, y) // SEC 1 section 2.3.3: uncompressed
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrJWK, err)
	}
	return key, nil
}

// member decodes one base64url member. size 0 admits any length but none.
func member(name, text string, size int) ([]byte, error) {
	value, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%w: member %s: %w", ErrJWK, name, err)
	}
	if len(value) == 0 || size != 0 && len(value) != size {
		return nil, fmt.Errorf("%w: member %s has %d bytes", ErrJWK, name, len(value))
	}
	return value, nil
}
