package trust

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/url"
	"time"
)

// Life of certificates.
const (
	// validity is how long before and after its making a certificate holds: clocks of two nodes may differ by 6 days.
	validity = 7 * 24 * time.Hour
	// renewal is the age at which a process makes itself a new certificate for its next handshakes.
	renewal = 24 * time.Hour
)

// noExpiry is how a certificate says that it never ends (RFC 5280, 4.1.2.5).
var noExpiry = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// authority is the certificate authority that one secret stands for. Every process makes it anew and comes to the same one.
type authority struct {
	key         ed25519.PrivateKey
	certificate *x509.Certificate
}

func newAuthority(secret []byte) (*authority, error) {
	key, err := authorityKey(secret)
	if err != nil {
		return nil, err
	}
	public := key.Public().(ed25519.PublicKey)
	sum := sha256.Sum256(public)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: fmt.Sprintf("halley cluster %x", sum[:8])}, // another name for each secret
		NotBefore:             time.Unix(0, 0),
		NotAfter:              noExpiry,
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	if err != nil {
		return nil, fmt.Errorf("make the cluster's certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read the cluster's certificate: %w", err)
	}
	return &authority{key: key, certificate: certificate}, nil
}

// mint makes a certificate that names an instance and holds a week around now.
func (a *authority) mint(instance uint64, key crypto.Signer, now time.Time) (*tls.Certificate, error) {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: fmt.Sprintf("instance %016x", instance)},
		URIs:        []*url.URL{instanceURI(instance)},
		NotBefore:   now.Add(-validity),
		NotAfter:    now.Add(validity),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate for instance %016x: %w", instance, err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
