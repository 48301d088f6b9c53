package auth

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

// Bounds of tokens.
const (
	DefaultTokenTTL  = time.Hour      // where a request names none
	MaxTokenTTL      = 24 * time.Hour // DESIGN 7.5
	MaxTokenBytes    = 8 << 10        // the whole text: it must fit into a request's header
	MaxClientIDChars = 128            // code points
	minTokenTTL      = time.Second    // the resolution of exp
)

// ErrTokenRequest is wrapped by the errors of Signer.Sign that the one who asks can mend.
var ErrTokenRequest = errors.New("token cannot be issued")

// TokenRequest asks for a token.
type TokenRequest struct {
	AppID      string
	KeyID      string // the secret key that asks: the token can do no more than it, and dies with it; empty: the console
	ClientID   string // empty: anonymous
	Capability Capability
	TTL        time.Duration // 1 s to MaxTTL, cut to whole seconds; 0: one hour, or MaxTTL if that is less
	MaxTTL     time.Duration // TokenTrust.MaxTTL of the app; 0: MaxTokenTTL
}

// Signer issues the installation's tokens.
type Signer struct {
	ring *Keyring
}

// signedClaims is the payload of the installation's tokens: what Claims reads.
type signedClaims struct {
	jwt.RegisteredClaims
	Capability Capability `json:"cap"`
	KeyID      string     `json:"key,omitempty"`
}

// NewSigner signs with the first key of the ring.
func NewSigner(ring *Keyring) *Signer { return &Signer{ring: ring} }

// Sign issues a token and returns it with the time at which it ends. The text is a credential: it belongs in the answer, and in
// no log. Errors that the caller's input caused wrap ErrTokenRequest.
func (s *Signer) Sign(request TokenRequest, now time.Time) (text string, expires time.Time, err error) {
	ttl, err := request.check()
	if err != nil {
		return "", time.Time{}, err
	}
	issued := now.Truncate(time.Second)
	expires = issued.Add(ttl)
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, signedClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    s.ring.issuer,
			Audience:  jwt.ClaimStrings{request.AppID},
			Subject:   request.ClientID,
			ExpiresAt: jwt.NewNumericDate(expires),
			IssuedAt:  jwt.NewNumericDate(issued),
			ID:        NewID("tok_"),
		},
		Capability: request.Capability,
		KeyID:      request.KeyID,
	})
	token.Header["kid"] = s.ring.signing.id
	if text, err = token.SignedString(s.ring.signing.signer()); err != nil {
		return "", time.Time{}, fmt.Errorf("sign token of app %s: %w", request.AppID, err)
	}
	if len(text) > MaxTokenBytes {
		return "", time.Time{}, fmt.Errorf("%w: it would have %d bytes, at most %d: name fewer channel patterns",
			ErrTokenRequest, len(text), MaxTokenBytes)
	}
	return text, expires, nil
}

// check returns the token's life.
func (r *TokenRequest) check() (time.Duration, error) {
	longest := r.MaxTTL
	if longest == 0 {
		longest = MaxTokenTTL
	}
	ttl := r.TTL
	if ttl == 0 {
		ttl = min(DefaultTokenTTL, longest)
	}
	switch {
	case r.AppID == "":
		return 0, fmt.Errorf("%w: no app", ErrTokenRequest)
	case ttl < minTokenTTL || ttl > longest:
		return 0, fmt.Errorf("%w: ttl %v: from %v to %v", ErrTokenRequest, ttl, minTokenTTL, longest)
	case !validClientID(r.ClientID):
		return 0, fmt.Errorf("%w: client_id: at most %d characters of valid UTF-8, no control characters",
			ErrTokenRequest, MaxClientIDChars)
	}
	return ttl.Truncate(time.Second), nil
}

// validClientID holds for the empty one too, which is anonymous. It is the rule of package wire for ids that come in requests.
func validClientID(id string) bool {
	unfit := func(char rune) bool { return unicode.IsControl(char) || char == utf8.RuneError }
	return utf8.RuneCountInString(id) <= MaxClientIDChars && !strings.ContainsFunc(id, unfit)
}
