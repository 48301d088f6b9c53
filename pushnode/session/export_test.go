package session

import "net/http"

// What the external tests may call of the inside: parsers.
var (
	CheckOrigin   = checkOrigin
	OriginMatches = originMatches
	NetworkOf     = networkOf
)

// ParseResume returns the parts of a resume token.
func ParseResume(text string) (session, secret string, ok bool) {
	token, ok := parseResume(text)
	return token.session, token.secret, ok
}

// NewResume makes a resume token.
func NewResume() string { return newResumeToken().text() }

// CredentialOf finds the credential of a request.
func CredentialOf(r *http.Request) (string, error) { return credentialOf(r, r.URL.Query()) }
