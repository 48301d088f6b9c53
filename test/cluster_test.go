package test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"halley/test/postgres"
)

// startCluster starts nodes of one cluster on a database of their own, and waits until each holds its copies.
func startCluster(tb testing.TB, size int) []*node {
	tb.Helper()
	secret := filepath.Join(tb.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("only-a-test-cluster-secret-of-43-characters-or-more\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
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
		nodes[i] = startNodeOn(tb, store[:4:4], flags...)
		nodes[i].store = store // admin commands seal with what the secret gives, too
	}
	return nodes
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
