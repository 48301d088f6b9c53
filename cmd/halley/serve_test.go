package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// node is a process of halley serve with a data folder of its own.
type node struct {
	t       *testing.T
	public  string // host:port
	admin   string
	dataDir string
	command *exec.Cmd
	stdout  *bytes.Buffer // read it after the end
	stderr  *bytes.Buffer
	ended   chan error
}

// startNode starts a node and waits until it is ready. It is killed with its test if it has not ended by then.
func startNode(t *testing.T, client *http.Client, scheme string, flags ...string) *node {
	t.Helper()
	n := &node{
		t: t, public: freeAddress(t), admin: freeAddress(t), dataDir: t.TempDir(),
		stdout: new(bytes.Buffer), stderr: new(bytes.Buffer), ended: make(chan error, 1),
	}
	arguments := []string{"serve", "--listen", n.public, "--admin-listen", n.admin, "--data-dir", n.dataDir}
	n.command = exec.Command(binary(t), append(arguments, flags...)...)
	n.command.Stdout, n.command.Stderr = n.stdout, n.stderr
	n.command.Env = plainEnvironment()
	n.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := n.command.Start(); err != nil {
		t.Fatal(err)
	}
	waited := make(chan struct{})
	go func() {
		defer close(waited)
		n.ended <- n.command.Wait()
	}()
	t.Cleanup(func() {
		_ = n.command.Process.Kill()
		<-waited
		if t.Failed() {
			t.Logf("the node said:\n%s", n.stderr)
		}
	})
	n.await(client, scheme+"://"+n.public+"/readyz")
	return n
}

// await polls a URL until it answers 200.
func (n *node) await(client *http.Client, url string) {
	n.t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(patience); ; {
		if response, err := client.Get(url); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case err := <-n.ended:
			n.t.Fatalf("the node ended: %v\n%s", err, n.stderr)
		case <-ticker.C:
		}
		if time.Now().After(end) {
			n.t.Fatalf("%s does not answer", url)
		}
	}
}

func (n *node) signal(s syscall.Signal) {
	n.t.Helper()
	if err := n.command.Process.Signal(s); err != nil {
		n.t.Fatal(err)
	}
}

// end waits until the process has ended.
func (n *node) end() error {
	n.t.Helper()
	select {
	case err := <-n.ended:
		return err
	case <-time.After(patience):
		n.t.Fatal("the node does not end")
		return nil
	}
}

// halley runs another command of the binary.
func halley(t *testing.T, environment []string, arguments ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, binary(t), arguments...)
	command.Env = append(plainEnvironment(), environment...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		if _, exited := errors.AsType[*exec.ExitError](err); !exited || ctx.Err() != nil {
			t.Fatalf("halley %s: %v", strings.Join(arguments, " "), err)
		}
	}
	return result{code: command.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

func binary(t *testing.T) string {
	t.Helper()
	name, err := buildBinary()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// plainEnvironment is ours without Halley's settings.
func plainEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "HALLEY_") })
}

