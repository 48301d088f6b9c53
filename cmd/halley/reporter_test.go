package main

import (
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"

	"halley/tenant"
)

// TestANodeLearnsThatItIsCalledDead calls a node dead that lives, as an operator would who sees it silent: its next report takes the word
// back, and it says so.
func TestANodeLearnsThatItIsCalledDead(t *testing.T) {
	t.Parallel()
	n := startNode(t, plainClient(), "http")
	store, err := tenant.Open(t.Context(), tenant.Config{DataDir: n.dataDir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	lives := func() (instance string) {
		ticks := time.NewTicker(50 * time.Millisecond)
		defer ticks.Stop()
		for end := time.Now().Add(4 * reportInterval); time.Now().Before(end); <-ticks.C {
			reports, err := store.Nodes(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(reports) == 1 && reports[0].Buried.IsZero() {
				return reports[0].Instance
			}
		}
		t.Fatal("no node is listed that lives")
		return ""
	}
	if err := store.BuryNode(t.Context(), lives()); err != nil {
		t.Fatal(err)
	}
	lives()
	n.signal(syscall.SIGTERM)
	if err := n.end(); err != nil {
		t.Fatal(err)
	}
	if log := n.stderr.String(); strings.Count(log, "an operator has called this node dead") != 1 {
		t.Errorf("want the node to say once that it was called dead, got:\n%s", log)
	}
}
