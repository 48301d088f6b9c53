package test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestFounderThatComesBackAlone starts the first node of a cluster again, which was told of no peer: it begins a cluster of its own. The
// others find it, and it goes over to theirs. What was published on either side meanwhile is there then, on every node.
func TestFounderThatComesBackAlone(t *testing.T) {
	t.Parallel()
	nodes := startCluster(t, 3)
	chat := nodes[0].createApp("acme", "chat")
	openRule(nodes[0], chat)
	say := func(n *node, what string) {
		t.Helper()
		if status, _ := publish(t, n, chat.SecretKey, "room", `{"data":"`+what+`"}`); status != http.StatusCreated {
			t.Fatalf("publish %q: status %d", what, status)
		}
	}
	say(nodes[1], "before")
	nodes[0].kill()
	nodes[0].start()
	say(nodes[0], "apart")
	say(nodes[1], "together")
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(startPatience); said(t, nodes[1], chat) != `"before" "together" "apart"`; <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("the cluster has %s", said(t, nodes[1], chat))
		}
	}
	nodes[0].awaitReady()
	if got := said(t, nodes[0], chat); got != `"before" "together" "apart"` {
		t.Errorf("the node that came back has %s", got)
	}
}

// said is what the channel room holds as a node tells it.
func said(t *testing.T, n *node, a app) string {
	t.Helper()
	got := poll(t, n, url.Values{"key": {a.PublishableKey}, "channel": {"room"}, "rewind": {"10"}, "wait": {"0s"}})
	data := make([]string, len(got.Messages))
	for i, message := range got.Messages {
		data[i] = string(message.Data)
	}
	return strings.Join(data, " ")
}
