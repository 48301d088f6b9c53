package edge_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"halley/cmd/halley/edge"
)

// certificate is one that signs itself.
type certificate struct {
	pair      *tls.Certificate
	cert, key []byte // PEM
	roots     *x509.CertPool
}

func newCertificate(t *testing.T, name string) certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	c := certificate{
		cert:  pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		key:   pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
		roots: x509.NewCertPool(),
	}
	pair, err := tls.X509KeyPair(c.cert, c.key)
	if err != nil {
		t.Fatal(err)
	}
	c.pair = &pair
	c.roots.AddCert(pair.Leaf)
	return c
}

// client speaks HTTP/2 or HTTP/1.1 with whoever listens at the address, under any name.
func (c certificate) client(t *testing.T, address string) *http.Client {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: c.roots},
		ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

func (c certificate) write(t *testing.T, certFile, keyFile string) {
	t.Helper()
	for name, data := range map[string][]byte{certFile: c.cert, keyFile: c.key} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCertificateReload(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	certFile, keyFile := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	first, second := newCertificate(t, "first.example"), newCertificate(t, "second.example")
	synctest.Test(t, func(t *testing.T) {
		first.write(t, certFile, keyFile)
		log := new(logBuffer)
		loaded, err := edge.LoadCertificate(certFile, keyFile, slog.New(slog.NewTextHandler(log, nil)), prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		config := loaded.TLS()
		ctx, cancel := context.WithCancel(t.Context())
		go loaded.Run(ctx)
		shown := func() string {
			t.Helper()
			<-time.After(11 * time.Second) // two looks at the files
			synctest.Wait()
			pair, err := config.GetCertificate(&tls.ClientHelloInfo{})
			if err != nil {
				t.Fatal(err)
			}
			return pair.Leaf.DNSNames[0]
		}
		write := func(name string, data []byte) {
			t.Helper()
			if err := os.WriteFile(name, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}

		if got := shown(); got != "first.example" {
			t.Errorf("at the start: %s", got)
		}
		write(certFile, []byte("no certificate"))
		if got := shown(); got != "first.example" {
			t.Errorf("with a broken file: %s", got)
		}
		if got := strings.Count(log.String(), "level=ERROR"); got != 1 {
			t.Errorf("a broken file is told %d times, want once:\n%s", got, log)
		}
		write(certFile, second.cert) // the key is still the old one's
		if got := shown(); got != "first.example" {
			t.Errorf("with half a pair: %s", got)
		}
		write(keyFile, second.key)
		if got := shown(); got != "second.example" {
			t.Errorf("with the new pair: %s", got)
		}
		if err := os.Remove(keyFile); err != nil {
			t.Fatal(err)
		}
		if got := shown(); got != "second.example" {
			t.Errorf("with no key file: %s", got)
		}
		if got := strings.Count(log.String(), "no such file"); got != 1 {
			t.Errorf("a missing file is told %d times, want once:\n%s", got, log)
		}
		if bytes.Contains([]byte(log.String()), []byte("PRIVATE KEY")) {
			t.Error("the log shows a key")
		}
		cancel()
		synctest.Wait()
	})
}

func TestCertificateMustBeGoodAtTheStart(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	certFile, keyFile := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	load := func() error {
		_, err := edge.LoadCertificate(certFile, keyFile, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
		return err
	}
	if err := load(); err == nil || !strings.Contains(err.Error(), certFile) {
		t.Errorf("without files: %v", err)
	}
	newCertificate(t, "a.example").write(t, certFile, keyFile)
	if err := os.WriteFile(keyFile, newCertificate(t, "b.example").key, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := load(); err == nil || !strings.Contains(err.Error(), keyFile) {
		t.Errorf("with another's key: %v", err)
	}
}
