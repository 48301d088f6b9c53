package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The way that web/docs/cluster.md describes: a new secret below the old one, then above it, then alone. Each time a node starts, it can
// read what the nodes before it have sealed.
func TestClusterSecretChanges(t *testing.T) {
	t.Parallel()
	secret := func() string {
		var b [32]byte
		_, _ = rand.Read(b[:])
		return base64.StdEncoding.EncodeToString(b[:]) + "\n"
	}
	before, after := secret(), secret()
	folder := t.TempDir()
	config := storeConfig{DataDir: folder, ClusterSecretFile: filepath.Join(folder, "secret")}
	var out bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&out, nil))
	var key string
	for _, step := range []string{before, before + after, after + before, after} {
		if err := os.WriteFile(config.ClusterSecretFile, []byte(step), 0o600); err != nil {
			t.Fatal(err)
		}
		store, closeAll, err := config.openClaimed(t.Context(), logger)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := store.SigningKeys(t.Context())
		closeAll()
		if err != nil {
			t.Fatal(err)
		}
		if key == "" {
			key = keys[0].ID()
		}
		if len(keys) != 1 || keys[0].ID() != key {
			t.Errorf("another signing key than before the change")
		}
	}
	if strings.Count(out.String(), "sealed the secrets in the database anew") != 1 || strings.Contains(out.String(), "ERROR") {
		t.Errorf("the log says\n%s", out.String())
	}
}
