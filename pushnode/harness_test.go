package pushnode_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"halley/auth"
	"halley/pushnode"
	"halley/pushnode/session"
	"halley/tenant"
)

// node is a whole node on an embedded store, behind a real HTTP server.
type node struct {
	*pushnode.Node
	URL   string
	Store *tenant.Store
}

// newNode starts a node that ends with the test.
func newNode(t testing.TB) *node {
	t.Helper()
	return newNodeWith(t, tenant.Config{DataDir: t.TempDir()}, session.Config{DrainSpread: 50 * time.Millisecond})
}

func newNodeWith(t testing.TB, where tenant.Config, sessions session.Config) *node {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	where.Logger = logger
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	store := must(tenant.Open(ctx, where))(t)
	if err := store.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	directory := must(tenant.OpenDirectory(ctx, store, logger))(t)
	meter := tenant.NewMeter(store, directory, rand.Uint64(), logger)
	ring := must(auth.NewKeyring("", must(store.SigningKeys(ctx))(t)...))(t)
	built := must(pushnode.New(pushnode.Config{
		Instance: rand.Uint64() | 1, Cluster: rand.Uint64N(1 << 40), Directory: directory, Limiter: tenant.NewLimiter(meter), Meter: meter,
		Verifier: auth.NewVerifier(auth.VerifierConfig{
			Keys: directory, TokenKeys: directory, Keyring: ring, KeySets: auth.NewKeySets(auth.DialPolicy{}),
		}),
		Signer: auth.NewSigner(ring), Session: sessions, Logger: logger, Registerer: prometheus.NewRegistry(),
	}))(t)
	server := httptest.NewServer(built.Handler())

	var parts sync.WaitGroup
	for _, run := range []func(context.Context) error{directory.Run, meter.Run, built.Run} {
		parts.Go(func() {
			if err := run(ctx); err != nil {
				t.Errorf("a part of the node ended with %v", err)
			}
		})
	}
	t.Cleanup(func() {
		stop()
		parts.Wait()
		server.CloseClientConnections()
		server.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return &node{Node: built, URL: server.URL, Store: store}
}

// must fails the test where a step that it does not test goes wrong.
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// app is an app with its keys.
type app struct {
	node        *node
	id, account string
	secret      string
	publishable string
}

// newApp makes an account with an app.
func (n *node) newApp(t testing.TB, name string, limits tenant.Overrides) *app {
	t.Helper()
	made := must(n.Store.Provision(t.Context(), tenant.Provision{
		Account: name, App: name, Email: name + "@example.com", Limits: limits,
	}, tenant.Client{}))(t)
	return &app{
		node: n, id: made.AppID, account: made.AccountID,
		secret: made.SecretKey.Reveal(), publishable: made.PublishableKey.Reveal(),
	}
}

// reply is an answer of the API.
type reply struct {
	Status int
	Header http.Header
	Text   string
	JSON   map[string]any
}

// call sends a request with the app's secret key.
func (a *app) call(t testing.TB, method, path, body string) reply {
	t.Helper()
	return a.node.call(t, method, path, body, "Bearer "+a.secret)
}

func (n *node) call(t testing.TB, method, path, body, authorization string) reply {
	t.Helper()
	request := must(http.NewRequestWithContext(t.Context(), method, n.URL+path, strings.NewReader(body)))(t)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	return n.send(t, request)
}

func (n *node) send(t testing.TB, request *http.Request) reply {
	t.Helper()
	response := must(http.DefaultClient.Do(request))(t)
	defer response.Body.Close()
	text := string(must(io.ReadAll(response.Body))(t))
	got := reply{Status: response.StatusCode, Header: response.Header, Text: text}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal([]byte(text), &got.JSON); err != nil {
			t.Fatalf("%s %s answered with JSON that is none: %v: %s", request.Method, request.URL, err, text)
		}
	}
	return got
}

// errorName is the name of the error in the reply, or "".
func (r reply) errorName() string {
	fault, _ := r.JSON["error"].(map[string]any)
	name, _ := fault["name"].(string)
	return name
}
