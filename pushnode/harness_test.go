package pushnode_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"halley/auth"
	"halley/pushnode"
	"halley/pushnode/http1"
	"halley/pushnode/session"
	"halley/tenant"
)

// node is a whole node on a store of its own, behind a real HTTP server. Every request and answer is held against the
// specification.
type node struct {
	*pushnode.Node
	URL       string
	Store     *tenant.Store
	Meter     *tenant.Meter
	Directory *tenant.Directory
	config    tenant.Config // of the store
	metrics   *prometheus.Registry
	client    *http.Client
	address   string
	stop      func() error // ends what Run started, waits for it, and may be called twice
}

// setup is what a test may want otherwise.
type setup struct {
	store       tenant.Config
	session     session.Config
	sets        auth.DialPolicy
	posts       *posts // what webhooks are sent; nil: they are accepted, and forgotten
	log         slog.Handler
	readTimeout time.Duration
	listener    listener
	seat        seat     // in a cluster of several; zero: alone
	clients     *clients // told of every connection; nil: nobody is
	pressure    pushnode.Pressure
}

// seat is which process of which cluster a node is.
type seat struct {
	instance, cluster uint64
	peering           *pushnode.Peering
	legacy            *pushnode.Legacy
}

// listener is where the node's server listens, and how a client gets there.
type listener interface {
	net.Listener
	dial(ctx context.Context, network, address string) (net.Conn, error)
}

// newNode starts a node that ends with the test.
func newNode(t testing.TB, changes ...func(*setup)) *node {
	t.Helper()
	with := setup{session: session.Config{DrainSpread: 50 * time.Millisecond}, log: slog.DiscardHandler}
	for _, change := range changes {
		change(&with)
	}
	if with.listener == nil {
		with.listener = listenTCP(t)
	}
	if with.store.DataDir = t.TempDir(); with.store.URL == "" {
		with.store.DataDir = freshFolder(t)
	}
	return with.start(t)
}

func (with *setup) start(t testing.TB) *node {
	t.Helper()
	logger := slog.New(with.log)
	with.store.Logger = logger
	metrics := prometheus.NewRegistry()
	with.session.Registerer = metrics
	if with.seat.peering == nil {
		with.seat = seat{instance: pushnode.NewInstance(), cluster: rand.Uint64N(1 << 40)}
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	store := must(tenant.Open(ctx, with.store))(t)
	if err := store.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	directory := must(tenant.OpenDirectory(ctx, store, logger))(t)
	meter := tenant.NewMeter(store, directory, rand.Uint64(), logger)
	hooks := tenant.NewWebhookLog(store, directory, logger)
	ring := must(auth.NewKeyring("", must(store.SigningKeys(ctx))(t)...))(t)
	built := must(pushnode.New(pushnode.Config{
		Instance: with.seat.instance, Cluster: with.seat.cluster, Peering: with.seat.peering, Directory: directory,
		Limiter: tenant.NewLimiter(meter), Meter: meter,
		Verifier: auth.NewVerifier(auth.VerifierConfig{
			Keys: directory, TokenKeys: directory, Keyring: ring, KeySets: auth.NewKeySets(with.sets, logger),
		}),
		Signer: auth.NewSigner(ring), Session: with.session, Logger: logger, Registerer: metrics, Legacy: with.seat.legacy,
		Pressure: with.pressure, Webhooks: hooks, Post: with.posts.send,
	}))(t)
	n := &node{
		Node: built, URL: "http://" + with.listener.Addr().String(), Store: store, Meter: meter, Directory: directory,
		config: with.store, metrics: metrics, address: with.listener.Addr().String(),
	}
	n.stop = sync.OnceValue(running(ctx, stop, directory.Run, meter.Run, hooks.Run, built.Run))
	with.serve(t, n)
	return n
}

// running starts the parts of a node and returns what ends them.
func running(ctx context.Context, stop func(), parts ...func(context.Context) error) func() error {
	failures := make([]error, len(parts))
	var group sync.WaitGroup
	for i, run := range parts {
		group.Go(func() { failures[i] = run(ctx) })
	}
	return func() error {
		stop()
		group.Wait()
		return errors.Join(failures...)
	}
}

// serve puts the node behind a server, and the quick loop before that, until the test is over.
func (with *setup) serve(t testing.TB, n *node) {
	// Without an IdleTimeout the ReadTimeout stands in for it, and connections are closed just when a client takes them up again.
	server := &http.Server{
		Handler: n.Handler(), ReadTimeout: with.readTimeout, IdleTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0),
	}
	if with.clients != nil {
		server.ConnState = with.clients.state
	}
	front := must(http1.Listen(with.listener, http1.Config{
		Handler: n.Quick(), Header: 5 * time.Second, Write: time.Minute, Idle: time.Minute,
	}))(t)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(front) })
	transport := &http.Transport{DialContext: with.listener.dial, MaxIdleConnsPerHost: 32}
	n.client = &http.Client{Transport: &checked{tb: t, base: transport, judged: make(map[string]int)}}
	t.Cleanup(func() {
		if err := n.stop(); err != nil {
			t.Errorf("a part of the node ended with %v", err)
		}
		transport.CloseIdleConnections()
		_ = server.Close()
		serving.Wait()
		if err := front.Wait(longest); err != nil {
			t.Error(err)
		}
		if err := n.Store.Close(); err != nil {
			t.Error(err)
		}
	})
}

type tcpListener struct{ net.Listener }

func (l tcpListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
}

func listenTCP(t testing.TB) listener { return tcpListener{must(net.Listen("tcp", "127.0.0.1:0"))(t)} }

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

// must2 is must for steps that make two things.
func must2[T, U any](first T, second U, err error) func(testing.TB) (T, U) {
	return func(t testing.TB) (T, U) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return first, second
	}
}

// longest is how long an answer may take: a long poll takes 55 s at most.
const longest = time.Minute

// reply is an answer of the API.
type reply struct {
	Status int
	Header http.Header
	Text   string
	JSON   object
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
	ctx, cancel := context.WithTimeout(request.Context(), longest)
	defer cancel()
	response := must(n.client.Do(request.WithContext(ctx)))(t)
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
func (r reply) errorName() string { return r.JSON.in("error").text("name") }

// metric is the value of a counter or gauge of the node, summed over all its labels or (where value is given) those with that value.
func (n *node) metric(t testing.TB, name, value string) (sum float64) {
	t.Helper()
	for _, family := range must(n.metrics.Gather())(t) {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.GetMetric() {
			if value == "" || len(metric.GetLabel()) == 1 && metric.GetLabel()[0].GetValue() == value {
				sum += metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
			}
		}
	}
	return sum
}
