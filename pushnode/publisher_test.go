package pushnode_test

import (
	"net/http"
	"testing"

	"halley/pushnode/channel"
)

// TestPublisherIsTold holds that a message says whose token it was published with, live and from history, over whichever way it came, and
// that one without a client id says nothing.
func TestPublisherIsTold(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "ada", nil)
	a.rule(t, channel.Rule{Prefix: "open", Public: true, ClientPublish: true})
	named := a.token(t, `{"client_id":"ada","capabilities":{"*":["subscribe","publish"]}}`)
	nameless := a.token(t, `{"capabilities":{"*":["subscribe","publish"]}}`)
	reader, _ := a.node.dial(t, a.publishable)
	reader.ask("subscribe", `"channel":"open"`).expect(t, "subscribe", "", "")
	const one = "/v1/channels/open/messages"
	ways := []struct {
		name    string
		publish func()
		want    any // client_id of the message; nil: none
	}{
		{"a secret key", func() { a.publish(t, "open", 1) }, nil},
		{"a token", func() { a.node.call(t, http.MethodPost, one, `{"data":1}`, "Bearer "+named) }, "ada"},
		{"a token, by net/http", func() { a.node.call(t, http.MethodPost, one+"?", `{"data":1}`, "Bearer "+named) }, "ada"},
		{"a token without client id", func() { a.node.call(t, http.MethodPost, one, `{"data":1}`, "Bearer "+nameless) }, nil},
		{"a batch", func() {
			a.node.call(t, http.MethodPost, "/v1/messages", `{"messages":[{"channel":"open","data":1}]}`, "Bearer "+named)
		}, "ada"},
		{"a socket", func() { a.publishOver(t, named) }, "ada"},
		{"a socket without client id", func() { a.publishOver(t, nameless) }, nil},
		{"an anonymous socket", func() { a.publishOver(t, a.publishable) }, nil},
	}
	for _, way := range ways {
		way.publish()
		if got := reader.message(); got["client_id"] != way.want {
			t.Errorf("%s: the message is %v, want client_id %v", way.name, got, way.want)
		}
	}
	kept := a.history(t, "open")
	if len(kept) != len(ways) {
		t.Fatalf("history has %d messages, want %d", len(kept), len(ways))
	}
	for i, way := range ways {
		if kept[i]["client_id"] != way.want {
			t.Errorf("history, %s: %v, want client_id %v", way.name, kept[i], way.want)
		}
	}
}

// publishOver publishes over a WebSocket.
func (a *app) publishOver(t *testing.T, credential string) {
	t.Helper()
	s, _ := a.node.dial(t, credential)
	s.ask("publish", `"channel":"open","data":1`).expect(t, "publish", "", "")
}
