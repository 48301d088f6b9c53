package edge_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"halley/cmd/halley/edge"
)

// holding returns a handler that says it has begun and stays until release.
func holding() (handler http.Handler, begun <-chan string, release chan struct{}) {
	started := make(chan string, 1000)
	release = make(chan struct{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/at-once" {
			return
		}
		started <- r.RemoteAddr
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}), started, release
}

func TestCapOnAllConnections(t *testing.T) {
	t.Parallel()
	s := start(t, ok, func(c *edge.Config) { c.MaxConnections = 3 })
	var inside []*net.TCPConn
	for range 3 {
		inside = append(inside, dial(t, s.address, ""))
	}
	eventually(t, "three connections inside", func() bool { return s.metric(t, "halley_edge_connections") == 3 })

	refused := answerOf(t, dial(t, s.address, ""))
	body, _ := io.ReadAll(refused.Body)
	if refused.StatusCode != http.StatusServiceUnavailable || refused.Header.Get("Retry-After") != "5" || !strings.Contains(string(body), `"over_capacity"`) {
		t.Errorf("the fourth got %s %v %s", refused.Status, refused.Header, body)
	}
	if got := s.metric(t, "halley_edge_refused_total"); got != 1 {
		t.Errorf("refused: %v, want 1", got)
	}

	inside[0].Close()
	eventually(t, "room for another", func() bool { return s.metric(t, "halley_edge_connections") == 2 })
	connection := dial(t, s.address, "")
	say(t, connection, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if got := answerOf(t, connection).StatusCode; got != http.StatusOK {
		t.Errorf("after one left: status %d", got)
	}
}

func TestCapPerAddress(t *testing.T) {
	t.Parallel()
	s := start(t, ok, func(c *edge.Config) { c.MaxConnectionsPerIP = 20 })
	for range 20 {
		dial(t, s.address, "127.0.0.2")
	}
	eventually(t, "twenty connections inside", func() bool { return s.metric(t, "halley_edge_connections") == 20 })
	refused := answerOf(t, dial(t, s.address, "127.0.0.2"))
	if refused.StatusCode != http.StatusTooManyRequests || refused.Header.Get("Retry-After") == "" {
		t.Errorf("the twenty-first of one address got %s", refused.Status)
	}
	another := dial(t, s.address, "127.0.0.3")
	say(t, another, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if got := answerOf(t, another).StatusCode; got != http.StatusOK {
		t.Errorf("another address got %d", got)
	}
}

// A hijacked connection holds its place until it is closed.
func TestHijackedConnectionCounts(t *testing.T) {
	t.Parallel()
	hijacked := make(chan net.Conn, 1)
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Errorf("hijack: %v", err)
			return
		}
		hijacked <- connection
	}), func(c *edge.Config) { c.MaxConnectionsPerIP = 1 })
	say(t, dial(t, s.address, ""), "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	connection := <-hijacked
	if got := answerOf(t, dial(t, s.address, "")).StatusCode; got != http.StatusTooManyRequests {
		t.Errorf("beside a hijacked connection: status %d", got)
	}
	if _, ok := connection.(interface{ CloseWrite() error }); !ok {
		t.Error("the hijacked connection has lost the methods of a TCP connection")
	}
	connection.Close()
	connection.Close()
	eventually(t, "an empty house", func() bool { return s.metric(t, "halley_edge_connections") == 0 })
}

// All connections of a proxy come from one address: each request counts for its client.
func TestCapBehindProxy(t *testing.T) {
	t.Parallel()
	handler, begun, release := holding()
	s := start(t, handler, func(c *edge.Config) {
		c.MaxConnectionsPerIP = 2
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	defer close(release)
	ask := func(client, path string) *net.TCPConn {
		connection := dial(t, s.address, "")
		say(t, connection, fmt.Sprintf("GET %s HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: %s\r\n\r\n", path, client))
		return connection
	}
	for range 2 {
		ask("2001:db8:0:1::1", "/")
		if got := <-begun; got != "[2001:db8:0:1::1]:0" {
			t.Fatalf("the client is %s", got)
		}
	}
	if got := answerOf(t, ask("2001:db8:0:1:ffff::2", "/at-once")).StatusCode; got != http.StatusTooManyRequests {
		t.Errorf("a third request from one /64: status %d", got)
	}
	if got := answerOf(t, ask("2001:db8:0:2::1", "/at-once")).StatusCode; got != http.StatusOK {
		t.Errorf("a request from another /64: status %d", got)
	}
	// A proxy that names nobody is counted itself, never let through unseen.
	ask("", "/")
	ask("nonsense", "/")
	for range 2 {
		if got := <-begun; got != "127.0.0.1:0" {
			t.Fatalf("the client is %s", got)
		}
	}
	if got := answerOf(t, ask("", "/at-once")).StatusCode; got != http.StatusTooManyRequests {
		t.Errorf("a third request from nobody: status %d", got)
	}
}

// One HTTP/2 connection carries many requests; each counts.
func TestCapOnStreams(t *testing.T) {
	t.Parallel()
	handler, begun, release := holding()
	certificate := newCertificate(t, "localhost")
	s := start(t, handler, func(c *edge.Config) {
		c.MaxConnectionsPerIP = 3
		c.TLS = edge.ServerTLS(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate.pair, nil })
	})
	client := certificate.client(t, s.address)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{}, 2)
	get := func(path string) (*http.Response, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://localhost"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		return client.Do(request)
	}
	for range 2 {
		go func() {
			defer func() { ended <- struct{}{} }()
			if response, err := get("/"); err == nil {
				response.Body.Close()
			}
		}()
		<-begun
	}
	response, err := get("/at-once")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.ProtoMajor != 2 || response.StatusCode != http.StatusTooManyRequests {
		t.Errorf("%s got %s", response.Proto, response.Status)
	}
	close(release)
	<-ended
	<-ended
	cancel()
}
