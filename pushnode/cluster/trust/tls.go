package trust

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strconv"
)

// scheme and host of the name that a certificate gives to an instance: halley://instance/00000000000000ff.
const (
	scheme = "halley"
	host   = "instance"
)

// ErrNoInstance means that a certificate is none of Halley's, whoever signed it.
var ErrNoInstance = errors.New("the certificate names no instance")

// Server returns the configuration of the accepting side. TLS 1.3 alone; a client without a certificate of the cluster is refused.
func (i *Identity) Server() *tls.Config {
	config := i.both()
	config.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return i.current() }
	config.ClientAuth = tls.RequireAnyClientCert // verified by VerifyConnection, as the other side is
	return config
}

// Client returns the configuration of the dialling side. It takes any instance of the cluster: which one has answered, Peer says,
// for that another one did is worth knowing (proof of death).
func (i *Identity) Client() *tls.Config {
	config := i.both()
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return i.current() }
	config.InsecureSkipVerify = true // there are no host names to verify; VerifyConnection verifies the chain and the instance
	return config
}

// both is what the two sides have in common. Sessions are never resumed, so each connection shows its certificate.
func (i *Identity) both() *tls.Config {
	return &tls.Config{
		MinVersion:                  tls.VersionTLS13,
		SessionTicketsDisabled:      true,
		DynamicRecordSizingDisabled: true, // links write batches; small first records would only cost
		Time:                        i.now,
		VerifyConnection: func(state tls.ConnectionState) error {
			_, err := i.Peer(state)
			return err
		},
	}
}

// Peer returns the instance that the other side of a connection has proven to be. It verifies the whole chain again.
func (i *Identity) Peer(state tls.ConnectionState) (uint64, error) {
	if len(state.PeerCertificates) == 0 {
		return 0, errors.New("no certificate")
	}
	certificate := state.PeerCertificates[0]
	_, err := certificate.Verify(x509.VerifyOptions{
		Roots:       i.roots,
		CurrentTime: i.now(),
		KeyUsages:   []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return 0, fmt.Errorf("not of this cluster: %w", err)
	}
	return namedInstance(certificate)
}

// namedInstance returns the instance that a certificate names. It does not ask who signed it.
func namedInstance(certificate *x509.Certificate) (uint64, error) {
	if len(certificate.URIs) != 1 {
		return 0, ErrNoInstance
	}
	uri := certificate.URIs[0]
	if len(uri.Path) != len("/0123456789abcdef") {
		return 0, ErrNoInstance
	}
	instance, err := strconv.ParseUint(uri.Path[1:], 16, 64)
	if err != nil || instance == 0 || uri.String() != instanceURI(instance).String() {
		return 0, ErrNoInstance
	}
	return instance, nil
}

func instanceURI(instance uint64) *url.URL {
	return &url.URL{Scheme: scheme, Host: host, Path: fmt.Sprintf("/%016x", instance)}
}
