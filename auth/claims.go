package auth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Claims is the payload of a token. Times have milliseconds; a claim that is missing is zero.
type Claims struct {
	Issuer     string     // iss
	AppID      string     // aud: exactly one
	ClientID   string     // sub; empty: anonymous
	ExpiresAt  time.Time  // exp
	IssuedAt   time.Time  // iat
	NotBefore  time.Time  // nbf
	TokenID    string     // jti
	Capability Capability // cap
	KeyID      string     // key: the secret key that asked for the token
}

// header is what matters of a token's first part: RFC 7515 section 4.1.
type header struct {
	Algorithm Algorithm      `json:"alg"`
	KeyID     string         `json:"kid,omitzero"`
	Critical  jsontext.Value `json:"crit,omitzero"`
}

// rawClaims is the payload as JSON. Names that it does not know are ignored: customers' tokens carry more.
type rawClaims struct {
	Issuer     string         `json:"iss"`
	Audience   audience       `json:"aud"`
	ClientID   string         `json:"sub"`
	ExpiresAt  numericDate    `json:"exp"`
	IssuedAt   numericDate    `json:"iat"`
	NotBefore  numericDate    `json:"nbf"`
	TokenID    string         `json:"jti"`
	Capability jsontext.Value `json:"cap"`
	KeyID      string         `json:"key"`
}

// numericDate is RFC 7519 section 2: Unix seconds, maybe with a fraction. 0 stands for a missing claim.
type numericDate float64

// maxNumericDate is the end of the year 9999.
const maxNumericDate = 253402300799

// audience is one string, or a list of strings.
type audience []string

// UnmarshalJSON reads both forms of RFC 7519 section 4.1.3.
func (a *audience) UnmarshalJSON(text []byte) error {
	if jsontext.Value(text).Kind() != '"' {
		return json.Unmarshal(text, (*[]string)(a))
	}
	var one string
	err := json.Unmarshal(text, &one)
	*a = audience{one}
	return err
}

// parsedToken is a token that is well formed. Nothing of it is verified.
type parsedToken struct {
	header header
	claims Claims
}

// parseToken reads a token strictly: three parts of base64url without padding, JSON without duplicate names. The caller has
// checked its length. Errors are ErrMalformed or a *TokenError.
func parseToken(text string) (parsedToken, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return parsedToken{}, fmt.Errorf("%w: a token has three parts separated by dots", ErrMalformed)
	}
	var token parsedToken
	if err := decodePart(parts[0], &token.header); err != nil {
		return parsedToken{}, fmt.Errorf("%w: token header: %w", ErrMalformed, partFault(err))
	}
	var raw rawClaims
	if err := decodePart(parts[1], &raw); err != nil {
		return parsedToken{}, fmt.Errorf("%w: token payload: %w", ErrMalformed, partFault(err))
	}
	if _, err := decodeBase64(parts[2]); err != nil {
		return parsedToken{}, fmt.Errorf("%w: token signature: %w", ErrMalformed, partFault(err))
	}
	var err error
	token.claims, err = raw.claims()
	return token, err
}

func decodePart(part string, into any) error {
	text, err := decodeBase64(part)
	if err != nil {
		return err
	}
	if jsontext.Value(text).Kind() != '{' {
		return errors.New("not a JSON object")
	}
	return json.Unmarshal(text, into)
}

// decodeBase64 is strict: without the first check the decoder would skip line breaks, and one token would have many texts.
func decodeBase64(part string) ([]byte, error) {
	if strings.ContainsAny(part, "\r\n") {
		return nil, errors.New("line break in base64url")
	}
	return base64.RawURLEncoding.Strict().DecodeString(part)
}

func (r *rawClaims) claims() (Claims, error) {
	if len(r.Audience) != 1 || r.Audience[0] == "" {
		return Claims{}, refuse(ReasonAudience, "aud must be the id of exactly one app")
	}
	claims := Claims{
		Issuer: r.Issuer, AppID: r.Audience[0], ClientID: r.ClientID, TokenID: r.TokenID, KeyID: r.KeyID,
		ExpiresAt: r.ExpiresAt.time(), IssuedAt: r.IssuedAt.time(), NotBefore: r.NotBefore.time(),
	}
	if r.Capability == nil {
		return Claims{}, refuse(ReasonCapability, `cap is missing: say what the token may do, as in {"room:*":["subscribe"]}`)
	}
	if err := claims.Capability.UnmarshalJSON(r.Capability); err != nil {
		return Claims{}, refuse(ReasonCapability, "cap: %v", err)
	}
	return claims, nil
}

// time is zero for a missing claim. Dates before 1970 count as 1970 and those after 9999 as 9999: neither is ever within reach.
func (d numericDate) time() time.Time {
	if d == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(min(max(float64(d), 0), maxNumericDate) * 1000))
}
