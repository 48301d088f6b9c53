package test

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"halley/test/postgres"
)

// Two clusters were founded apart on one database with one secret, because each first node was given no peer. When a node that was given
// both makes them meet, one goes over to the other with all that it acknowledged, by itself: what was published in either is then read
// at every node, each message once. Clients of the one that is no more are told that their positions are of no use any more.
func TestChaosClustersFoundedApartBecomeOne(t *testing.T) {
	t.Parallel()
	store, flags := sharedStore(t)
	addresses := gossipAddresses(t, 3)
	start := func(address string, join ...string) *node {
		return startNodeOn(t, store, flags(address, join...)...)
	}
	sides := []*node{start(addresses[0]), start(addresses[1])}
	chat := sides[0].createApp("acme", "chat")
	names := url.Values{"channel": {"news"}, "key": {chat.PublishableKey}}
	acknowledged := make(map[string]bool)
	cursors := make([]string, len(sides))
	for i, side := range sides {
		for count := range 20 {
			acknowledged[mustPublish(t, side, chat, fmt.Sprintf(`{"data":"%d of side %d"}`, count, i)).ID] = true
		}
		cursors[i] = poll(t, side, names).Cursor
	}

	for _, side := range sides {
		side.keepUnfinished(chat) // they are cut where a node begins anew, and must cost nothing else
	}
	nodes := append(sides, start(addresses[2], addresses[0], addresses[1]))
	for _, n := range nodes {
		n.awaitGauge("halley_cluster_members", 3)
		n.awaitGauge("halley_cluster_conflicts", 0)
		n.awaitReady()
	}
	for _, n := range nodes {
		n.awaitAll(with(names, "rewind", "100"), acknowledged)
	}
	gaps := 0
	for i, side := range sides {
		got := poll(t, side, with(names, "cursor", cursors[i], "wait", "20s"))
		if gaps += len(got.Gaps); len(got.Gaps) > 0 && got.Gaps[0].Reason != "unknown_epoch" {
			t.Errorf("a client of side %d gets %+v", i, got)
		}
	}
	if gaps != 1 {
		t.Errorf("clients of %d clusters are told a gap, want those of one", gaps)
	}
}

// awaitAll waits until what the node tells of a channel is these messages, each once.
func (n *node) awaitAll(query url.Values, want map[string]bool) {
	n.tb.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(startPatience); ; <-tick.C {
		got := poll(n.tb, n, query)
		seen := make(map[string]bool)
		for _, message := range got.Messages {
			if seen[message.ID] || !want[message.ID] {
				n.tb.Fatalf("message %s came twice, or was never acknowledged", message.ID)
			}
			seen[message.ID] = true
		}
		if len(seen) == len(want) {
			return
		}
		if time.Now().After(end) {
			n.tb.Fatalf("%d of %d messages are there", len(seen), len(want))
		}
	}
}

// keepUnfinished has publications under way at the node whose bodies do not come.
func (n *node) keepUnfinished(a app) {
	address := strings.TrimPrefix(n.url, "http://")
	stop := make(chan struct{})
	var sending sync.WaitGroup
	sending.Go(func() {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			if conn, err := net.Dial("tcp", address); err == nil {
				defer conn.Close()
				fmt.Fprintf(conn, "POST /v1/channels/slow/messages HTTP/1.1\r\nHost: halley\r\nAuthorization: Bearer %s\r\n"+
					"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{", a.SecretKey)
			}
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	})
	n.tb.Cleanup(func() {
		close(stop)
		sending.Wait()
	})
}

// sharedStore is a database with a secret for several nodes, and the flags of a node that gossips at an address and is given peers.
func sharedStore(t *testing.T) (store []string, flags func(address string, join ...string) []string) {
	t.Helper()
	secret := clusterSecret(t)
	store = []string{"--database", postgres.URL(t), "--data-dir", t.TempDir(), "--cluster-secret-file", secret}
	return store, func(address string, join ...string) []string {
		list := []string{"--cluster-listen", address, "--node-name", address}
		for _, peer := range join {
			list = append(list, "--join", peer)
		}
		return list
	}
}
