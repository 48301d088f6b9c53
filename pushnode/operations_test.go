package pushnode_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"halley/tenant"
)

// stage is what the operations of the specification are tried on.
type stage struct {
	ample    *app // has room for everything
	tight    *app // has a limit of one wherever that refuses
	draining *app // lives on a node that goes away
}

func newStage(t *testing.T) *stage {
	t.Helper()
	n := newNode(t, func(with *setup) {
		with.readTimeout, with.session.PendingPerIP = 300*time.Millisecond, pendingPerAddress
	})
	leaving := newNode(t)
	s := &stage{
		ample: n.newApp(t, "ample", tenant.Overrides{tenant.LimitBatch: 2}),
		tight: n.newApp(t, "tight", tenant.Overrides{
			tenant.LimitPublishesPerSecond: 1, tenant.LimitBatch: 1, tenant.LimitAPIRequestsPerSecond: 1, tenant.LimitConnections: 1,
		}),
		draining: leaving.newApp(t, "leaving", nil),
	}
	if err := leaving.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// unprovoked are answers that no request of this test leads to, and why the specification has them all the same.
var unprovoked = map[string][]int{
	"publish": {404, 500}, "history": {404, 500}, "publishBatch": {404, 500}, "channels": {404, 500}, "channel": {404, 500},
	"presence": {404, 500}, "createToken": {404, 500}, "disconnect": {404, 500}, "usage": {404, 500}, "hottest": {404, 500},
	"poll": {404, 500}, "commands": {500}, // 404: the app is deleted between two steps; 500: a fault of ours
	"eventStream": {404, 409, 500}, // 409: another connection takes the session before the stream begins
	"webSocket":   {},
}

// provocations lead to a status, and return the one that came.
var provocations = map[int]func(s *stage, t *testing.T, operation string) int{
	200: func(s *stage, t *testing.T, operation string) int {
		if operation == "publish" {
			s.ample.call(t, http.MethodPost, "/v1/channels/news/messages", `{"data":1,"id":"twice"}`)
			return s.ample.call(t, http.MethodPost, "/v1/channels/news/messages", `{"data":1,"id":"twice"}`).Status
		}
		return s.ample.node.status(t, s.ample.sample(t, operation))
	},
	201: func(s *stage, t *testing.T, operation string) int {
		return s.ample.node.status(t, s.ample.sample(t, operation))
	},
	400: spoiled(func(r *http.Request) { r.URL.RawQuery += "&nonsense=1" }),
	401: spoiled(func(r *http.Request) { r.Header.Del("Authorization") }),
	403: spoiled(func(r *http.Request) { r.Header.Set("Origin", "https://page.example") }), // of a page with a secret key
	404: spoiled(func(r *http.Request) { setBody(r, `{"session":"ses_none.c2VjcmV0","commands":[{"op":"ping"}]}`) }),
	408: (*stage).dawdle,
	409: (*stage).replace,
	413: spoiled(func(r *http.Request) { setBody(r, `{"data":"`+strings.Repeat("x", 200<<10)+`"}`) }),
	415: spoiled(func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }),
	429: (*stage).exhaust,
	503: func(s *stage, t *testing.T, operation string) int {
		return s.draining.node.status(t, s.draining.sample(t, operation))
	},
}

// handshakes are the provocations of a WebSocket.
var handshakes = map[int]func(s *stage, t *testing.T, operation string) int{
	101: func(s *stage, t *testing.T, _ string) int {
		s.ample.node.dial(t, s.ample.publishable)
		return 101
	},
	403: func(s *stage, t *testing.T, _ string) int {
		return s.handshake(t, s.ample, func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+s.ample.publishable)
			r.Header["Origin"] = []string{"https://a.example", "https://b.example"}
		})
	},
	426: func(s *stage, t *testing.T, operation string) int {
		return s.ample.node.status(t, s.ample.sample(t, operation))
	},
	429: func(s *stage, t *testing.T, _ string) int {
		for range pendingPerAddress {
			s.ample.node.dialSilent(t, "")
		}
		return s.handshake(t, s.ample, func(r *http.Request) { r.Header.Del("Authorization") })
	},
	503: func(s *stage, t *testing.T, _ string) int { return s.handshake(t, s.draining, func(*http.Request) {}) },
}

