package auth

import (
	"errors"
	"fmt"
)

// The reasons for which Authenticate refuses a credential. None of their texts holds a secret.
var (
	// ErrMalformed: neither a key nor a token, whatever is stored: form, checksum, encoding, size, duplicate names.
	ErrMalformed = errors.New("malformed credential")
	// ErrUnknownKey: no such key, wrong secret, or a token signed by a key that the app does not trust.
	ErrUnknownKey = errors.New("unknown key")
	// ErrRevoked: the key, or the key that minted the token, has ended: it was revoked, rolled or has expired.
	ErrRevoked = errors.New("key no longer valid")
	// ErrExpired: the token has ended by itself. A new one helps.
	ErrExpired = errors.New("token expired")
	// ErrSignature: the token is not signed by the key that it names.
	ErrSignature = errors.New("token signature does not verify")
	// ErrTokenRefused: a token that is well formed and breaks a rule. The error is a *TokenError, which names the rule.
	ErrTokenRefused = errors.New("token refused")
	// ErrUnavailable: it cannot be decided now, because a source of keys does not answer. Trying again later helps.
	ErrUnavailable = errors.New("keys unavailable")
	// ErrKeySet: an ErrUnavailable whose reason is the app's JWKS URL. What is wrong there is logged.
	ErrKeySet = errors.New("the app's key set cannot be fetched")
)

// Reason names the rule that a token breaks.
type Reason string

// The reasons of a TokenError.
const (
	ReasonAlgorithm    Reason = "algorithm"     // alg is not the one of the key
	ReasonCritical     Reason = "critical"      // the header has crit: an extension that must be understood, and none is
	ReasonKeyID        Reason = "key_id"        // no kid, and the app has not exactly one key
	ReasonWeakKey      Reason = "weak_key"      // the key is too short or of a kind that is not admitted
	ReasonAudience     Reason = "audience"      // aud is not exactly one app
	ReasonIssuer       Reason = "issuer"        // iss is not the one that is trusted
	ReasonSubject      Reason = "subject"       // sub is not a client id
	ReasonNoExpiry     Reason = "no_expiry"     // exp is missing
	ReasonNoIssueTime  Reason = "no_issue_time" // iat is missing
	ReasonLifetime     Reason = "lifetime"      // exp is further from iat than the app admits, or not after it
	ReasonNotYetIssued Reason = "issued_later"  // iat lies in the future
	ReasonNotYetValid  Reason = "not_yet_valid" // nbf lies in the future
	ReasonCapability   Reason = "capability"    // cap is missing or does not parse
	ReasonMintingKey   Reason = "minting_key"   // key names a key that cannot have minted this token
)

// TokenError says which rule a token breaks. errors.Is(err, ErrTokenRefused) holds for it.
type TokenError struct {
	Reason Reason
	Detail string // one sentence for the developer
}

// Error is the detail behind the general refusal.
func (e *TokenError) Error() string { return ErrTokenRefused.Error() + ": " + e.Detail }

// Is makes every TokenError an ErrTokenRefused.
func (e *TokenError) Is(target error) bool { return target == ErrTokenRefused }

func refuse(reason Reason, format string, arguments ...any) error {
	return &TokenError{Reason: reason, Detail: fmt.Sprintf(format, arguments...)}
}

// sourceError keeps what a source may say (see KeySource) and turns any other failure into ErrUnavailable.
func sourceError(operation string, err error) error {
	if errors.Is(err, ErrUnknownKey) || errors.Is(err, ErrUnavailable) {
		return fmt.Errorf("%s: %w", operation, err)
	}
	return fmt.Errorf("%s: %w: %w", operation, ErrUnavailable, err)
}
