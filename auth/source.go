package auth

import (
	"context"
	"time"
)

// KeySource finds keys. It is asked for every request, so it answers from memory.
type KeySource interface {
	// Key returns the key of that id, also one that is revoked or expired. The error is ErrUnknownKey where there is none;
	// any other is taken as ErrUnavailable.
	Key(ctx context.Context, id string) (Key, error)
}

// TokenKeySource knows whose tokens an app trusts, beside those that the installation signs. It is asked for every token, so it
// answers from memory.
type TokenKeySource interface {
	// TokenTrust returns what the app trusts; the zero value if it has added nothing. The error is ErrUnknownKey where there
	// is no such app; any other is taken as ErrUnavailable.
	TokenTrust(ctx context.Context, appID string) (TokenTrust, error)
}

// TokenTrust says whose tokens an app trusts, beside those that the installation signs.
type TokenTrust struct {
	Keys    []TokenKey    // the app's own keys, each under its own id
	JWKSURL string        // where the app publishes further keys; empty: nowhere
	Issuer  string        // iss of tokens signed by a key of the app's own; empty: any
	MaxTTL  time.Duration // longest time from iat to exp, of every token of the app; 0: MaxTokenTTL
}
