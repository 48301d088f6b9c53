package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
)

// Algorithm is a way to sign tokens. A key has exactly one, and a token that names another is refused.
type Algorithm string

// The algorithms that are admitted: RFC 7518 and RFC 8037.
const (
	HS256 Algorithm = "HS256"
	RS256 Algorithm = "RS256"
	ES256 Algorithm = "ES256"
	EdDSA Algorithm = "EdDSA"
)

// Bounds of keys. RFC 7518 section 3.2 asks for 256 bits of HMAC key; the upper bounds keep verifying cheap.
const (
	minHMACBytes = 32
	maxHMACBytes = 1024
	minRSABits   = 2048
	maxRSABits   = 8192
	maxKeyID     = 256 // bytes of a kid
)

// ErrWeakKey is wrapped by the errors of those who make token keys: too short, or of a kind that is not admitted.
var ErrWeakKey = errors.New("key cannot be used for tokens")

// TokenKey verifies tokens by one algorithm. It is made by NewHMACKey, NewPublicKey or ParseJWKS and immutable.
type TokenKey struct {
	id          string
	algorithm   Algorithm
	public      any      // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey; nil for HS256
	shared      Secret   // of HS256
	fingerprint [32]byte // of the algorithm and the key
}

// NewHMACKey is a shared secret for HS256, of 32 to 1024 bytes. id is the kid of its tokens.
func NewHMACKey(id string, secret []byte) (TokenKey, error) {
	if len(secret) < minHMACBytes || len(secret) > maxHMACBytes {
		return TokenKey{}, fmt.Errorf("%w: an HS256 secret has %d to %d bytes, this has %d",
			ErrWeakKey, minHMACBytes, maxHMACBytes, len(secret))
	}
	return newTokenKey(TokenKey{id: id, algorithm: HS256, shared: NewSecret(string(secret))}, secret)
}

// NewPublicKey is a public key: *rsa.PublicKey of 2048 to 8192 bits (RS256), *ecdsa.PublicKey on P-256 (ES256) or
// ed25519.PublicKey (EdDSA). id is the kid of its tokens.
func NewPublicKey(id string, public any) (TokenKey, error) {
	algorithm, err := publicKeyAlgorithm(public)
	if err != nil {
		return TokenKey{}, err
	}
	encoded, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return TokenKey{}, fmt.Errorf("%w: %w", ErrWeakKey, err)
	}
	return newTokenKey(TokenKey{id: id, algorithm: algorithm, public: public}, encoded)
}

// ID is the kid of the tokens that the key verifies.
func (k TokenKey) ID() string { return k.id }

// Algorithm is the one algorithm of the key.
func (k TokenKey) Algorithm() Algorithm { return k.algorithm }

// verifier is the key as jwt wants it.
func (k TokenKey) verifier() any {
	if k.algorithm == HS256 {
		return []byte(k.shared.Reveal())
	}
	return k.public
}

func newTokenKey(key TokenKey, encoded []byte) (TokenKey, error) {
	if len(key.id) > maxKeyID {
		return TokenKey{}, fmt.Errorf("%w: its id has %d bytes: at most %d", ErrWeakKey, len(key.id), maxKeyID)
	}
	key.fingerprint = sha256.Sum256(append([]byte(key.algorithm+":"), encoded...))
	return key, nil
}

func publicKeyAlgorithm(public any) (Algorithm, error) {
	switch key := public.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return "", fmt.Errorf("%w: an RSA key has %d to %d bits, this has %d", ErrWeakKey, minRSABits, maxRSABits, bits)
		}
		if key.E < 3 || key.E%2 == 0 {
			return "", fmt.Errorf("%w: the exponent of an RSA key is odd and at least 3", ErrWeakKey)
		}
		return RS256, nil
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() {
			return "", fmt.Errorf("%w: of elliptic curves only P-256 is admitted", ErrWeakKey)
		}
		return ES256, nil
	case ed25519.PublicKey:
		if len(key) != ed25519.PublicKeySize {
			return "", fmt.Errorf("%w: an Ed25519 key has %d bytes, this has %d", ErrWeakKey, ed25519.PublicKeySize, len(key))
		}
		return EdDSA, nil
	default:
		return "", fmt.Errorf("%w: RSA, P-256 and Ed25519 are admitted", ErrWeakKey)
	}
}
