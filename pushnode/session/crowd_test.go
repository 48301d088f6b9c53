package session_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"halley/pushnode/session"
)

// crowd is clients that come and go as they like, in all ways at once.
type crowd struct {
	*house
	ctx context.Context // ends when nobody comes any more
}

// visit comes over a bare connection and leaves at some moment, politely or not.
func (c *crowd) visit() {
	conn, err := c.dial(c.ctx)
	if err != nil {
		return // the server is gone
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, c.says()); err != nil {
		return
	}
	var listening sync.WaitGroup
	if rand.IntN(4) > 0 {
		listening.Go(func() { _, _ = io.CopyN(io.Discard, conn, rand.Int64N(50<<10)) })
	}
	if rand.IntN(2) == 0 {
		_, _ = io.WriteString(conn, masked(finalText, `{"op":"publish","channel":"news","data":"`+strings.Repeat("x", rand.IntN(5000))+`"}`))
	}
	switch rand.IntN(5) {
	case 0:
		_ = conn.(*net.TCPConn).SetLinger(0)
	case 1:
		_, _ = io.WriteString(conn, masked(finalClose, "\x03\xe8"))
		listening.Wait()
	case 2:
		_, _ = io.WriteString(conn, masked(finalText, `{"op":"close"}`)+masked(finalClose, "\x03\xe8"))
	case 3:
		_ = conn.(*net.TCPConn).CloseWrite()
		listening.Wait()
	}
	_ = conn.Close()
	listening.Wait()
}

// says is what a client says first: a stream, or a WebSocket with what is behind its handshake.
func (c *crowd) says() string {
	const shake = " HTTP/1.1\r\nHost: halley\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	subscribe := masked(finalText, fmt.Sprintf(`{"op":"subscribe","ref":1,"channel":"news","rewind":%d}`, rand.IntN(50)))
	switch rand.IntN(6) {
	case 0:
		return newsStream
	case 1:
		return "GET /v1/sse?key=hl_pk_a&session=new&rewind=30&channel=news HTTP/1.1\r\nHost: halley\r\n\r\n"
	case 2:
		return "GET /v1/ws?key=hl_pk_a&cursor=news*7-0-1:0" + shake + masked(finalPing, "here")
	case 3:
		return "GET /v1/ws?key=hl_pk_a" + shake + subscribe + masked(finalText, `{"op":"enter","ref":2,"channel":"news"}`)
	case 4:
		return "GET /v1/ws?" + shake + masked(finalText, `{"op":"connect","key":"hl_pk_a"}`) + subscribe
	default:
		return "GET /v1/ws?" + shake + masked(finalText, `{"op":"connect","key":"hl_pk_x"}`) + subscribe
	}
}

// come has clients come and go, n times in all or until nobody is let in, while others publish.
func (c *crowd) come(n int) {
	var publishers, clients sync.WaitGroup
	stop := make(chan struct{})
	publishers.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				c.publish(c.tb, "news", fmt.Sprint(i))
			}
		}
	})
	for range 8 {
		clients.Go(func() {
			for range n / 8 {
				c.visit()
			}
		})
	}
	clients.Wait()
	close(stop)
	publishers.Wait()
}

// Clients that come and go as they like leave nothing behind: no connection, no place, no goroutine (main_test.go).
func TestCrowdLeavesNothing(t *testing.T) {
	t.Parallel()
	h := openNarrow(t, func(c *session.Config, _ *node) { c.QueueMessages, c.CloseTimeout = 20, 100*time.Millisecond })
	c := &crowd{house: h, ctx: t.Context()}
	c.come(400)
	h.gone()
	if err := h.server.Drain(t.Context()); err != nil {
		t.Error(err)
	}
}

// A server that is closed amid a crowd has let go of everybody when it says so.
func TestCloseAmidACrowd(t *testing.T) {
	t.Parallel()
	for range 3 {
		h := openNarrow(t, func(c *session.Config, _ *node) {
			c.QueueMessages, c.CloseTimeout, c.WriteTimeout = 20, 100*time.Millisecond, 500*time.Millisecond
		})
		ctx, cancel := context.WithCancel(t.Context())
		c := &crowd{house: h, ctx: ctx}
		var coming sync.WaitGroup
		coming.Go(func() { c.come(200) })
		until(t, "the crowd", func() bool { return h.server.Connections() > 4 })
		began := time.Now()
		_ = h.server.Close() // who reads slowly is cut off: that is told
		if waited := time.Since(began); waited > patience/4 {
			t.Errorf("it took %v", waited)
		}
		if n, places := h.server.Connections(), h.places.Load(); n != 0 || places != 0 {
			t.Errorf("%d connections are open, and %d places are taken", n, places)
		}
		cancel()
		coming.Wait()
	}
}
