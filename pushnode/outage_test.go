package pushnode_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"halley/auth"
	"halley/tenant"
	"halley/test/postgres"
)

// elsewhere opens the node's database again, as another process does.
func (n *node) elsewhere(t testing.TB) *tenant.Store {
	t.Helper()
	config := n.config
	config.Logger = slog.New(slog.DiscardHandler)
	other := must(tenant.Open(t.Context(), config))(t)
	t.Cleanup(func() { _ = other.Close() })
	return other
}

// used waits until the meter has counted so much, and no more.
func (a *app) used(t *testing.T, want tenant.Values) {
	t.Helper()
	counted := tenant.Values{}
	if !until(func() bool {
		month := a.node.Meter.Current(a.id, time.Now()).Month
		counted = tenant.Values{Publishes: month.Publishes, Deliveries: month.Deliveries, PresenceEvents: month.PresenceEvents}
		return counted == want
	}) {
		t.Errorf("metered are %+v, want %+v", counted, want)
	}
}

// TestDatabaseStopsUnderClients stops Postgres under a node and its clients: who is known goes on, over every transport and call,
// and the ledger has all of it afterwards.
func TestDatabaseStopsUnderClients(t *testing.T) {
	t.Parallel()
	server := postgres.Start(t)
	n := newNode(t, func(with *setup) { with.store.URL = server.URL() })
	a := n.newApp(t, "ada", nil)
	before := a.followAll(t, a.publishable, "news")
	token := a.token(t, `{"client_id":"ada","capabilities":{"*":["subscribe","presence","history"]}}`)
	speakers := a.speakers(t)
	a.publish(t, "news", "before")
	for transport, follower := range before {
		if got := follower.message(); got.text("data") != "before" {
			t.Fatalf("%s: got %v", transport, got)
		}
	}
	a.used(t, tenant.Values{Publishes: 1, Deliveries: 3})
	if err := n.Meter.Flush(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}

	server.Stop()
	after := a.followAll(t, token, "news") // who comes only now
	const rounds = 3
	for round := range rounds {
		for way, say := range speakers {
			data := fmt.Sprint(way, round)
			say(data)
			for transport := range before {
				old, late := before[transport].message(), after[transport].message()
				if old.text("data") != data || late.text("data") != data {
					t.Fatalf("%s: got %v and %v, want %s", transport, old, late, data)
				}
			}
		}
	}
	present, _ := n.dial(t, token)
	present.ask("enter", `"channel":"news"`).expect(t, "enter", "", "")
	// A batch publishes on two channels; two clients follow over each transport.
	published := int64(1 + rounds*(len(speakers)+1))
	delivered := int64(3 + rounds*len(speakers)*6)
	want := tenant.Values{Publishes: published, Deliveries: delivered, PresenceEvents: 1}
	a.used(t, want)
	a.withoutDatabase(t, published)

	server.Restart()
	if !until(func() bool { return n.Meter.Flush(t.Context(), time.Now()) == nil }) {
		t.Fatal("the ledger cannot be written")
	}
	for range 2 { // a flush again adds nothing
		ledger := must(n.Store.MonthUsage(t.Context(), a.scope(), a.id, time.Now()))(t)
		got := tenant.Values{Publishes: ledger.Publishes, Deliveries: ledger.Deliveries, PresenceEvents: ledger.PresenceEvents}
		if got != want {
			t.Errorf("the ledger has %+v, want %+v", got, want)
		}
		if err := n.Meter.Flush(t.Context(), time.Now()); err != nil {
			t.Error(err)
		}
	}
	elsewhere := n.elsewhere(t)
	for _, key := range must(elsewhere.Keys(t.Context(), a.scope(), a.id))(t) {
		if err := elsewhere.RevokeKey(t.Context(), elsewhere.OperatorScope(a.account, tenant.Client{}), a.id, key.ID); err != nil {
			t.Fatal(err)
		}
	}
	if code := present.closing(); code != 4009 {
		t.Errorf("the keys were revoked by another process; the connection closes with %d", code)
	}
}

// withoutDatabase calls what needs no database, and what does.
func (a *app) withoutDatabase(t *testing.T, published int64) {
	t.Helper()
	for _, operation := range []string{"history", "channels", "channel", "presence", "createToken"} {
		a.node.send(t, a.sample(t, operation)).expect(t, operation, "", "")
	}
	usage := a.call(t, http.MethodGet, "/v1/usage", "").JSON
	if got := usage.in("month").number("publishes"); int64(got) != published {
		t.Errorf("usage shows %d publishes, want %d", got, published)
	}
	if err := a.node.Ready(); err != nil {
		t.Errorf("the node is not ready: %v", err)
	}
	if err := a.node.Meter.Flush(t.Context(), time.Now()); !errors.Is(err, tenant.ErrUnavailable) {
		t.Errorf("flush: %v, want ErrUnavailable", err)
	}
	unheard := auth.NewKey(auth.KindSecret).Text.Reveal()
	for _, path := range []string{"/v1/channels/news/messages", "/v1/usage", "/v1/poll?channel=news", "/v1/sse?channel=news"} {
		got := a.node.call(t, http.MethodGet, path, "", "Bearer "+unheard)
		got.expect(t, path, "unavailable", "")
		got.waits(t, path)
		if got.Status != http.StatusServiceUnavailable {
			t.Errorf("%s with a key that is not known: got %d, want 503", path, got.Status)
		}
	}
	if code := a.node.dialSilent(t, unheard).closing(); code != 4101 {
		t.Errorf("a WebSocket with a key that is not known closes with %d, want 4101", code)
	}
	wrong := a.node.call(t, http.MethodGet, "/v1/usage", "", "Bearer "+a.secret[:len(a.secret)-1]+"!")
	wrong.expect(t, "a key that is none", "unauthorized", "")
}
