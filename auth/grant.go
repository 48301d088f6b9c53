package auth

import "time"

// Kind says what sort of credential a grant came from.
type Kind uint8

// The kinds of credential.
const (
	KindSecret      Kind = iota + 1 // hl_sk_: a server
	KindPublishable                 // hl_pk_: a browser; what it may do is said by the channel's rule
	KindToken                       // a JWT
)

// Grant is a verified credential: who speaks, and what it may do. It is immutable and may be shared.
type Grant struct {
	Kind      Kind
	AppID     string
	KeyID     string       // the key itself, or the one that minted the token; empty for a token signed by the app's own key
	ClientID  string       // empty: anonymous
	TokenID   string       // jti; empty: none
	ExpiresAt time.Time    // the earlier end of token and key; zero: never. Within the leeway it may be 30 s ago
	Scopes    []Capability // each must allow: the token's and the key's
}

// Allows reports whether the grant's own scopes admit op on channel. For KindPublishable it is always false: the channel's rule
// decides there.
func (g *Grant) Allows(op Op, channel string) bool {
	if len(g.Scopes) == 0 {
		return false
	}
	for _, scope := range g.Scopes {
		if !scope.Allows(op, channel) {
			return false
		}
	}
	return true
}

// AllowsSome reports whether the grant's own scopes admit any operation on channel.
func (g *Grant) AllowsSome(channel string) bool {
	for op := OpPublish; op <= opAll; op <<= 1 {
		if g.Allows(op, channel) {
			return true
		}
	}
	return false
}

// Lacks returns the first operation that wanted admits and the grant's own scopes do not, with its channel pattern; 0 if there is
// none.
func (g *Grant) Lacks(wanted Capability) (op Op, pattern string) {
	if len(g.Scopes) == 0 {
		return Capability{}.Lacks(wanted)
	}
	for _, scope := range g.Scopes {
		if op, pattern := scope.Lacks(wanted); op != 0 {
			return op, pattern
		}
	}
	return 0, ""
}
