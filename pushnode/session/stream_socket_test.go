package session_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"halley/pushnode/session"
)

// follows sends a request for a stream, written by hand, over a connection of its own, and reads what a stream begins with.
func (h *house) follows(request string) (s *stream, conn net.Conn) {
	h.tb.Helper()
	conn, err := h.dial(context.Background())
	if err != nil {
		h.tb.Fatal(err)
	}
	h.tb.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		h.tb.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		h.tb.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		h.tb.Fatal(err)
	}
	if response.StatusCode != http.StatusOK || !response.Close || response.ContentLength != -1 || len(response.TransferEncoding) > 0 {
		h.tb.Fatalf("the answer's end is not that of the connection: %v", response)
	}
	s = &stream{tb: h.tb, response: response}
	s.want("connected")
	s.want("subscribed")
	return s, conn
}

const newsStream = "GET /v1/sse?key=hl_pk_a&channel=news HTTP/1.1\r\nHost: halley\r\n\r\n"

// gone waits until nothing is left of any connection.
func (h *house) gone() {
	h.tb.Helper()
	until(h.tb, "the connections to end", func() bool {
		return h.server.Connections() == 0 && h.places.Load() == 0 && h.metric("halley_session_connections", "") == 0
	})
}

// What a client says behind its request is nobody's business: with it, behind it, and when messages come.
func TestStreamIgnoresWhatItsClientSays(t *testing.T) {
	t.Parallel()
	h := openSockets(t, nil)
	s, conn := h.follows(newsStream + newsStream + "\x00garbage\r\n\r\n")
	for i := range 20 {
		if _, err := io.WriteString(conn, strings.Repeat("more garbage\r\n", 1000)); err != nil {
			t.Fatal(err)
		}
		h.publish(t, "news", fmt.Sprint(i))
		s.wantMessage(fmt.Sprint(i))
	}
	if got := h.server.Connections(); got != 1 {
		t.Errorf("%d connections are open, want 1", got)
	}
	_ = conn.Close()
	h.gone()
}

// A client of HTTP/1.0 gets the same answer: it reaches to the end of the connection.
func TestStreamOfHTTP10(t *testing.T) {
	t.Parallel()
	h := openSockets(t, nil)
	s, conn := h.follows("GET /v1/sse?key=hl_pk_a&channel=news HTTP/1.0\r\n\r\n")
	h.publish(t, "news", "one")
	s.wantMessage("one")
	_ = conn.Close()
	h.gone()
}

// A client breaks its connection while a write waits for it, of the queue or of a page of history.
func TestStreamIsBrokenAmidAWrite(t *testing.T) {
	t.Parallel()
	h := openNarrow(t, nil)
	s, conn := h.follows(newsStream)
	h.publish(t, "news", "one")
	s.wantMessage("one")
	for i := range 50 { // far more than the narrow socket and the client's own hold
		h.publish(t, "news", long(i))
	}
	until(t, "all to be delivered", func() bool { return !h.more() })
	if err := errors.Join(conn.(*net.TCPConn).SetLinger(0), conn.Close()); err != nil {
		t.Fatal(err)
	}
	h.gone()
}

// A server that is drained tells its streams, and ends them.
func TestStreamIsDrained(t *testing.T) {
	t.Parallel()
	h := openSockets(t, nil)
	s, _ := h.follows(newsStream)
	h.publish(t, "news", "one")
	s.wantMessage("one")
	if err := h.server.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if told := s.want("drain"); told.data.number("reconnect_in") == 0 {
		t.Errorf("got %v", told)
	}
	if one, err := s.read(); err == nil {
		t.Errorf("the stream goes on with %v", one)
	}
	h.gone()
}

// A server that is closed waits for a client that takes nothing as long as for a write, and no longer.
func TestServerClosesAStalledStream(t *testing.T) {
	t.Parallel()
	h := openNarrow(t, func(c *session.Config, _ *node) { c.WriteTimeout, c.CloseTimeout = 300*time.Millisecond, time.Hour })
	s, _ := h.follows(newsStream)
	for i := range 20 {
		h.publish(t, "news", long(i))
	}
	s.want("message")
	began := time.Now()
	if err := h.server.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	if waited := time.Since(began); waited > patience/4 {
		t.Errorf("it took %v", waited)
	}
	h.gone()
}

// What others have put into the head of the answer is in it.
func TestStreamKeepsHeaders(t *testing.T) {
	t.Parallel()
	h := openSockets(t, nil)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "7")
		h.server.Events(w, r)
	}))
	t.Cleanup(web.Close)
	s := h.followAt(web, "")
	for name, want := range map[string]string{"X-Request-Id": "7", "Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store"} {
		if got := s.response.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if _, err := http.ParseTime(s.response.Header.Get("Date")); err != nil {
		t.Error(err)
	}
	s.hangUp()
	h.gone()
}

// followAt opens a stream of news at another HTTP server than the house's.
func (h *house) followAt(web *httptest.Server, query string) *stream {
	h.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	h.tb.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, web.URL+"/v1/sse?key=hl_pk_a&channel=news"+query, nil)
	if err != nil {
		h.tb.Fatal(err)
	}
	response, err := web.Client().Do(request)
	if err != nil {
		h.tb.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		h.tb.Fatalf("answered %v", response)
	}
	s := &stream{tb: h.tb, response: response, cancel: cancel}
	h.tb.Cleanup(s.hangUp)
	s.want("connected")
	s.want("subscribed")
	return s
}
