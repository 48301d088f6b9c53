package trust

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// What the keys are for: each purpose gives another key (RFC 5869, 3.2). To change a word here is to cut old nodes off from new.
const (
	salt          = "halley cluster secret, version 1"
	purposeGossip = "gossip key"
	purposeCA     = "certificate authority key"
	purposeMaster = "master key"
)

// gossipKeyBytes makes the gossip use AES-256.
const gossipKeyBytes = 32

// GossipKeys returns the keys of the gossip, 32 bytes each: the first is to encrypt with, all are to decrypt with.
func (s Secrets) GossipKeys() ([][]byte, error) {
	return s.deriveAll(purposeGossip, gossipKeyBytes)
}

// masterKeyBytes is what package tenant seals with.
const masterKeyBytes = 32

// MasterKeys returns the keys that seal secrets in the database where no master key is given: nodes that share nothing but the cluster
// secret then open what each of them sealed. The first seals, all open.
func (s Secrets) MasterKeys() ([][]byte, error) {
	return s.deriveAll(purposeMaster, masterKeyBytes)
}

func (s Secrets) deriveAll(purpose string, length int) ([][]byte, error) {
	keys := make([][]byte, len(s.all))
	for i, secret := range s.all {
		key, err := derive(secret, purpose, length)
		if err != nil {
			return nil, err
		}
		keys[i] = key
	}
	return keys, nil
}

// authorityKey returns the key that signs the certificates of a cluster.
func authorityKey(secret []byte) (ed25519.PrivateKey, error) {
	seed, err := derive(secret, purposeCA, ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func derive(secret []byte, purpose string, length int) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, secret, []byte(salt), purpose, length)
	if err != nil {
		return nil, fmt.Errorf("cluster secret: derive the %s: %w", purpose, err)
	}
	return key, nil
}
