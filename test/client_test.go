package test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// answerPatience bounds one request, and one event of a stream. It is longer than the longest poll that tests ask for.
const answerPatience = 30 * time.Second

// message is a message as every transport gives it.
type message struct {
	Channel   string          `json:"channel"`
	Event     string          `json:"event"`
	Data      json.RawMessage `json:"data"`
	ID        string          `json:"id"`
	Epoch     string          `json:"epoch"`
	Offset    uint64          `json:"offset"`
	Timestamp int64           `json:"timestamp"`
}

// batch is the answer of a long poll.
type batch struct {
	Cursor   string    `json:"cursor"`
	Messages []message `json:"messages"`
	Gaps     []gap     `json:"gaps"`
}

// gap says what a stream leaves out.
type gap struct {
	Channel string `json:"channel"`
	Reason  string `json:"reason"`
}

// newClient returns a client of its own for the test, which leaves no connection behind.
func newClient(tb testing.TB) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// publish posts a body to a channel and returns the answer's status and what it holds.
func publish(tb testing.TB, n *node, key, channel, body string) (status int, published message) {
	tb.Helper()
	request := newRequest(tb, http.MethodPost, n.url+"/v1/channels/"+channel+"/messages", strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	status = fetch(tb, n, request, &published)
	return status, published
}

// poll asks once, by long poll, and wants 200.
func poll(tb testing.TB, n *node, query url.Values) batch {
	tb.Helper()
	var got batch
	if status := fetch(tb, n, newRequest(tb, http.MethodGet, n.url+"/v1/poll?"+query.Encode(), nil), &got); status != http.StatusOK {
		tb.Fatalf("poll %s: status %d", query.Encode(), status)
	}
	return got
}

// newRequest prepares a request that is given up after answerPatience or with its test.
func newRequest(tb testing.TB, method, target string, body io.Reader) *http.Request {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), answerPatience)
	tb.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		tb.Fatal(err)
	}
	return request
}

// fetch sends a request, decodes the JSON of the answer into result and returns the status.
func fetch(tb testing.TB, n *node, request *http.Request, result any) int {
	tb.Helper()
	answer, err := n.client.Do(request)
	if err != nil {
		tb.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal(text, result); err != nil {
		tb.Fatalf("%s %s: status %d, body %q: %v", request.Method, request.URL, answer.StatusCode, text, err)
	}
	return answer.StatusCode
}

// stream is an open event stream, read as an EventSource reads it.
type stream struct {
	tb    testing.TB
	lines *bufio.Scanner
}

// event is one event of a stream.
type event struct{ name, id, data string }

// openStream opens an event stream, from after lastEventID where it is not empty. It closes with the test.
func openStream(tb testing.TB, n *node, query url.Values, lastEventID string) *stream {
	tb.Helper()
	request := newRequest(tb, http.MethodGet, n.url+"/v1/sse?"+query.Encode(), nil)
	request.Header.Set("Accept", "text/event-stream")
	if lastEventID != "" {
		request.Header.Set("Last-Event-ID", lastEventID)
	}
	answer, err := n.client.Do(request)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { answer.Body.Close() })
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || !strings.HasPrefix(kind, "text/event-stream") {
		tb.Fatalf("open a stream: status %d, content type %q", answer.StatusCode, kind)
	}
	return &stream{tb: tb, lines: bufio.NewScanner(answer.Body)}
}

// next returns the next event of that name; others are passed over.
func (s *stream) next(name string) event {
	s.tb.Helper()
	var e event
	for s.lines.Scan() {
		field, value, _ := strings.Cut(s.lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			e.data += value
		case "": // the end of an event, or a comment
			if e.name == name && s.lines.Text() == "" {
				return e
			}
			if s.lines.Text() == "" {
				e = event{}
			}
		}
	}
	s.tb.Fatalf("the stream ended before an event %s: %v", name, s.lines.Err())
	return event{}
}

// nextMessage returns the next message and the cursor after it.
func (s *stream) nextMessage() (got message, cursor string) {
	s.tb.Helper()
	e := s.next("message")
	if err := json.Unmarshal([]byte(e.data), &got); err != nil {
		s.tb.Fatalf("event %+v: %v", e, err)
	}
	return got, e.id
}

// openSocket opens a WebSocket, and reads up to the frame that opens it. It closes with the test.
func openSocket(tb testing.TB, n *node, query url.Values) *websocket.Conn {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), answerPatience)
	defer cancel()
	socket, _, err := websocket.Dial(ctx, n.url+"/v1/ws?"+query.Encode(), &websocket.DialOptions{HTTPClient: n.client})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = socket.CloseNow() })
	nextFrame(tb, socket, "connected")
	return socket
}

// frame is a frame of a WebSocket; of a message, the message.
type frame struct {
	Op string `json:"op"`
	message
}

// nextFrame returns the next frame with that op; others are passed over.
func nextFrame(tb testing.TB, socket *websocket.Conn, op string) frame {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), answerPatience)
	defer cancel()
	for {
		_, text, err := socket.Read(ctx)
		if err != nil {
			tb.Fatalf("the socket ended before a frame %s: %v", op, err)
		}
		var got frame
		if err := json.Unmarshal(text, &got); err != nil {
			tb.Fatalf("frame %s: %v", text, err)
		}
		if got.Op == op {
			return got
		}
	}
}
