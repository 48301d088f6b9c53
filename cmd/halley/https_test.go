package main

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"halley/test/selfsigned"
)

// With a certificate everything on the public port is https: API, sockets, console; and cookies and HSTS follow.
func TestServeHTTPS(t *testing.T) {
	t.Parallel()
	certFile, keyFile, roots := selfsigned.Certificate(t)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := plainClient()
	client.Transport = transport
	n := startNode(t, client, "https", "--tls-cert", certFile, "--tls-key", keyFile)
	app := n.createApp()
	environment := []string{"HALLEY_URL=https://" + n.public, "SSL_CERT_FILE=" + certFile}
	if got := halley(t, append(environment, "HALLEY_KEY="+app.SecretKey), "publish", "news", "1"); got.code != exitOK {
		t.Errorf("publish: %+v", got)
	}
	if got := halley(t, append(environment, "HALLEY_KEY="+app.PublishableKey), "subscribe", "news", "--rewind", "1", "--count", "1"); got.code != exitOK {
		t.Errorf("subscribe over wss: %+v", got)
	}
	for _, path := range []string{"/v1/poll?channel=news&key=" + app.PublishableKey, "/v1/sse?channel=news&rewind=1&key=" + app.PublishableKey, "/login"} {
		response, err := client.Get("https://" + n.public + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK || response.ProtoMajor != 2 || response.Header.Get("Strict-Transport-Security") == "" {
			t.Errorf("%s: %s %s %v", path, response.Proto, response.Status, response.Header)
		}
	}
	if answer, _ := fetch(t, client, "https://"+n.public+"/v1/ws?key="+app.PublishableKey); answer.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("a WebSocket asked for over HTTP/2: %s %s", answer.Proto, answer.Status)
	}
	answer, cookie := n.signUp(client, "https")
	if answer.StatusCode != http.StatusSeeOther || !strings.HasPrefix(cookie, "__Host-halley_session=") || !strings.Contains(cookie, "; Secure") {
		t.Errorf("sign-up over https: %s, cookie %q", answer.Status, cookie)
	}
	n.signal(syscall.SIGTERM)
	if err := n.end(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	if want := "Halley is ready: https://" + n.public + "\n"; n.stdout.String() != want {
		t.Errorf("printed %q, want %q", n.stdout, want)
	}
}

// signUp fills in the form of a newcomer and returns the answer, and the cookie that came with it.
func (n *node) signUp(client *http.Client, scheme string) (answer *http.Response, cookie string) {
	n.t.Helper()
	form := url.Values{"email": {"ada@example.com"}, "password": {"three horses and a comet"}}
	answer, err := client.PostForm(scheme+"://"+n.public+"/signup", form)
	if err != nil {
		n.t.Fatal(err)
	}
	answer.Body.Close()
	return answer, answer.Header.Get("Set-Cookie")
}

// The settings reach the console: with --confirm-mail a sign-up leads nowhere but to the mail, with --signup closed there is none.
func TestSignUpSettings(t *testing.T) {
	t.Parallel()
	smtp := []string{"--smtp-host", "127.0.0.1", "--smtp-port", "1", "--smtp-insecure", "--mail-from", "halley@example.com"}
	for _, test := range []struct {
		name   string
		flags  []string
		status int
		cookie bool
	}{
		{"open", nil, http.StatusSeeOther, true},
		{"confirmed", append([]string{"--confirm-mail"}, smtp...), http.StatusOK, false},
		{"closed", []string{"--signup", "closed"}, http.StatusNotFound, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := plainClient()
			answer, cookie := startNode(t, client, "http", test.flags...).signUp(client, "http")
			if answer.StatusCode != test.status || (cookie != "") != test.cookie {
				t.Errorf("%s, cookie %q; want %d", answer.Status, cookie, test.status)
			}
		})
	}
}
