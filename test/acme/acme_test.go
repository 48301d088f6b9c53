package acme_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	client "golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"halley/test/acme"
	"halley/test/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// A server with autocert gets a certificate at its first handshake, after the authority has validated it over the network.
func TestStartIssuesToAutocert(t *testing.T) {
	const domain = "push.halley.test"
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	authority := acme.Start(t, listener.Addr().(*net.TCPAddr).Port)
	manager := &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		HostPolicy: autocert.HostWhitelist(domain),
		Client:     &client.Client{DirectoryURL: authority.Directory, HTTPClient: trusting(t, authority.CAFile)},
	}
	server := &http.Server{TLSConfig: manager.TLSConfig(), ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.ServeTLS(listener, "", "") }()
	t.Cleanup(func() {
		server.Close()
		<-served
	})

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{ServerName: domain, RootCAs: authority.Roots}}
	conn, err := dialer.DialContext(ctx, "tcp", listener.Addr().String())
	if err != nil {
		t.Fatalf("the first handshake: %v", err)
	}
	conn.Close()
}

// trusting returns a client that trusts the certificates in the file.
func trusting(t *testing.T, caFile string) *http.Client {
	t.Helper()
	text, err := os.ReadFile(caFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}
