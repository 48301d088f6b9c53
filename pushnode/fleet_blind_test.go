package pushnode_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestCutOffClientsAreTold cuts a node off from its cluster. Who follows a channel there is told so on every transport; where that is over
// soon, each goes on by itself and has missed nothing. Where it is not, the node is not ready, and its clients are sent elsewhere.
func TestCutOffClientsAreTold(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		cut, a := f.nodes[0], f.newApp(t, "ada", nil)
		name := f.named(t, a, "news", f.nodes[1])
		socket, stream := a.on(cut).subscriber(t, name), cut.follow(t, a.publishable, "channel="+name)
		poller := cut.poll(t, a.publishable, "channel="+name)
		stream.next("subscribed")
		publish := func(data string) {
			a.on(f.nodes[1]).publish(t, name, data)
		}
		publish("0")
		for _, transport := range []interface{ message() object }{socket, stream, poller} {
			transport.message()
		}

		cut.isolate()
		began := time.Now()
		publish("1")
		if got := socket.next("suspended"); got.text("channel") != name || time.Since(began) > 6*time.Second {
			t.Errorf("told %v after %v", got, time.Since(began))
		}
		stream.next("suspended")
		if got := fmt.Sprint(poller.once("1s").list("pushes")); !containsOp(got, "suspended") {
			t.Errorf("the poll is told %s", got)
		}
		got := a.on(cut).call(t, http.MethodGet, "/v1/channels/"+url.PathEscape(name), "")
		if got.Status != http.StatusServiceUnavailable {
			t.Errorf("a question to the node: got %d %s", got.Status, got.Text)
		}
		cut.rejoin()
		for transport, next := range map[string]interface {
			next(string) object
			message() object
		}{"WebSocket": socket, "event stream": stream} {
			if got := next.next("subscribed"); got["recovered"] != true {
				t.Errorf("%s goes on with %v", transport, got)
			}
			if got := next.message(); got.text("data") != "1" {
				t.Errorf("%s: got %v", transport, got)
			}
		}
		if got := poller.message(); got.text("data") != "1" {
			t.Errorf("long poll: got %v", got)
		}

		cut.isolate()
		began = time.Now()
		if code := socket.end(); code != 4200 {
			t.Errorf("the WebSocket is closed with %d, want 4200", code)
		}
		if wait := stream.next("drain").number("reconnect_in"); wait < 1 {
			t.Errorf("the stream is told to come back in %d ms", wait)
		}
		// It looks twice a second, and last heard of the leaders when it did so before.
		if after := time.Since(began); after < 9500*time.Millisecond || after > 20*time.Second || cut.Ready() == nil {
			t.Errorf("after %v the node says that it is ready: %v", after, cut.Ready())
		}
		cut.rejoin()
		f.await(t, "the node is not ready again", func() bool { return cut.Ready() == nil })
	})
}

// containsOp finds a push in how a list of them is printed.
func containsOp(printed, op string) bool { return strings.Contains(printed, "op:"+op) }
