package pushnode_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"halley/tenant"
)

// TestDrain lets a node go away under its clients: what was accepted before reaches them, they are told when to come back, and
// nobody is let in any more.
func TestDrain(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	a := n.newApp(t, "ada", tenant.Overrides{tenant.LimitPublishesPerSecond: 100_000})
	socket := a.subscriber(t, "news")
	stream := n.follow(t, a.publishable, "channel=news")
	poller := n.poll(t, a.publishable, "channel=news")
	idle := n.poll(t, a.publishable, "channel=idle")
	samples := []*http.Request{}
	for _, operation := range []string{
		"publish", "publishBatch", "history", "channels", "channel", "presence", "createToken", "disconnect", "usage", "hottest",
		"eventStream", "poll", "commands", "webSocket",
	} {
		request := a.sample(t, operation)
		if operation == "webSocket" {
			asUpgrade(request)
		}
		samples = append(samples, request)
	}
	waiting := make(chan object, 1)
	go func() {
		defer close(waiting)
		waiting <- idle.once("50s")
	}()
	if !until(func() bool { return n.Meter.Current(a.id, time.Now()).Connections == 3 }) {
		t.Fatal("the poll does not wait")
	}

	const last = 300
	a.publishMany(t, "news", last, "1")
	done := make(chan error, 1)
	go func() { done <- n.Drain(t.Context()) }()

	for want := 1; want <= last; want++ {
		if got := socket.message(); got.number("offset") != want {
			t.Fatalf("WebSocket: got offset %d where %d was due", got.number("offset"), want)
		}
		if got := stream.message(); got.number("offset") != want {
			t.Fatalf("event stream: got offset %d where %d was due", got.number("offset"), want)
		}
	}
	told := map[string]object{"WebSocket": socket.next("drain"), "event stream": stream.next("drain"), "long poll": nil}
	if answer := <-waiting; len(answer.list("pushes")) == 1 && answer.list("pushes")[0].text("op") == "drain" {
		told["long poll"] = answer.list("pushes")[0]
	}
	for transport, push := range told {
		if wait := push.number("reconnect_in"); wait < 1 || wait > 50 {
			t.Errorf("%s is told %v, want reconnect_in from 1 to 50 ms", transport, push)
		}
	}
	if code := socket.closing(); code != 4200 {
		t.Errorf("the WebSocket closes with %d, want 4200", code)
	}
	if name, data, more := stream.event(); more {
		t.Errorf("the stream goes on with %s %v", name, data)
	}
	if err := <-done; err != nil {
		t.Errorf("drain: %v", err)
	}
	if n.Ready() == nil {
		t.Error("a node that goes away is ready")
	}
	if err := n.Drain(t.Context()); err != nil {
		t.Errorf("a second drain: %v", err)
	}
	for _, request := range samples {
		got := n.send(t, request)
		got.waits(t, request.URL.Path)
		if got.Status != http.StatusServiceUnavailable || got.errorName() != "draining" {
			t.Errorf("%s %s: got %d %s, want 503 draining", request.Method, request.URL, got.Status, got.Text)
		}
	}
	path := "/v1/poll?channel=news&wait=20s&key=" + a.publishable + "&cursor=" + url.QueryEscape(poller.cursor)
	if got := n.call(t, http.MethodGet, path, "", ""); got.errorName() != "draining" {
		t.Errorf("the next poll of a client: got %d %s, want draining", got.Status, got.Text)
	}
	for _, path := range []string{"/halley.js", "/docs", "/v1/openapi.yaml"} {
		if got := n.call(t, http.MethodGet, path, "", ""); got.Status != http.StatusOK {
			t.Errorf("%s: got %d", path, got.Status)
		}
	}
}

// TestDrainEndsInTime has a client that answers nothing: it is cut off.
func TestDrainEndsInTime(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, n *node) {
		a := n.newApp(t, "ada", nil)
		a.subscriber(t, "news")
		began := time.Now()
		if err := n.Drain(t.Context()); err != nil {
			t.Errorf("drain: %v", err)
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("a client that reads nothing holds the drain up for %v", took)
		}
	})
}

// TestPublishingWhileDraining publishes while the node begins to go away: each is either accepted, and then delivered to
// who still follows or at least told with its position, or refused as draining.
func TestPublishingWhileDraining(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	a := n.newApp(t, "ada", tenant.Overrides{tenant.LimitPublishesPerSecond: 100_000})
	begun := make(chan struct{})
	answers := make(chan error, 1)
	go func() {
		defer close(answers)
		for i := 0; ; i++ {
			if i == 20 {
				close(begun)
			}
			got := a.call(t, http.MethodPost, "/v1/channels/news/messages", `{"data":1}`)
			switch {
			case got.Status == http.StatusCreated && got.JSON.number("offset") == i+1:
			case got.errorName() == "draining" && i >= 20:
				answers <- nil
				return
			default:
				answers <- errors.New(got.Text)
				return
			}
		}
	}()
	<-begun
	if err := n.Drain(t.Context()); err != nil {
		t.Errorf("drain: %v", err)
	}
	if err := <-answers; err != nil {
		t.Errorf("a publisher got %v, want draining after what was accepted", err)
	}
}
