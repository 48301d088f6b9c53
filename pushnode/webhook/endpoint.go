package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"halley/auth"
)

// Endpoint is where an app wants events to be sent.
type Endpoint struct {
	ID      string
	App     string
	URL     string   // http or https
	Kinds   []Kind   // that it wants; empty: all
	Prefix  string   // of the names of channels that it wants to know of
	Suffix  string   // likewise
	Batch   bool     // several events may come in one request
	Headers []Header // beside our own
}

// Header is one that an app wants in each request. Its value may be a password.
type Header struct {
	Name  string
	Value auth.Secret
}

// Signer is what a request is signed with: a key of Pusher's protocol, and its secret.
type Signer struct {
	Key    string
	Secret auth.Secret
}

// Source knows what apps want, from memory: it must not block.
type Source interface {
	// Endpoints returns where the app wants events to be sent now, and with what they are signed. It must not be changed.
	Endpoints(app string) ([]Endpoint, Signer)
}

// Wants reports whether the endpoint is to be told of a kind of event in a channel.
func (p *Endpoint) Wants(kind Kind, channel string) bool {
	return (len(p.Kinds) == 0 || slices.Contains(p.Kinds, kind)) &&
		strings.HasPrefix(channel, p.Prefix) && strings.HasSuffix(channel, p.Suffix)
}

// sign is the signature of a body: hexadecimal HMAC-SHA256 ("Security" of Pusher's webhooks).
func (s Signer) sign(body []byte) string {
	mac := hmac.New(sha256.New, []byte(s.Secret.Reveal()))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}