// freeAddress is an address that nobody listens on now.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// plainClient keeps no connection open and follows no redirect.
func plainClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// fetch returns status, headers and body of a GET.
func fetch(t *testing.T, client *http.Client, url string) (*http.Response, string) {
	t.Helper()
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// made is what create-app prints.
type made struct {
	AccountID      string `json:"account_id"`
	AppID          string `json:"app_id"`
	SecretKey      string `json:"secret_key"`
	PublishableKey string `json:"publishable_key"`
}

func (n *node) createApp(arguments ...string) made {
	n.t.Helper()
	got := halley(n.t, nil, append([]string{"admin", "create-app", "--data-dir", n.dataDir, "--account", "acme", "--app", "shop", "--email", "a@b.example"}, arguments...)...)
	var app made
	if err := json.Unmarshal([]byte(got.stdout), &app); err != nil || got.code != exitOK {
		n.t.Fatalf("create-app: %+v, %v", got, err)
	}
	return app
}

// The whole way of a newcomer at the command line: start, make an app, publish, follow, stop.
func TestServe(t *testing.T) {
	t.Parallel()
	client := plainClient()
	n := startNode(t, client, "http")
	app := n.createApp("--limit", "connections=5", "--limit", "channels=7", "--origin", "https://a.example")
	for _, id := range []string{app.AccountID, app.AppID, app.SecretKey, app.PublishableKey} {
		if id == "" {
			t.Fatalf("create-app printed %+v", app)
		}
	}
	secret := []string{"HALLEY_KEY=" + app.SecretKey, "HALLEY_URL=http://" + n.public}
	public := []string{"HALLEY_KEY=" + app.PublishableKey, "HALLEY_URL=http://" + n.public}

	if got := halley(t, secret, "publish", "news", `{"n":1}`); got.code != exitOK || !strings.Contains(got.stdout, `"offset":1`) {
		t.Errorf("publish: %+v", got)
	}
	if got := halley(t, secret, "publish", "news", "two", "--text", "--id", "m2"); got.code != exitOK || !strings.Contains(got.stdout, `"id":"m2"`) {
		t.Errorf("publish: %+v", got)
	}
	got := halley(t, public, "subscribe", "news", "--rewind", "9", "--count", "2")
	if lines := strings.Split(got.stdout, "\n"); got.code != exitOK || len(lines) != 3 ||
		!strings.Contains(lines[0], `"data":{"n":1}`) || !strings.Contains(lines[1], `"data":"two"`) {
		t.Errorf("subscribe: %+v", got)
	}
	if got := halley(t, public, "publish", "news", "1"); got.code != exitFailure || !strings.Contains(got.stderr, "(denied)") {
		t.Errorf("publish with a publishable key: %+v", got)
	}

	var token struct {
		Token string `json:"token"`
	}
	got = halley(t, secret, "token", "--client-id", "ada", "private-room:*=subscribe,publish", "--ttl", "5m")
	if err := json.Unmarshal([]byte(got.stdout), &token); err != nil || got.code != exitOK {
		t.Fatalf("token: %+v, %v", got, err)
	}
	bearer := []string{"HALLEY_KEY=" + token.Token, "HALLEY_URL=http://" + n.public}
	if got := halley(t, bearer, "publish", "private-room:1", "1"); got.code != exitOK {
		t.Errorf("publish with the token: %+v", got)
	}
	if got := halley(t, bearer, "subscribe", "private-room:1", "--rewind", "1", "--count", "1"); got.code != exitOK {
		t.Errorf("subscribe with the token: %+v", got)
	}
	if got := halley(t, bearer, "subscribe", "news"); got.code != exitFailure || !strings.Contains(got.stderr, "(denied)") {
		t.Errorf("subscribe to what the token does not name: %+v", got)
	}

	n.signal(syscall.SIGTERM)
	if err := n.end(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	if want := "Halley is ready: http://" + n.public + "\n"; n.stdout.String() != want {
		t.Errorf("printed %q, want %q", n.stdout, want)
	}
	for _, canary := range []string{app.SecretKey, app.PublishableKey, token.Token} {
		if strings.Contains(n.stderr.String(), canary) {
			t.Error("the log shows a credential")
		}
	}
}

// Nodes that run hear what halley admin changes.
func TestAdminBesideANode(t *testing.T) {
	t.Parallel()
	n := startNode(t, plainClient(), "http")
	app := n.createApp()
	secret := []string{"HALLEY_KEY=" + app.SecretKey, "HALLEY_URL=http://" + n.public}
	admin := func(arguments ...string) string {
		t.Helper()
		got := halley(t, nil, append([]string{"admin", "--data-dir", n.dataDir}, arguments...)...)
		if got.code != exitOK || strings.Count(got.stdout, "\n") != 1 {
			t.Fatalf("%v: %+v", arguments, got)
		}
		return got.stdout
	}

	again := n.createApp()
	if again.AppID != app.AppID || again.AccountID != app.AccountID || again.SecretKey == app.SecretKey {
		t.Errorf("the same app again: %+v, was %+v", again, app)
	}
	if got := admin("list-apps"); strings.Count(got, `"app_id"`) != 1 || !strings.Contains(got, app.AppID) || !strings.Contains(got, `"account":"acme"`) {
		t.Errorf("list-apps: %s", got)
	}
	if got := admin("set-rule", "--app", app.AppID, "--prefix", "private-", "--history", "5", "--ttl", "1h", "--policy", "latest", "--presence"); !strings.Contains(got, `"public":false`) || !strings.Contains(got, `"presence":true`) {
		t.Errorf("set-rule: %s", got)
	}
	if got := admin("set-rule", "--app", app.AppID, "--prefix", "open", "--public=false", "--client-publish"); !strings.Contains(got, `"public":false`) {
		t.Errorf("set-rule --public=false: %s", got)
	}
	if got := admin("set-limit", "--app", app.AppID, "message_bytes=100", "batch=3"); !strings.Contains(got, `"message_bytes":100`) || !strings.Contains(got, `"connections":10000`) {
		t.Errorf("set-limit: %s", got)
	}

	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(patience); ; <-ticker.C {
		got := halley(t, secret, "publish", "news", "--text", strings.Repeat("x", 200))
		if got.code == exitFailure && strings.Contains(got.stderr, "(message_too_large)") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the node does not hear of the limit: %+v", got)
		}
	}
}

func TestOperatorsPort(t *testing.T) {
	t.Parallel()
	client := plainClient()
	n := startNode(t, client, "http")
	response, metrics := fetch(t, client, "http://"+n.admin+"/metrics")
	if response.StatusCode != http.StatusOK {
		t.Errorf("metrics: %s", response.Status)
	}
	for _, name := range []string{"halley_build_info{", "halley_edge_connections ", "halley_edge_requests_total ", "go_goroutines "} {
		if !strings.Contains(metrics, "\n"+name) {
			t.Errorf("the metrics lack %s", name)
		}
	}
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/goroutine?debug=1", "/healthz", "/readyz"} {
		if response, _ := fetch(t, client, "http://"+n.admin+path); response.StatusCode != http.StatusOK {
			t.Errorf("%s on the operator's port: %s", path, response.Status)
		}
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/.well-known/jwks.json": 200, "/metrics": 404, "/debug/pprof/": 404, "/debug/pprof/heap": 404} {
		if response, _ := fetch(t, client, "http://"+n.public+path); response.StatusCode != want {
			t.Errorf("%s on the public port: %s, want %d", path, response.Status, want)
		}
	}
}

