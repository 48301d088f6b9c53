// Package acme gives tests a certificate authority that speaks ACME: pebble, the test server of Let's Encrypt.
//
// It validates as the real one does, over the network, except that every name leads to 127.0.0.1. It issues nothing by itself.
// Start at Start.
package acme

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The programs may take long to be built on a busy machine, but not to listen.
const (
	buildPatience  = 5 * time.Minute
	listenPatience = 30 * time.Second
)

// Server is a running certificate authority.
type Server struct {
	// Directory is the URL of the ACME directory, https.
	Directory string
	// CAFile is a PEM file with the certificate that a client must trust to reach Directory; a process does so by SSL_CERT_FILE.
	CAFile string
	// Roots trusts the certificates that the authority issues.
	Roots *x509.CertPool
}

// Start starts an authority that validates any domain by tls-alpn-01 at 127.0.0.1:tlsPort. It ends with the test. Its programs are
// built from the module test/tools, so the Go command must be there.
func Start(tb testing.TB, tlsPort int) *Server {
	tb.Helper()
	folder := tb.TempDir()
	directory, management, resolver := freeAddress(tb), freeAddress(tb), freeAddress(tb)
	s := &Server{Directory: "https://" + directory + "/dir", CAFile: filepath.Join(folder, "ca.pem")}
	keyFile := filepath.Join(folder, "key.pem")
	certify(tb, s.CAFile, keyFile)

	launch(tb, folder, "pebble-challtestsrv", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dnsserver", resolver,
		"-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-management", freeAddress(tb))
	awaitListener(tb, resolver)

	config := filepath.Join(folder, "pebble.json")
	write(tb, config, pebbleConfig(tb, directory, management, s.CAFile, keyFile, tlsPort))
	launch(tb, folder, "pebble", "-config", config, "-dnsserver", resolver)
	awaitListener(tb, directory)
	awaitListener(tb, management)
	s.Roots = fetchRoots(tb, s.CAFile, "https://"+management+"/roots/0")
	return s
}

// pebbleConfig returns pebble's configuration, by which clients ask again each second.
func pebbleConfig(tb testing.TB, directory, management, certFile, keyFile string, tlsPort int) []byte {
	tb.Helper()
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress":           directory,
		"managementListenAddress": management,
		"certificate":             certFile,
		"privateKey":              keyFile,
		"tlsPort":                 tlsPort,
		"keyAlgorithm":            "ecdsa",
		"retryAfter":              map[string]int{"authz": 1, "order": 1},
	}})
	if err != nil {
		tb.Fatalf("acme: %v", err)
	}
	return config
}

// launch runs one of pebble's programs until the test is over; its output goes to a file, which a failed test shows.
func launch(tb testing.TB, folder, program string, args ...string) {
	tb.Helper()
	output, err := os.Create(filepath.Join(folder, program+".log"))
	if err != nil {
		tb.Fatalf("acme: %v", err)
	}
	cmd := exec.Command(executable(tb, program), args...)
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		tb.Fatalf("acme: start %s: %v", program, err)
	}
	tb.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait() // the error says that it was killed
		output.Close()
		if log, err := os.ReadFile(output.Name()); tb.Failed() && err == nil {
			tb.Logf("%s said:\n%s", program, log)
		}
	})
}

// executable builds a tool of the module test/tools, into Go's cache, and returns its path.
func executable(tb testing.TB, program string) string {
	tb.Helper()
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		tb.Fatalf("acme: find the module: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), buildPatience)
	defer cancel()
	modfile := filepath.Join(strings.TrimSpace(string(root)), "test/tools/go.mod")
	path, err := exec.CommandContext(ctx, "go", "tool", "-modfile="+modfile, "-n", program).Output()
	if err != nil {
		tb.Fatalf("acme: build %s: %v", program, err)
	}
	return strings.TrimSpace(string(path))
}

// certify writes a self-signed certificate for 127.0.0.1 and its key.
func certify(tb testing.TB, certFile, keyFile string) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatalf("acme: %v", err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "local ACME directory"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatalf("acme: %v", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatalf("acme: %v", err)
	}
	write(tb, certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	write(tb, keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// fetchRoots returns the authority's root, which is new in each process.
func fetchRoots(tb testing.TB, caFile, url string) *x509.CertPool {
	tb.Helper()
	trusted, err := os.ReadFile(caFile)
	if err != nil {
		tb.Fatalf("acme: %v", err)
	}
	ca, issued := x509.NewCertPool(), x509.NewCertPool()
	ca.AppendCertsFromPEM(trusted)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca}}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, Timeout: listenPatience}
	answer, err := client.Get(url)
	if err != nil {
		tb.Fatalf("acme: fetch the root: %v", err)
	}
	defer answer.Body.Close()
	root, err := io.ReadAll(answer.Body)
	if err != nil || !issued.AppendCertsFromPEM(root) {
		tb.Fatalf("acme: fetch the root: %s, error %v", answer.Status, err)
	}
	return issued
}

// freeAddress returns an address on the loopback that nobody listens on now.
func freeAddress(tb testing.TB) string {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("acme: %v", err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// awaitListener waits until somebody listens on the address.
func awaitListener(tb testing.TB, address string) {
	tb.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(listenPatience); ; <-tick.C {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(end) {
			tb.Fatalf("acme: nobody listens: %v", err)
		}
	}
}

// write writes a file that only this user may read.
func write(tb testing.TB, path string, content []byte) {
	tb.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatalf("acme: %v", err)
	}
}
