package webhook

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"halley/auth"
)

// loopback lets a sender reach servers of tests.
var loopback = auth.DialPolicy{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}

func newTestSender(t *testing.T, policy auth.DialPolicy) *Sender {
	t.Helper()
	sender := NewSender(policy)
	t.Cleanup(sender.Close)
	return sender
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func TestSend(t *testing.T) {
	t.Parallel()
	signer := Signer{Key: "key", Secret: auth.NewSecret("secret")}
	body := []byte(`{"time_ms":1,"events":[]}`)
	var got *http.Request
	var read []byte
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		read, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
	})
	endpoint := &Endpoint{URL: server.URL + "/hook?token=1", Headers: []Header{
		{"Authorization", auth.NewSecret("Bearer x")}, {"X-Pusher-Key", auth.NewSecret("another")},
	}}
	attempt := newTestSender(t, loopback).Send(t.Context(), Post{Endpoint: endpoint, Signer: signer, ID: "whd_1", Body: body})
	if attempt.Status != http.StatusAccepted || !attempt.OK() || attempt.Fault != "" || attempt.Duration <= 0 {
		t.Fatalf("%+v", attempt)
	}
	if string(read) != string(body) || got.Method != http.MethodPost || got.RequestURI != "/hook?token=1" {
		t.Errorf("%s %s: %s", got.Method, got.RequestURI, read)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "X-Pusher-Key": "key", "X-Pusher-Signature": signer.sign(body),
		"Authorization": "Bearer x", "Halley-Delivery": "whd_1",
	} {
		if got := got.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestSendGoesNowhereElse follows no redirect, and connects to no address that a name leads to, where that is not allowed.
func TestSendGoesNowhereElse(t *testing.T) {
	t.Parallel()
	reached := 0
	inside := serve(t, func(http.ResponseWriter, *http.Request) { reached++ })
	outside := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, inside.URL, http.StatusTemporaryRedirect)
	})
	attempt := newTestSender(t, loopback).Send(t.Context(), Post{Endpoint: &Endpoint{URL: outside.URL}})
	if attempt.Status != http.StatusTemporaryRedirect || attempt.OK() {
		t.Errorf("a redirect: %+v", attempt)
	}
	closed := newTestSender(t, auth.DialPolicy{})
	_, port, _ := strings.Cut(strings.TrimPrefix(inside.URL, "http://"), ":")
	for _, url := range []string{
		inside.URL, "http://localhost:" + port, "http://[::1]:" + port, "http://2130706433:" + port, "http://127.1:" + port,
		"http://[fe80::1%25eth0]:" + port, "file:///etc/passwd", "://",
	} {
		if attempt := closed.Send(t.Context(), Post{Endpoint: &Endpoint{URL: url}}); attempt.Status != 0 || attempt.Fault == "" {
			t.Errorf("%s: %+v", url, attempt)
		}
	}
	if reached > 0 {
		t.Errorf("the server inside was reached %d times", reached)
	}
}

// TestSendReadsLittle does not wait for an answer without end.
func TestSendReadsLittle(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
	})
	attempt := newTestSender(t, loopback).Send(t.Context(), Post{Endpoint: &Endpoint{URL: server.URL}})
	if !attempt.OK() {
		t.Errorf("%+v", attempt)
	}
}

// TestFaultHidesNetwork tells nobody the addresses of our own network: of resolvers, of this node, and what names mean inside alone.
func TestFaultHidesNetwork(t *testing.T) {
	t.Parallel()
	inside := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 5), Port: 4711}
	outside := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443}
	for _, err := range []error{
		&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "a.test", Server: "10.0.0.2:53", IsNotFound: true}},
		&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "read udp 10.0.0.5:1->10.0.0.2:53: i/o timeout", Name: "a.test"}},
		&net.OpError{Op: "read", Net: "tcp", Source: inside, Addr: outside, Err: errors.New("connection reset by peer")},
		&net.OpError{Op: "dial", Net: "tcp", Addr: inside, Err: fmt.Errorf("%w: 10.0.0.5 is not a public address", auth.ErrAddressRefused)},
	} {
		if got := fault(&url.Error{Op: "Post", URL: "https://a.test", Err: err}); strings.Contains(got, "10.0.0.") || got == "" {
			t.Errorf("%v: %q", err, got)
		}
	}
}

// TestFaultIsText keeps what an endpoint says, and where it is cut, from making text that a database refuses.
func TestFaultIsText(t *testing.T) {
	t.Parallel()
	for shift := range 3 {
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			conn, stream, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_, _ = stream.WriteString("HTTP/1.1 " + strings.Repeat("x", shift) + strings.Repeat("é", 200) + "\r\n\r\n")
			_ = stream.Flush()
		})
		attempt := newTestSender(t, loopback).Send(t.Context(), Post{Endpoint: &Endpoint{URL: server.URL}})
		if !utf8.ValidString(attempt.Fault) || len(attempt.Fault) < maxFault-3 || len(attempt.Fault) > maxFault {
			t.Errorf("%q", attempt.Fault)
		}
	}
}

// TestSendUpgradesNothing ends an attempt whose endpoint claims to speak another protocol from now on, and then says nothing.
func TestSendUpgradesNothing(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		conn, stream, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = stream.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: silence\r\n\r\n")
		_ = stream.Flush()
		<-release
	})
	t.Cleanup(func() { close(release) })
	ended := make(chan Attempt, 1)
	go func() {
		ended <- newTestSender(t, loopback).Send(t.Context(), Post{Endpoint: &Endpoint{URL: server.URL}})
	}()
	select {
	case attempt := <-ended:
		if attempt.OK() || attempt.Fault == "" {
			t.Errorf("%+v", attempt)
		}
	case <-time.After(attemptTime + 5*time.Second):
		t.Fatal("the attempt does not end")
	}
}

// TestFaultHidesURL shows nobody what may be a password in a URL.
func TestFaultHidesURL(t *testing.T) {
	t.Parallel()
	attempt := newTestSender(t, auth.DialPolicy{}).Send(t.Context(), Post{Endpoint: &Endpoint{URL: "http://user:hunter2@example.com/?hunter2"}})
	if strings.Contains(attempt.Fault, "hunter2") || attempt.Fault == "" {
		t.Errorf("%q", attempt.Fault)
	}
}
