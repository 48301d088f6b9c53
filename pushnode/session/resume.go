package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"halley/auth"
)

const (
	sessionPrefix = "ses_"
	// secretBytes is the random part of a resume token: twice the 128 bits that nobody guesses.
	secretBytes = 32
	// maxResumeText bounds what parseResume reads.
	maxResumeText = 160
)

// resumeToken is what a client shows to get its session back: <session id>.<secret>. The id is public, the secret is not.
type resumeToken struct {
	session string
	secret  string // base64url, without padding
}

func newResumeToken() resumeToken {
	var random [secretBytes]byte
	rand.Read(random[:]) // never fails: crypto/rand ends the process instead
	return resumeToken{session: auth.NewID(sessionPrefix), secret: base64.RawURLEncoding.EncodeToString(random[:])}
}

// parseResume reads what resumeToken.text wrote. What it refuses is a token of no session.
func parseResume(text string) (resumeToken, bool) {
	session, secret, found := strings.Cut(text, ".")
	if !found || len(text) > maxResumeText || !strings.HasPrefix(session, sessionPrefix) {
		return resumeToken{}, false
	}
	if raw, err := base64.RawURLEncoding.Strict().DecodeString(secret); err != nil || len(raw) != secretBytes {
		return resumeToken{}, false
	}
	return resumeToken{session: session, secret: secret}, true
}

func (t resumeToken) text() string { return t.session + "." + t.secret }

// hash is what the record keeps, so that no copy of the state can be used to take a session over.
func (t resumeToken) hash() [sha256.Size]byte { return sha256.Sum256([]byte(t.secret)) }

func equalHash(a, b [sha256.Size]byte) bool { return auth.Equal(a[:], b[:]) }
