package session_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf16"

	"halley/pushnode/pusher"
)

// conversation is a client of Pusher's that has no WebSocket.
type conversation struct {
	tb     testing.TB
	client *http.Client
	url    string // of its requests, but for what they want
	query  string
	lines  []string // that were fetched, and not read
}

const fallbackQuery = "?protocol=7&client=js&version=8.6.0&t=1795000000000&n=1"

// converse is a client that has not begun.
func (h *house) converse(key, id string) *conversation {
	return &conversation{tb: h.tb, client: h.client, url: "http://halley/pusher/app/" + key + "/042/" + id, query: fallbackQuery}
}

// stream is a request that streams.
type lineStream struct {
	*bufio.Reader
	tb     testing.TB
	cancel context.CancelFunc
	units  int // that were read, as JavaScript counts them
}

// post makes a request.
func (c *conversation) post(ctx context.Context, call, body string) *http.Response {
	c.tb.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+call, strings.NewReader(body))
	if err != nil {
		c.tb.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json;charset=UTF-8")
	response, err := c.client.Do(request)
	if err != nil {
		c.tb.Fatalf("%s: %v", call, err)
	}
	return response
}

// stream begins to stream, and reads the prelude.
func (c *conversation) stream() *lineStream {
	c.tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	response := c.post(ctx, "/xhr_streaming"+c.query, "")
	s := &lineStream{Reader: bufio.NewReader(response.Body), tb: c.tb, cancel: cancel}
	c.tb.Cleanup(func() {
		s.hangUp()
		_ = response.Body.Close()
	})
	s.want(strings.Repeat("h", 2048))
	return s
}

func (s *lineStream) hangUp() { s.cancel() }

// next is the next line.
func (s *lineStream) next() string {
	s.tb.Helper()
	line, err := s.ReadString('\n')
	if err != nil {
		s.tb.Fatalf("the stream has ended: %v", err)
	}
	s.units += len(utf16.Encode([]rune(line)))
	return strings.TrimSuffix(line, "\n")
}

func (s *lineStream) want(line string) {
	s.tb.Helper()
	if got := s.next(); got != line {
		s.tb.Fatalf("got %.200s, want %.200s", got, line)
	}
}

// wantEnd reads to the end of the stream, where there must be nothing more.
func (s *lineStream) wantEnd() {
	s.tb.Helper()
	if rest, err := io.ReadAll(s); len(rest) > 0 || err != nil {
		s.tb.Fatalf("the stream goes on with %.200q, %v", rest, err)
	}
}

// poll is the lines of one poll.
func (c *conversation) poll() []string {
	c.tb.Helper()
	response := c.post(context.Background(), "/xhr"+c.query, "")
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !strings.HasSuffix(string(body), "\n") {
		c.tb.Fatalf("a poll was answered %d, %q, %v", response.StatusCode, body, err)
	}
	return strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")
}

// next is the next line, polled for where none is left.
func (c *conversation) next() string {
	c.tb.Helper()
	for len(c.lines) == 0 {
		c.lines = c.poll()
	}
	line := c.lines[0]
	c.lines = c.lines[1:]
	return line
}

// liner is where lines come from.
type liner interface{ next() string }

// wantLineEvent is the next line, which must be one event of that name.
func wantLineEvent(tb testing.TB, from liner, event string) object {
	tb.Helper()
	line := from.next()
	var texts []string
	if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "a")), &texts); err != nil || len(texts) != 1 {
		tb.Fatalf("got %.200s, want the event %s", line, event)
	}
	frame := decode(tb, []byte(texts[0]))
	if frame.text("event") != event {
		tb.Fatalf("got %v, want the event %s", frame, event)
	}
	return frame
}

// wantEstablished reads the beginning of a conversation, and returns the id of its socket.
func wantEstablished(tb testing.TB, from liner) string {
	tb.Helper()
	if line := from.next(); line != "o" {
		tb.Fatalf("got %.200s, want o", line)
	}
	return wantLineEvent(tb, from, "pusher:connection_established").data(tb).text("socket_id")
}

// send posts a body, which must be answered with that status.
func (c *conversation) send(body string, status int) {
	c.tb.Helper()
	response := c.post(context.Background(), "/xhr_send?t=1&n=2", body)
	defer response.Body.Close()
	if said, err := io.ReadAll(response.Body); err != nil || response.StatusCode != status {
		c.tb.Fatalf("%.100s was answered %d, %s, %v; want %d", body, response.StatusCode, said, err, status)
	}
}

// event sends an event.
func (c *conversation) event(event, name string, data any) {
	c.tb.Helper()
	text, err := json.Marshal(map[string]any{"event": event, "channel": name, "data": data})
	body, err2 := json.Marshal([]string{string(text)})
	if err := errors.Join(err, err2); err != nil {
		c.tb.Fatal(err)
	}
	c.send(string(body), http.StatusNoContent)
}

// subscribe asks for a channel, with what the app's server signs for that socket.
func (c *conversation) subscribe(socketID, name, data string) {
	c.tb.Helper()
	c.event("pusher:subscribe", "", map[string]string{
		"channel": name, "auth": pusher.Sign("abc", "secret of abc", pusher.ChannelText(socketID, name, data)), "channel_data": data,
	})
}
