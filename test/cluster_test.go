package test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"halley/test/postgres"
)

// startCluster starts nodes of one cluster on a database of their own, and waits until each holds its copies.
func startCluster(tb testing.TB, size int) []*node {
	tb.Helper()
	return startClusterOf(tb, size, false, nil)
}

// startPlainCluster is startCluster without the race detector, for tests in which time matters.
func startPlainCluster(tb testing.TB, size int, flags ...string) []*node {
	tb.Helper()
	return startClusterOf(tb, size, true, flags)
}

func startClusterOf(tb testing.TB, size int, plain bool, more []string) []*node {
	tb.Helper()
	secret := clusterSecret(tb)
	database, first := postgres.URL(tb), ""
	nodes := make([]*node, size)
	for i := range nodes {
		gossip := freePair(tb)
		flags := []string{"--cluster-listen", gossip, "--cluster-secret-file", secret, "--node-name", fmt.Sprint("n", i+1)}
		if first == "" {
			first = gossip
		} else {
			flags = append(flags, "--join", first)
		}
		store := []string{"--database", database, "--data-dir", filepath.Join(tb.TempDir(), fmt.Sprint("data", i)), "--cluster-secret-file", secret}
		nodes[i] = newNode(tb, store[:4:4], slices.Concat(flags, more)...)
		nodes[i].plain = plain
		nodes[i].start()
		nodes[i].store = store // admin commands seal with what the secret gives, too
	}
	return nodes
}

// clusterSecret is a file with the secret of a cluster.
func clusterSecret(tb testing.TB) string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("only-a-test-cluster-secret-of-43-characters-or-more\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	return file
}

// TestNodeThatWaitsForItsCluster starts a node whose peer is not there: the operator's port says so meanwhile, and SIGTERM ends it in an
// orderly way.
func TestNodeThatWaitsForItsCluster(t *testing.T) {
	t.Parallel()
	store := []string{"--database", postgres.URL(t), "--data-dir", filepath.Join(t.TempDir(), "data")}
	n := newNode(t, store, "--cluster-listen", freePair(t), "--join", freeAddress(t))
	n.launch()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(startPatience); ; <-tick.C {
		answer, err := n.client.Get(n.adminURL + "/readyz")
		if err == nil {
			reason, _ := io.ReadAll(answer.Body)
			answer.Body.Close()
			if answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(reason), "its cluster is not found yet") {
				t.Errorf("a node that waits answers %d: %s", answer.StatusCode, reason)
			}
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the operator's port is not there: %v\n%s", err, n.log())
		}
	}
	n.stop()
}

// freePair is an address whose port is free, and so is the next one.
func freePair(tb testing.TB) string {
	tb.Helper()
	for range 100 {
		address := freeAddress(tb)
		at, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			tb.Fatal(err)
		}
		at.Port++
		if next, err := net.ListenTCP("tcp", at); err == nil {
			_ = next.Close()
			return address
		}
	}
	tb.Fatal("no two ports beside each other are free")
	return ""
}
