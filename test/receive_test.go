package test

import (
	"net/http"
	"net/url"
	"reflect"
	"testing"
)

// The main job, in the clear and over TLS.
func TestPublishIsReceivedAcrossTransports(t *testing.T) {
	t.Run("http", func(t *testing.T) { receiveAcrossTransports(t, startNode(t)) })
	t.Run("https", func(t *testing.T) { receiveAcrossTransports(t, startSecureNode(t)) })
}

// receiveAcrossTransports has one publish over HTTP, and another read by long poll, go on as an event stream where the poll ended,
// then as a WebSocket, and by long poll again.
func receiveAcrossTransports(t *testing.T, n *node) {
	chat := n.createApp("acme", "chat")
	names := url.Values{"channel": {"news"}, "key": {chat.PublishableKey}}

	start := poll(t, n, names)
	if start.Cursor == "" || len(start.Messages) != 0 {
		t.Fatalf("the first poll of a quiet channel: %+v", start)
	}
	first := mustPublish(t, n, chat, `{"event":"greeting","data":{"n":1}}`)

	polled := poll(t, n, with(names, "cursor", start.Cursor, "wait", "20s"))
	if len(polled.Messages) != 1 || len(polled.Gaps) != 0 {
		t.Fatalf("the second poll: %+v", polled)
	}
	if got := polled.Messages[0]; got.ID != first.ID || got.Offset != first.Offset || got.Event != "greeting" || string(got.Data) != `{"n":1}` {
		t.Errorf("polled %+v, published %+v", got, first)
	}

	// Change the transport: the stream goes on after the poll's cursor, with what came in between and what comes now.
	between := mustPublish(t, n, chat, `{"data":2}`)
	events := openStream(t, n, names, polled.Cursor)
	if got, _ := events.nextMessage(); got.ID != between.ID {
		t.Errorf("the stream begins with %+v, want %s", got, between.ID)
	}
	live := mustPublish(t, n, chat, `{"data":3}`)
	got, cursor := events.nextMessage()
	if got.ID != live.ID {
		t.Errorf("the stream goes on with %+v, want %s", got, live.ID)
	}

	missed := mustPublish(t, n, chat, `{"data":4}`)
	socket := openSocket(t, n, url.Values{"key": {chat.PublishableKey}, "cursor": {"news*" + cursor}})
	if got := nextFrame(t, socket, "message"); got.ID != missed.ID {
		t.Errorf("the socket begins with %+v, want %s", got, missed.ID)
	}
	live = mustPublish(t, n, chat, `{"data":5}`)
	if got := nextFrame(t, socket, "message"); got.ID != live.ID {
		t.Errorf("the socket goes on with %+v, want %s", got, live.ID)
	}

	// And back.
	last := mustPublish(t, n, chat, `{"data":6}`)
	polled = poll(t, n, with(names, "cursor", live.Epoch+":5", "wait", "20s"))
	if len(polled.Messages) != 1 || polled.Messages[0].ID != last.ID {
		t.Errorf("the poll after the socket: %+v, want %s", polled, last.ID)
	}
}

// A publish with an id that is known is the same publish, wherever it is read.
func TestPublishAgainWithTheSameIDIsOne(t *testing.T) {
	n := startNode(t)
	chat := n.createApp("acme", "chat")
	first := mustPublish(t, n, chat, `{"id":"order-1","data":1}`)
	status, again := publish(t, n, chat.SecretKey, "news", `{"id":"order-1","data":1}`)
	if status != http.StatusOK || !reflect.DeepEqual(again, first) {
		t.Errorf("the same id again: status %d, %+v, want 200 and %+v", status, again, first)
	}
	got := poll(t, n, url.Values{"channel": {"news"}, "key": {chat.PublishableKey}, "rewind": {"10"}})
	if len(got.Messages) != 1 {
		t.Errorf("%d messages, want 1: %+v", len(got.Messages), got)
	}
}

// A node that drains tells its clients, ends with exit code 0, and keeps its tenants over the restart.
func TestNodeRestartsWithItsTenants(t *testing.T) {
	n := startNode(t)
	chat := n.createApp("acme", "chat")
	events := openStream(t, n, url.Values{"channel": {"news"}, "key": {chat.PublishableKey}}, "")
	events.next("connected")

	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		n.stop()
	}()
	events.next("drain")
	<-stopped

	n.start()
	mustPublish(t, n, chat, `{"data":"after the restart"}`)
}

// A crash of the only node loses its messages, which no node promises to keep alone, but nobody is left in the dark about it.
func TestCrashIsToldAsAGap(t *testing.T) {
	n := startNode(t)
	chat := n.createApp("acme", "chat")
	names := url.Values{"channel": {"news"}, "key": {chat.PublishableKey}}
	mustPublish(t, n, chat, `{"data":"before the crash"}`)
	cursor := poll(t, n, names).Cursor

	n.kill()
	n.start()
	mustPublish(t, n, chat, `{"data":"after the crash"}`)
	got := poll(t, n, with(names, "cursor", cursor, "wait", "20s"))
	if len(got.Gaps) != 1 || got.Gaps[0].Reason != "unknown_epoch" || got.Gaps[0].Channel != "news" {
		t.Errorf("the gaps after a crash: %+v", got.Gaps)
	}
}

// mustPublish publishes to the channel news with the app's secret key and wants 201.
func mustPublish(t *testing.T, n *node, a app, body string) message {
	t.Helper()
	status, published := publish(t, n, a.SecretKey, "news", body)
	if status != http.StatusCreated || published.ID == "" {
		t.Fatalf("publish %s: status %d, %+v", body, status, published)
	}
	return published
}

// with returns a copy of a query with more pairs of name and value.
func with(query url.Values, pairs ...string) url.Values {
	more := url.Values{}
	for name, values := range query {
		more[name] = values
	}
	for i := 0; i < len(pairs); i += 2 {
		more.Set(pairs[i], pairs[i+1])
	}
	return more
}
