package trust

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Identity is what one process shows to its peers, and how it knows theirs. It is safe for concurrent use.
type Identity struct {
	// immutable after Secrets.Identity
	instance uint64
	key      crypto.Signer // never leaves the process, and ends with it
	maker    *authority    // of the first secret
	roots    *x509.CertPool
	now      func() time.Time

	mu          sync.Mutex
	certificate *tls.Certificate
	made        time.Time
}

// Identity makes the identity of the process that calls itself instance, which is not 0.
func (s Secrets) Identity(instance uint64) (*Identity, error) {
	if instance == 0 {
		return nil, errors.New("instance 0 is nobody")
	}
	if len(s.all) == 0 {
		return nil, ErrNoSecret
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key for instance %016x: %w", instance, err)
	}
	identity := &Identity{instance: instance, key: key, roots: x509.NewCertPool(), now: time.Now}
	for i, secret := range s.all {
		authority, err := newAuthority(secret)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			identity.maker = authority
		}
		identity.roots.AddCert(authority.certificate)
	}
	if _, err := identity.current(); err != nil {
		return nil, err
	}
	return identity, nil
}

// Instance returns the instance that it speaks for.
func (i *Identity) Instance() uint64 { return i.instance }

// LogValue is the instance alone.
func (i *Identity) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%016x", i.instance)) }

// current returns a certificate that is younger than a day.
func (i *Identity) current() (*tls.Certificate, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.now()
	if i.certificate != nil && now.Sub(i.made).Abs() < renewal { // the wall clock may jump either way
		return i.certificate, nil
	}
	certificate, err := i.maker.mint(i.instance, i.key, now)
	if err != nil {
		return nil, err
	}
	i.certificate, i.made = certificate, now
	return certificate, nil
}