// pendingPerAddress is how many connections of one address may wait for a credential on the stage.
const pendingPerAddress = 4

// TestOperations draws every answer that the specification knows of every operation that it has, but for those that only a race
// or a fault brings.
func TestOperations(t *testing.T) {
	t.Parallel()
	known := must(specified())(t)
	at := newStage(t)
	for path, item := range known.spec.Paths.Map() {
		for method, operation := range item.Operations() {
			t.Run(operation.OperationID, func(t *testing.T) {
				// In order: a provoked 429 leaves no room for a while.
				for _, status := range slices.Sorted(maps.Keys(operation.Responses.Map())) {
					at.provoke(t, method+" "+path, operation.OperationID, must(strconv.Atoi(status))(t))
				}
			})
		}
	}
}

func (s *stage) provoke(t *testing.T, what, operation string, status int) {
	t.Helper()
	if slices.Contains(unprovoked[operation], status) {
		return
	}
	provoke := provocations[status]
	if operation == "webSocket" {
		provoke = handshakes[status]
	}
	if provoke == nil {
		t.Fatalf("%s: this test cannot provoke a %d", what, status)
	}
	if got := provoke(s, t, operation); got != status {
		t.Errorf("%s: got %d where %d was provoked", what, got, status)
	}
}

// spoiled sends a good request with one thing wrong.
func spoiled(change func(*http.Request)) func(*stage, *testing.T, string) int {
	return func(s *stage, t *testing.T, operation string) int {
		request := s.ample.sample(t, operation)
		change(request)
		return s.ample.node.status(t, request)
	}
}

func setBody(request *http.Request, body string) {
	request.Body, request.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
}

// handshake asks for a WebSocket and returns the status of the answer.
func (s *stage) handshake(t *testing.T, a *app, change func(*http.Request)) int {
	t.Helper()
	request := a.sample(t, "webSocket")
	asUpgrade(request)
	change(request)
	return a.node.status(t, request)
}

// asUpgrade makes a request ask for a WebSocket.
func asUpgrade(request *http.Request) {
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
	} {
		request.Header.Set(name, value)
	}
}

// exhaust asks until the app's limit is met.
func (s *stage) exhaust(t *testing.T, operation string) int {
	t.Helper()
	if operation == "poll" || operation == "eventStream" {
		stream := s.tight.node.follow(t, s.tight.publishable, "channel=news")
		defer stream.end()
		return s.tight.node.status(t, s.tight.sample(t, operation))
	}
	for range 50 {
		if status := s.tight.node.status(t, s.tight.sample(t, operation)); status >= 400 {
			return status
		}
	}
	return 0
}

// replace has one poll of a session take the place of another.
func (s *stage) replace(t *testing.T, _ string) int {
	t.Helper()
	a := s.ample
	path := "/v1/poll?channel=news&session=" + url.QueryEscape(a.session(t)) + "&wait="
	first := make(chan int, 1)
	var polling sync.WaitGroup
	polling.Go(func() { first <- a.call(t, http.MethodGet, path+"20s", "").Status })
	defer polling.Wait()
	status := 0
	until(func() bool {
		select {
		case status = <-first:
			return true
		default:
			a.call(t, http.MethodGet, path+"0s", "")
			return false
		}
	})
	return status
}

// dawdle sends a body that does not come to its end.
func (s *stage) dawdle(t *testing.T, operation string) int {
	t.Helper()
	request := s.ample.sample(t, operation)
	return s.ample.node.raw(t, request, fmt.Sprintf("Content-Length: %d\r\n\r\n{", request.ContentLength), false).Status
}

// status sends a request and returns the status of its answer, which need not end.
func (n *node) status(t *testing.T, request *http.Request) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(request.Context(), longest)
	defer cancel()
	response := must(n.client.Do(request.WithContext(ctx)))(t)
	defer response.Body.Close()
	return response.StatusCode
}
