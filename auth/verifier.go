package auth

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// VerifierConfig holds what a Verifier asks. All but CacheBytes must be set.
type VerifierConfig struct {
	Keys       KeySource
	TokenKeys  TokenKeySource
	Keyring    *Keyring // the installation's own keys
	KeySets    *KeySets // the keys that apps publish
	CacheBytes int      // of token text whose signature need not be verified again; 0: 16 MiB
}

// Verifier turns credentials into grants. It is safe for concurrent use.
type Verifier struct {
	keys      KeySource
	tokenKeys TokenKeySource
	ring      *Keyring
	sets      *KeySets
	verified  *tokenCache
}

// NewVerifier makes a Verifier.
func NewVerifier(config VerifierConfig) *Verifier {
	if config.CacheBytes == 0 {
		config.CacheBytes = 16 << 20
	}
	return &Verifier{
		keys: config.Keys, tokenKeys: config.TokenKeys, ring: config.Keyring, sets: config.KeySets,
		verified: newTokenCache(config.CacheBytes),
	}
}

// Authenticate verifies a secret key, a publishable key or a token. It asks the sources each time, so what was revoked is so at
// once. It may wait for a customer's key set, at most for 10 s. Errors wrap one of the sentinels of errors.go, or ctx's error.
func (v *Verifier) Authenticate(ctx context.Context, credential string, now time.Time) (*Grant, error) {
	if strings.HasPrefix(credential, prefixSecret) || strings.HasPrefix(credential, prefixPublishable) {
		return v.authenticateKey(ctx, credential, now)
	}
	if strings.Contains(credential, ".") {
		return v.authenticateToken(ctx, credential, now)
	}
	return nil, fmt.Errorf("%w: neither a key (%s…, %s…) nor a token", ErrMalformed, prefixSecret, prefixPublishable)
}

func (v *Verifier) authenticateKey(ctx context.Context, credential string, now time.Time) (*Grant, error) {
	text, err := ParseKey(credential)
	if err != nil {
		return nil, err
	}
	key, err := v.keys.Key(ctx, text.ID)
	if err != nil {
		return nil, sourceError("find key "+text.ID, err)
	}
	return key.Verify(text, now)
}
