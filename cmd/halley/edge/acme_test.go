package edge_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"halley/cmd/halley/edge"
	"halley/test/acme"
)

// The authority is a real one that checks the domain over the network, at the port that the edge listens on.
func TestACME(t *testing.T) {
	t.Parallel()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	authority := acme.Start(t, listener.Addr().(*net.TCPAddr).Port)
	log := new(logBuffer)
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	toAuthority := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: poolOf(t, authority.CAFile)}}
	defer toAuthority.CloseIdleConnections()
	cache := filepath.Join(t.TempDir(), "acme")
	config, err := edge.ACME{
		Domains: []string{"push.example.com"}, Directory: authority.Directory, Email: "ops@example.com", CacheDir: cache,
		Client: &http.Client{Transport: toAuthority, Timeout: patience}, Logger: logger,
	}.TLS()
	if err != nil {
		t.Fatal(err)
	}
	server, err := edge.New(edge.Config{
		TLS: config, Timeouts: edge.DefaultTimeouts(), Logger: logger, Registerer: prometheus.NewRegistry(),
	}, echo)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := server.Run(ctx, listener); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	defer running.Wait()
	defer cancel()

	client := certificate{roots: authority.Roots}.client(t, listener.Addr().String())
	client.Timeout = time.Minute // the first handshake waits for the authority
	response, err := client.Get("https://push.example.com/")
	if err != nil {
		t.Fatalf("first handshake: %v\n%s", err, log)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); string(body) != "HTTP/2.0" {
		t.Errorf("got %q", body)
	}
	if leaf := response.TLS.PeerCertificates[0]; leaf.VerifyHostname("push.example.com") != nil {
		t.Errorf("the certificate is for %v", leaf.DNSNames)
	}

	// What was got is kept, for nobody else to read.
	info, err := os.Stat(filepath.Join(cache, "push.example.com"))
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("cached certificate: %v, %v", info, err)
	}
	// Other names cost the authority nothing.
	if response, err := client.Get("https://other.example.com/"); err == nil {
		response.Body.Close()
		t.Error("a name that is not ours has a certificate")
	}
	if strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("a stranger's name is an error in the log:\n%s", log)
	}
}

func TestACMEDomains(t *testing.T) {
	t.Parallel()
	for _, domains := range [][]string{nil, {"localhost"}, {"*.example.com"}, {"https://example.com"}, {"example.com:443"}} {
		if _, err := (edge.ACME{Domains: domains, CacheDir: t.TempDir()}).TLS(); err == nil {
			t.Errorf("%q is taken for domains", domains)
		}
	}
}

func TestACMEFailureIsToldOnce(t *testing.T) {
	t.Parallel()
	log := new(logBuffer)
	config, err := edge.ACME{
		Domains: []string{"push.example.com"}, Directory: "https://127.0.0.1:1/dir", CacheDir: t.TempDir(),
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	}.TLS()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := config.GetCertificate(&tls.ClientHelloInfo{ServerName: "push.example.com"}); err == nil {
			t.Fatal("a certificate from nowhere")
		}
	}
	if got := strings.Count(log.String(), "no certificate"); got != 1 {
		t.Errorf("told %d times:\n%s", got, log)
	}
}

func poolOf(t *testing.T, file string) *x509.CertPool {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		t.Fatalf("no certificate in %s", file)
	}
	return pool
}
