package session_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"

	"halley/pushnode/session"
)

// openTLS is a house, and an HTTP server beside its own that speaks TLS, and HTTP/2 if it is asked to.
func openTLS(tb testing.TB, http2 bool, change func(*session.Config, *node)) (*house, *httptest.Server) {
	tb.Helper()
	h := openSockets(tb, change)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/ws", h.server.WebSocket)
	mux.HandleFunc("GET /v1/sse", h.server.Events)
	mux.HandleFunc("GET "+session.PusherPath, h.server.Pusher)
	web := httptest.NewUnstartedServer(mux)
	web.EnableHTTP2 = http2
	web.StartTLS()
	tb.Cleanup(web.Close)
	return h, web
}

// connectTLS opens a WebSocket over TLS and reads connected.
func (h *house) connectTLS(web *httptest.Server) *socket {
	h.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, web.URL+"/v1/ws?key=hl_pk_a", &websocket.DialOptions{HTTPClient: web.Client()})
	if err != nil {
		h.tb.Fatal(err)
	}
	conn.SetReadLimit(-1)
	s := &socket{tb: h.tb, conn: conn}
	h.tb.Cleanup(s.hangUp)
	s.want("connected")
	return s
}

// A WebSocket over TLS has a goroutine that reads, and a writer that waits: it gets the same.
func TestWebSocketOverTLS(t *testing.T) {
	t.Parallel()
	h, web := openTLS(t, false, func(c *session.Config, _ *node) { c.PingInterval, c.PongTimeout = time.Second, time.Second })
	s := h.connectTLS(web)
	s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
	for i := range 50 {
		h.publish(t, "news", long(i))
	}
	for i := range 50 {
		s.wantMessage(long(i))
	}
	for range 2 { // the client answers the first: else it would be closed
		s.want("ping")
	}
	s.send(`{"op":"close"}`)
	s.wantClose(1000)
	h.gone()
}

// Clients over TLS that take nothing hold up neither their server's end nor each other's.
func TestServerClosesStalledTLS(t *testing.T) {
	t.Parallel()
	const clients = 4
	h, web := openTLS(t, false, func(c *session.Config, _ *node) {
		c.WriteTimeout, c.CloseTimeout = 500*time.Millisecond, 500*time.Millisecond
	})
	for range clients {
		h.connectTLS(web).ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
	}
	for i := range 300 { // more than the kernel holds
		h.publish(t, "news", long(i))
	}
	began := time.Now()
	_ = h.server.Close() // not in time, as it may be
	if waited := time.Since(began); waited > 12*time.Second {
		t.Errorf("it took %v", waited)
	}
	h.gone()
}

// Streams over HTTP/2 share a connection, and the handlers write them.
func TestStreamsOverHTTP2(t *testing.T) {
	t.Parallel()
	h, web := openTLS(t, true, nil)
	one, two := h.followAt(web, ""), h.followAt(web, "&session=new")
	for _, s := range []*stream{one, two} {
		if s.response.ProtoMajor != 2 || s.response.Header.Get("Connection") != "" {
			t.Errorf("answered in %s with %v", s.response.Proto, s.response.Header)
		}
	}
	for i := range 20 {
		h.publish(t, "news", fmt.Sprint(i))
		one.wantMessage(fmt.Sprint(i))
		two.wantMessage(fmt.Sprint(i))
	}
	one.hangUp()
	until(t, "the first stream to end", func() bool { return h.server.Connections() == 1 && h.places.Load() == 1 })
	h.publish(t, "news", "last")
	two.wantMessage("last")
	if err := h.server.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	two.want("drain")
	if one, err := two.read(); err == nil {
		t.Errorf("the stream goes on with %v", one)
	}
	h.gone()
}

// Over TLS and HTTP/1.1 a stream has its connection for itself.
func TestStreamOverTLS(t *testing.T) {
	t.Parallel()
	h, web := openTLS(t, false, nil)
	s := h.followAt(web, "")
	for i := range 20 {
		h.publish(t, "news", long(i))
		s.wantMessage(long(i))
	}
	s.hangUp()
	h.gone()
}
