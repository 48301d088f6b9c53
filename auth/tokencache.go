package auth

import "sync"

// tokenCache remembers tokens whose signature verified, by the hash of their text. It holds two generations: when the newer has
// taken its share of bytes, it becomes the older one, and that is let go. So it is bounded without a list, and what is used
// stays.
type tokenCache struct {
	share int // bytes of token text in a generation; immutable

	// guarded by mu
	mu    sync.Mutex
	newer map[[32]byte]cachedToken
	older map[[32]byte]cachedToken
	bytes int // in newer
}

// verifiedToken is a token and the fingerprint of the key that its signature was verified with.
type verifiedToken struct {
	token  parsedToken
	signer [32]byte
}

type cachedToken struct {
	verifiedToken
	bytes int // length of the token's text
}

func newTokenCache(bytes int) *tokenCache {
	return &tokenCache{share: bytes / 2, newer: map[[32]byte]cachedToken{}}
}

func (c *tokenCache) get(sum [32]byte) (verifiedToken, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cached, found := c.newer[sum]; found {
		return cached.verifiedToken, true
	}
	cached, found := c.older[sum]
	if found {
		c.putLocked(sum, cached)
	}
	return cached.verifiedToken, found
}

func (c *tokenCache) put(sum [32]byte, token verifiedToken, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.putLocked(sum, cachedToken{verifiedToken: token, bytes: bytes})
}

func (c *tokenCache) putLocked(sum [32]byte, cached cachedToken) {
	if c.bytes+cached.bytes > c.share {
		c.older, c.newer, c.bytes = c.newer, make(map[[32]byte]cachedToken), 0
	}
	if _, replaced := c.newer[sum]; !replaced {
		c.bytes += cached.bytes
	}
	c.newer[sum] = cached
}
