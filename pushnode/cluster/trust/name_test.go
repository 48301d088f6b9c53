package trust

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/url"
	"testing"
	"time"
)

// A certificate of the cluster's own authority that names no instance, or not as we write it, is nobody's.
func TestNamedInstance(t *testing.T) {
	tests := []struct {
		uri  string
		want uint64
	}{
		{"halley://instance/00000000000000ff", 255},
		{"halley://instance/0000000000000000", 0},
		{"halley://instance/00000000000000FF", 0},
		{"halley://instance/ff", 0},
		{"halley://instance/+0000000000000ff", 0},
		{"halley://other/00000000000000ff", 0},
		{"https://instance/00000000000000ff", 0},
		{"halley://instance/00000000000000ff?x=1", 0},
		{"halley://user@instance/00000000000000ff", 0},
	}
	for _, test := range tests {
		uri, err := url.Parse(test.uri)
		if err != nil {
			t.Fatal(err)
		}
		got, err := namedInstance(&x509.Certificate{URIs: []*url.URL{uri}})
		if got != test.want || (test.want == 0) != errors.Is(err, ErrNoInstance) {
			t.Errorf("%s: instance %x, error %v", test.uri, got, err)
		}
	}
	if _, err := namedInstance(&x509.Certificate{}); !errors.Is(err, ErrNoInstance) {
		t.Errorf("no name: %v", err)
	}
}

// Any two processes with one secret come to the same authority, without a word between them.
func TestAuthorityIsDeterministic(t *testing.T) {
	secret := []byte("0123456789abcdef0123456789abcdef0123456789abcdef")
	one, errOne := newAuthority(secret)
	two, errTwo := newAuthority(secret)
	if errOne != nil || errTwo != nil {
		t.Fatal(errOne, errTwo)
	}
	if !one.certificate.Equal(two.certificate) {
		t.Error("one secret makes two certificates")
	}
}

// The holder of a node's certificate cannot make others: it is none of an authority.
func TestLeavesSignNothing(t *testing.T) {
	secrets, err := Parse([]byte("0123456789abcdef0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	own, err := secrets.Identity(1)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := own.current()
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(shown.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	forger := &authority{key: shown.PrivateKey.(ed25519.PrivateKey), certificate: leaf}
	forged, err := forger.mint(2, key, time.Now())
	if err != nil {
		t.Fatal(err, public)
	}
	certificate, err := x509.ParseCertificate(forged.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	state := tls.ConnectionState{PeerCertificates: []*x509.Certificate{certificate, leaf}}
	if instance, err := own.Peer(state); err == nil {
		t.Errorf("a forged certificate makes its holder %x", instance)
	}
}
