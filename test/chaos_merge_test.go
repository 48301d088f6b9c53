package test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"halley/test/postgres"
)

// Two clusters were founded apart on one database with one secret, because each first node was given no peer. When a node that was given
// both makes them meet, both tell of it, and go on: neither takes in anything of the other. The way out is to restart the nodes of one
// with a peer of the other. Its clients are told that their positions are of no use any more.
func TestChaosClustersFoundedApartAreJoined(t *testing.T) {
	t.Parallel()
	store, flags := sharedStore(t)
	addresses := gossipAddresses(t, 3)
	start := func(address string, join ...string) *node {
		return startNodeOn(t, store, flags(address, join...)...)
	}
	ours, theirs := start(addresses[0]), start(addresses[1])
	chat := ours.createApp("acme", "chat")
	names := url.Values{"channel": {"news"}, "key": {chat.PublishableKey}}
	mustPublish(t, ours, chat, `{"data":"ours"}`)
	mustPublish(t, theirs, chat, `{"data":"theirs"}`)
	cursor := poll(t, theirs, names).Cursor

	witness := start(addresses[2], addresses[0], addresses[1])
	for _, n := range []*node{ours, theirs, witness} {
		n.awaitGauge("halley_cluster_conflicts", 1)
	}
	second := mustPublish(t, theirs, chat, `{"data":"theirs again"}`)
	mustPublish(t, ours, chat, `{"data":"ours again"}`)
	got := poll(t, theirs, with(names, "cursor", cursor))
	if len(got.Messages) != 1 || got.Messages[0].ID != second.ID || len(got.Gaps) != 0 {
		t.Errorf("a client of theirs, amid the conflict, gets %+v", got)
	}

	// The witness has gone to one of the two: the other is restarted.
	stays, joins, at := ours, theirs, addresses[0]
	if held := poll(t, witness, with(names, "rewind", "10")).Messages; len(held) == 0 || string(held[0].Data) != `"ours"` {
		stays, joins, at = theirs, ours, addresses[1]
	}
	old := poll(t, joins, names).Cursor
	joins.flags = append(joins.flags, "--join", at)
	joins.kill()
	joins.start()
	for _, n := range []*node{stays, witness, joins} {
		n.awaitGauge("halley_cluster_conflicts", 0)
	}
	got = poll(t, joins, with(names, "cursor", old, "wait", "20s"))
	if len(got.Gaps) != 1 || got.Gaps[0].Reason != "unknown_epoch" {
		t.Errorf("a client of the cluster that is no more gets %+v", got)
	}
	last := mustPublish(t, stays, chat, `{"data":"one cluster"}`)
	got = poll(t, joins, with(names, "cursor", got.Cursor, "wait", "20s"))
	if len(got.Messages) != 1 || got.Messages[0].ID != last.ID {
		t.Errorf("and then %+v, want %s", got, last.ID)
	}
}

// sharedStore is a database with a secret for several nodes, and the flags of a node that gossips at an address and is given peers.
func sharedStore(t *testing.T) (store []string, flags func(address string, join ...string) []string) {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("only-a-test-cluster-secret-of-43-characters-or-more\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	store = []string{"--database", postgres.URL(t), "--data-dir", t.TempDir(), "--cluster-secret-file", secret}
	return store, func(address string, join ...string) []string {
		list := []string{"--cluster-listen", address, "--node-name", address}
		for _, peer := range join {
			list = append(list, "--join", peer)
		}
		return list
	}
}

// awaitGauge waits until a metric of the node has a value.
func (n *node) awaitGauge(name string, want float64) {
	n.tb.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(startPatience); n.gauge(name) != want; <-tick.C {
		if time.Now().After(end) {
			n.tb.Fatalf("%s is %v, want %v", name, n.gauge(name), want)
		}
	}
}

// gauge is the value of a metric of the node that has no labels; -1 where there is none.
func (n *node) gauge(name string) float64 {
	n.tb.Helper()
	ctx, cancel := context.WithTimeout(n.tb.Context(), 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, n.adminURL+"/metrics", nil)
	if err != nil {
		n.tb.Fatal(err)
	}
	answer, err := n.client.Do(request)
	if err != nil {
		n.tb.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		n.tb.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var value float64
		if _, err := fmt.Sscanf(line, name+" %g", &value); err == nil {
			return value
		}
	}
	return -1
}
