package auth

import (
	"crypto/sha256"
	"log/slog"
)

// ParseJWK reads one public key.
func ParseJWK(text []byte) (TokenKey, error) {
	_, key, err := parseJWK(text)
	return key, err
}

// Remembered is how many tokens the verifier has in memory.
func (v *Verifier) Remembered() int {
	v.verified.mu.Lock()
	defer v.verified.mu.Unlock()
	tokens := len(v.verified.older)
	for sum := range v.verified.newer {
		if _, twice := v.verified.older[sum]; !twice {
			tokens++
		}
	}
	return tokens
}

// Remembers reports whether the verifier has the token in memory.
func (v *Verifier) Remembers(text string) bool {
	v.verified.mu.Lock()
	defer v.verified.mu.Unlock()
	sum := sha256.Sum256([]byte(text))
	_, newer := v.verified.newer[sum]
	_, older := v.verified.older[sum]
	return newer || older
}

// Forget empties the verifier's memory of tokens.
func (v *Verifier) Forget() { v.verified = newTokenCache(0) }

// NewSmallKeySets keeps at most limit sets.
func NewSmallKeySets(policy DialPolicy, limit int) *KeySets {
	sets := NewKeySets(policy, slog.New(slog.DiscardHandler))
	sets.limit = limit
	return sets
}
