package test

import (
	"net/url"
	"path/filepath"
	"testing"

	"halley/test/postgres"
)

// The same main job on both stores, and what is in a store outlives the node.
func TestNodeKeepsItsTenantsInEachStore(t *testing.T) {
	stores := map[string]func() []string{
		"sqlite": func() []string { return []string{"--data-dir", filepath.Join(t.TempDir(), "data")} },
		"postgres": func() []string {
			return []string{"--database", postgres.URL(t), "--data-dir", filepath.Join(t.TempDir(), "data")}
		},
	}
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			n := startNodeOn(t, store())
			chat := n.createApp("acme", "chat")
			mustPublish(t, n, chat, `{"data":1}`)
			n.stop()
			n.start()
			mustPublish(t, n, chat, `{"data":2}`)
		})
	}
}

// The database is off the way of a message: with it gone, an app that the node knows goes on.
func TestDatabaseStopsInMidTraffic(t *testing.T) {
	database := postgres.Start(t)
	n := startNodeOn(t, []string{"--database", database.URL(), "--data-dir", filepath.Join(t.TempDir(), "data")})
	chat := n.createApp("acme", "chat")
	names := url.Values{"channel": {"news"}, "key": {chat.PublishableKey}}
	mustPublish(t, n, chat, `{"data":"before"}`)
	cursor := poll(t, n, names).Cursor

	database.Stop()
	published := mustPublish(t, n, chat, `{"data":"without"}`)
	got := poll(t, n, with(names, "cursor", cursor, "wait", "20s"))
	if len(got.Messages) != 1 || got.Messages[0].ID != published.ID {
		t.Errorf("without the database: %+v, want %s", got, published.ID)
	}
	// A stream that opens only now needs no database either.
	events := openStream(t, n, names, got.Cursor)
	live := mustPublish(t, n, chat, `{"data":"still without"}`)
	if got, _ := events.nextMessage(); got.ID != live.ID {
		t.Errorf("the stream brings %+v, want %s", got, live.ID)
	}

	database.Restart()
	mustPublish(t, n, chat, `{"data":"after"}`)
	n.createApp("acme", "another")
}
