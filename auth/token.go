package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// leeway is how far the clocks of those who sign tokens may be off.
const leeway = 30 * time.Second

// tokenIssuer is who signed a token: one key, and what is asked of its tokens.
type tokenIssuer struct {
	key    TokenKey
	name   string        // iss; empty: any
	maxTTL time.Duration // from iat to exp
}

// authenticateToken verifies a token: form, key, signature, claims, minting key. Only the signature is remembered from one time
// to the next; keys are looked up anew.
func (v *Verifier) authenticateToken(ctx context.Context, text string, now time.Time) (*Grant, error) {
	if len(text) > MaxTokenBytes {
		return nil, fmt.Errorf("%w: a token has at most %d bytes, this has %d", ErrMalformed, MaxTokenBytes, len(text))
	}
	sum := sha256.Sum256([]byte(text))
	known, seen := v.verified.get(sum)
	token := known.token
	if !seen {
		var err error
		if token, err = parseToken(text); err != nil {
			return nil, err
		}
	}
	issuer, err := v.issuer(ctx, &token, now)
	if err != nil {
		return nil, err
	}
	if !seen || !Equal(known.signer[:], issuer.key.fingerprint[:]) {
		if err := verifySignature(text, &token, issuer.key); err != nil {
			return nil, err
		}
		v.verified.put(sum, verifiedToken{token: token, signer: issuer.key.fingerprint}, len(text))
	}
	if err := issuer.checkClaims(&token.claims, now); err != nil {
		return nil, err
	}
	return v.tokenGrant(ctx, &token.claims, now)
}

// issuer finds the one key that may have signed the token: kid names it, among the installation's keys and those that the app
// of aud trusts. A token of one app can so never be verified by the key of another.
func (v *Verifier) issuer(ctx context.Context, token *parsedToken, now time.Time) (tokenIssuer, error) {
	if token.header.Critical != nil {
		return tokenIssuer{}, refuse(ReasonCritical, "the header's crit asks for extensions that are not understood")
	}
	trust, err := v.tokenKeys.TokenTrust(ctx, token.claims.AppID)
	if err != nil {
		return tokenIssuer{}, sourceError(fmt.Sprintf("find app %.60q of the token's aud", token.claims.AppID), err)
	}
	issuer := tokenIssuer{name: trust.Issuer, maxTTL: trust.MaxTTL}
	if issuer.maxTTL == 0 {
		issuer.maxTTL = MaxTokenTTL
	}
	if key, found := v.ring.keys[token.header.KeyID]; found {
		issuer.key, issuer.name = key, v.ring.issuer
		return issuer, nil
	}
	issuer.key, err = v.appKey(ctx, &trust, token.header.KeyID, now)
	return issuer, err
}

// appKey finds a key that the app has added. A token without kid is fine where there is only one.
func (v *Verifier) appKey(ctx context.Context, trust *TokenTrust, kid string, now time.Time) (TokenKey, error) {
	for _, key := range trust.Keys {
		if kid != "" && kid == key.id {
			return key, nil
		}
	}
	switch {
	case kid == "" && len(trust.Keys) == 1 && trust.JWKSURL == "":
		return trust.Keys[0], nil
	case kid == "" && (len(trust.Keys) > 0 || trust.JWKSURL == ""):
		return TokenKey{}, refuse(ReasonKeyID, "the header has no kid, and the app has not exactly one key of its own")
	case trust.JWKSURL != "":
		return v.sets.Key(ctx, trust.JWKSURL, kid, now)
	default:
		return TokenKey{}, fmt.Errorf("%w: token kid %.60q", ErrUnknownKey, kid)
	}
}

// verifySignature admits exactly the algorithm of the key, whatever the header says.
func verifySignature(text string, token *parsedToken, key TokenKey) error {
	if token.header.Algorithm != key.algorithm {
		return refuse(ReasonAlgorithm, "alg is %.20q, and the key %.60q is used with %s",
			token.header.Algorithm, key.id, key.algorithm)
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{string(key.algorithm)}), jwt.WithStrictDecoding(),
		jwt.WithoutClaimsValidation())
	_, err := parser.ParseWithClaims(text, jwt.MapClaims{}, func(*jwt.Token) (any, error) { return key.verifier(), nil })
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return fmt.Errorf("%w: key %.60q", ErrSignature, key.id)
	default:
		return fmt.Errorf("%w: token: %w", ErrMalformed, err)
	}
}

// checkClaims holds all rules of time and identity. aud needs none here: it has chosen the app whose keys were tried.
func (i *tokenIssuer) checkClaims(claims *Claims, now time.Time) error {
	switch {
	case i.name != "" && claims.Issuer != i.name:
		return refuse(ReasonIssuer, "iss is %.60q: %.60q is trusted", claims.Issuer, i.name)
	case !validClientID(claims.ClientID):
		return refuse(ReasonSubject, "sub is a client id: at most %d characters, no control characters", MaxClientIDChars)
	case claims.ExpiresAt.IsZero():
		return refuse(ReasonNoExpiry, "exp is missing")
	case claims.IssuedAt.IsZero():
		return refuse(ReasonNoIssueTime, "iat is missing")
	case !now.Before(claims.ExpiresAt.Add(leeway)):
		return fmt.Errorf("%w at %s", ErrExpired, claims.ExpiresAt.UTC().Format(time.RFC3339))
	case claims.IssuedAt.After(now.Add(leeway)):
		return refuse(ReasonNotYetIssued, "iat lies in the future: are the clocks right?")
	case claims.NotBefore.After(now.Add(leeway)):
		return refuse(ReasonNotYetValid, "nbf lies in the future")
	}
	life := claims.ExpiresAt.Sub(claims.IssuedAt)
	if life <= 0 {
		return refuse(ReasonLifetime, "exp does not lie after iat")
	}
	if life > i.maxTTL {
		return refuse(ReasonLifetime, "exp is more than %v after iat", i.maxTTL)
	}
	return nil
}

// tokenGrant adds the limits of the key that minted the token, as that key is now.
func (v *Verifier) tokenGrant(ctx context.Context, claims *Claims, now time.Time) (*Grant, error) {
	grant := &Grant{
		Kind: KindToken, AppID: claims.AppID, KeyID: claims.KeyID, ClientID: claims.ClientID, TokenID: claims.TokenID,
		ExpiresAt: claims.ExpiresAt, Scopes: []Capability{claims.Capability},
	}
	if claims.KeyID == "" {
		return grant, nil
	}
	key, err := v.keys.Key(ctx, claims.KeyID)
	if errors.Is(err, ErrUnknownKey) || err == nil && (key.AppID != claims.AppID || key.Kind != KindSecret) {
		return nil, refuse(ReasonMintingKey, "key %.60q is no secret key of the app", claims.KeyID)
	}
	if err != nil {
		return nil, sourceError("find the key that minted the token", err)
	}
	if err := key.alive(now); err != nil {
		return nil, fmt.Errorf("token's minting key: %w", err)
	}
	grant.Scopes = append(grant.Scopes, key.Capability)
	grant.ExpiresAt = earliest(grant.ExpiresAt, key.end())
	return grant, nil
}
