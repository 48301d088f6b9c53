package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"strings"
	"time"
)

// KeyPattern finds Halley's keys in text: for secret scanners. It admits wrong checksums, which ParseKey does not.
const KeyPattern = `\bhl_(?:sk|pk)_[0-9A-Za-z]{46}\b`

// The parts of a key's text: prefix, id, random characters (190 bits), checksum of all before it.
const (
	prefixSecret      = "hl_sk_"
	prefixPublishable = "hl_pk_"
	keyIDLength       = 8
	keyRandomLength   = 32
	keyChecksumLength = 6
	keyLength         = len(prefixSecret) + keyIDLength + keyRandomLength + keyChecksumLength
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// Key is the record of a long-lived credential, as a KeySource returns it.
type Key struct {
	ID         string
	AppID      string
	Kind       Kind       // KindSecret or KindPublishable
	Hash       [32]byte   // SHA-256 of the key's text: NewKey and ParseKey compute it
	Capability Capability // of a secret key; a publishable key may do what the channel's rule says
	ExpiresAt  time.Time  // zero: never
	RevokedAt  time.Time  // zero: never. It may lie ahead: a key that was rolled works until its overlap ends

	grant *Grant // made beforehand; nil: not
}

// Prepared returns the key with its grant made, for a source that keeps it: all who show the key then share one. What it says must not
// be changed afterwards.
func (k Key) Prepared() Key {
	k.grant = k.newGrant()
	return k
}

// newGrant is what the key allows.
func (k *Key) newGrant() *Grant {
	grant := &Grant{Kind: k.Kind, AppID: k.AppID, KeyID: k.ID, ExpiresAt: k.end()}
	if k.Kind == KindSecret {
		grant.Scopes = []Capability{k.Capability}
	}
	return grant
}

// FreshKey is a key just made. Text is to be shown once; ID, Hash and Last4 are to be stored.
type FreshKey struct {
	ID    string
	Text  Secret
	Hash  [32]byte
	Last4 string // the end of Text, by which people recognise it
}

// KeyText is what a key's text says before anything is looked up.
type KeyText struct {
	Kind Kind
	ID   string
	Hash [32]byte
}

// NewKey makes a key of KindSecret or KindPublishable. Ids are random (47 bits): who stores them must be ready for the rare
// conflict and make another.
func NewKey(kind Kind) FreshKey {
	id := randomBase62(keyIDLength)
	body := keyPrefix(kind) + id + randomBase62(keyRandomLength)
	checksum := keyChecksum([]byte(body))
	text := body + string(checksum[:])
	return FreshKey{ID: id, Text: NewSecret(text), Hash: sha256.Sum256([]byte(text)), Last4: text[len(text)-4:]}
}

// ParseKey checks a key's form and checksum. Every error is an ErrMalformed and shows nothing of the text.
func ParseKey(text string) (KeyText, error) {
	kind := Kind(0)
	switch {
	case strings.HasPrefix(text, prefixSecret):
		kind = KindSecret
	case strings.HasPrefix(text, prefixPublishable):
		kind = KindPublishable
	default:
		return KeyText{}, fmt.Errorf("%w: a key begins with %s or %s", ErrMalformed, prefixSecret, prefixPublishable)
	}
	if len(text) != keyLength {
		return KeyText{}, fmt.Errorf("%w: a key has %d characters, this has %d", ErrMalformed, keyLength, len(text))
	}
	tail := text[len(prefixSecret):]
	if strings.Trim(tail, base62) != "" {
		return KeyText{}, fmt.Errorf("%w: after its prefix a key has only letters and digits", ErrMalformed)
	}
	var whole [keyLength]byte // on the stack: this is on the way of every request
	copy(whole[:], text)
	body, checksum := whole[:keyLength-keyChecksumLength], whole[keyLength-keyChecksumLength:]
	if wanted := keyChecksum(body); !Equal(checksum, wanted[:]) {
		return KeyText{}, fmt.Errorf("%w: the key's checksum is wrong: it was cut or mistyped", ErrMalformed)
	}
	return KeyText{Kind: kind, ID: tail[:keyIDLength], Hash: sha256.Sum256(whole[:])}, nil
}

// Verify returns what a text grants that is this key's, and the key in use at now. Errors wrap ErrUnknownKey or ErrRevoked.
func (k *Key) Verify(text KeyText, now time.Time) (*Grant, error) {
	if k.Kind != text.Kind || !Equal(k.Hash[:], text.Hash[:]) {
		return nil, fmt.Errorf("%w: %s", ErrUnknownKey, text.ID) // the same as for no such id: ids are no secret, keys are
	}
	if err := k.alive(now); err != nil {
		return nil, err
	}
	if k.grant != nil {
		return k.grant, nil
	}
	return k.newGrant(), nil
}

// alive returns nil, or an ErrRevoked that says why the key cannot be used at now.
func (k *Key) alive(now time.Time) error {
	if !k.RevokedAt.IsZero() && !now.Before(k.RevokedAt) {
		return fmt.Errorf("%w: %s was revoked", ErrRevoked, k.ID)
	}
	if !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt) {
		return fmt.Errorf("%w: %s has expired", ErrRevoked, k.ID)
	}
	return nil
}

// end is when the key stops to work; zero: it does not.
func (k *Key) end() time.Time { return earliest(k.ExpiresAt, k.RevokedAt) }

// earliest is the first of two times, where zero stands for never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func keyPrefix(kind Kind) string {
	switch kind {
	case KindSecret:
		return prefixSecret
	case KindPublishable:
		return prefixPublishable
	default:
		panic(fmt.Sprintf("auth: keys of kind %d do not exist", kind))
	}
}

// keyChecksum is the CRC-32 of body in base62. It tells typing errors and finds in secret scans from the real thing; it is no
// protection against an attacker.
func keyChecksum(body []byte) (text [keyChecksumLength]byte) {
	sum := crc32.ChecksumIEEE(body)
	for i := range text {
		text[keyChecksumLength-1-i] = base62[sum%62]
		sum /= 62
	}
	return text
}

// randomBase62 draws each character with the same chance: bytes beyond the last multiple of 62 are drawn again.
func randomBase62(length int) string {
	text := make([]byte, 0, length)
	var pool [64]byte
	for {
		rand.Read(pool[:]) // never fails: crypto/rand ends the process instead
		for _, draw := range pool {
			if draw >= 4*62 {
				continue
			}
			if text = append(text, base62[draw%62]); len(text) == length {
				return string(text)
			}
		}
	}
}
