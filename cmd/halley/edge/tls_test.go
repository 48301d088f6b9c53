package edge_test

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"testing"

	"github.com/coder/websocket"

	"halley/cmd/halley/edge"
)

// echo takes a WebSocket and says what it hears, once; other requests get their protocol.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "" {
		_, _ = io.WriteString(w, r.Proto)
		return
	}
	socket, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer socket.CloseNow()
	kind, text, err := socket.Read(r.Context())
	if err == nil {
		_ = socket.Write(r.Context(), kind, text)
	}
	_ = socket.Close(websocket.StatusNormalClosure, "")
})

func TestTLS(t *testing.T) {
	t.Parallel()
	certificate := newCertificate(t, "localhost")
	s := start(t, echo, func(c *edge.Config) {
		c.TLS = edge.ServerTLS(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate.pair, nil })
	})
	client := certificate.client(t, s.address)

	response, err := client.Get("https://localhost/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); string(body) != "HTTP/2.0" {
		t.Errorf("the API speaks %s", body)
	}
	if response.Header.Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS over https")
	}

	// A browser opens a WebSocket over HTTP/1.1, which is offered beside HTTP/2.
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	one := client.Transport.(*http.Transport).Clone()
	one.ForceAttemptHTTP2 = false
	one.TLSClientConfig.NextProtos = []string{"http/1.1"}
	defer one.CloseIdleConnections()
	socket, _, err := websocket.Dial(ctx, "wss://localhost/", &websocket.DialOptions{HTTPClient: &http.Client{Transport: one}})
	if err != nil {
		t.Fatalf("WebSocket over TLS: %v", err)
	}
	defer socket.CloseNow()
	if err := socket.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, text, err := socket.Read(ctx); err != nil || string(text) != "hello" {
		t.Errorf("heard %q, %v", text, err)
	}
	_ = socket.Close(websocket.StatusNormalClosure, "")
}

func TestOldTLSIsRefused(t *testing.T) {
	t.Parallel()
	certificate := newCertificate(t, "localhost")
	s := start(t, ok, func(c *edge.Config) {
		c.TLS = edge.ServerTLS(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate.pair, nil })
	})
	old := tls.Client(dial(t, s.address, ""), &tls.Config{
		RootCAs: certificate.roots, ServerName: "localhost", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11,
	})
	if err := old.HandshakeContext(t.Context()); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
}