// A drained node tells its clients when to come back, is not ready meanwhile, and ends well.
func TestDrain(t *testing.T) {
	t.Parallel()
	client := plainClient()
	n := startNode(t, client, "http")
	app := n.createApp()
	stream, err := client.Get("http://" + n.public + "/v1/sse?channel=news&key=" + app.PublishableKey)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	if stream.StatusCode != http.StatusOK {
		t.Fatalf("event stream: %s", stream.Status)
	}
	n.signal(syscall.SIGTERM)
	text, err := io.ReadAll(stream.Body)
	if err != nil || !strings.Contains(string(text), "event: drain\n") || !strings.Contains(string(text), `"reconnect_in":`) {
		t.Errorf("the stream ended with %v after\n%s", err, text)
	}
	if err := n.end(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	if log := n.stderr.String(); strings.Contains(log, "level=ERROR") || strings.Contains(log, "level=WARN") {
		t.Errorf("a drain is no trouble, but the log says\n%s", log)
	}
}

// Who is in a hurry sends a second signal.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	client := plainClient()
	n := startNode(t, client, "http")
	// A request that never comes to its end holds the node up for longer than this test waits below.
	connection, err := net.Dial("tcp", n.public)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	app := n.createApp()
	fmt.Fprintf(connection, "POST /v1/channels/news/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", app.SecretKey)
	n.awaitMetric(client, "halley_edge_connections", "1")
	n.signal(syscall.SIGTERM)
	n.awaitUnready(client)
	begin := time.Now()
	n.signal(syscall.SIGTERM)
	err = n.end()
	exited, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exited.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("ended with %v", err)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
}

func (n *node) awaitMetric(client *http.Client, name, value string) {
	n.t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(patience); ; <-ticker.C {
		if _, metrics := fetch(n.t, client, "http://"+n.admin+"/metrics"); strings.Contains(metrics, "\n"+name+" "+value+"\n") {
			return
		}
		if time.Now().After(end) {
			n.t.Fatalf("%s does not become %s", name, value)
		}
	}
}

// awaitUnready waits until the operator's port, which is the last to go, says that the node drains.
func (n *node) awaitUnready(client *http.Client) {
	n.t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(patience); ; <-ticker.C {
		response, err := client.Get("http://" + n.admin + "/readyz")
		if err != nil {
			n.t.Fatalf("the operator's port: %v", err)
		}
		response.Body.Close()
		if response.StatusCode == http.StatusServiceUnavailable {
			return
		}
		if time.Now().After(end) {
			n.t.Fatal("the node does not drain")
		}
	}
}

func TestPortsThatAreTaken(t *testing.T) {
	t.Parallel()
	n := startNode(t, plainClient(), "http")
	tests := []struct {
		name      string
		arguments []string
		reason    string
	}{
		{"the public port", []string{"--listen", n.public, "--admin-listen", "off", "--data-dir", t.TempDir()}, "--listen " + n.public + ": another program listens there"},
		{"the operator's port", []string{"--listen", "127.0.0.1:0", "--admin-listen", n.admin, "--data-dir", t.TempDir()}, "--admin-listen " + n.admin + ": another program listens there"},
		{"the data folder", []string{"--listen", "127.0.0.1:0", "--admin-listen", "off", "--data-dir", n.dataDir}, "in use"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := halley(t, nil, append([]string{"serve"}, test.arguments...)...)
			if got.code != exitFailure || !strings.Contains(got.stderr, test.reason) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// With a certificate everything on the public port is https: API, sockets, console; and cookies and HSTS follow.
func TestServeHTTPS(t *testing.T) {
	t.Parallel()
	certFile, keyFile, roots := selfSigned(t)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
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
	n.signal(syscall.SIGTERM)
	if err := n.end(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	if want := "Halley is ready: https://" + n.public + "\n"; n.stdout.String() != want {
		t.Errorf("printed %q, want %q", n.stdout, want)
	}
}

// selfSigned makes a certificate for 127.0.0.1.
func selfSigned(t *testing.T) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	certFile, keyFile = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(certificate)
	return certFile, keyFile, roots
}
