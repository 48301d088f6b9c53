package session_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// A client that asks for compression, where it is on, gets large messages compressed and may compress its own, whoever else follows.
func TestCompression(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *sessionConfig, _ *node) { c.Compression = true })
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		conn, response, err := websocket.Dial(ctx, "ws://halley/v1/ws?key=hl_pk_a", &websocket.DialOptions{
			HTTPClient: h.client, CompressionMode: websocket.CompressionNoContextTakeover, CompressionThreshold: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		if agreed := response.Header.Get("Sec-WebSocket-Extensions"); !strings.HasPrefix(agreed, "permessage-deflate") {
			t.Errorf("agreed upon %q", agreed)
		}
		packed := &socket{tb: t, conn: conn}
		t.Cleanup(packed.hangUp)
		packed.want("connected")
		plain, _ := h.login("")
		for _, s := range []*socket{packed, plain} {
			s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
		}
		long := strings.Repeat("the same again and again ", 400)
		for i := range 5 {
			h.publish(t, "news", "short")
			h.publish(t, "news", long+fmt.Sprint(i))
			for _, s := range []*socket{packed, plain} {
				s.wantMessage("short")
				s.wantMessage(long + fmt.Sprint(i))
			}
		}
		packed.send(`{"op":"publish","ref":2,"channel":"news","data":"` + long + `","echo":false}`)
		packed.want("ok")
		plain.wantMessage(long)
	})
}

// What is sent over the wire is what was agreed upon: compressed frames where a client asked for them, plain ones where it is off.
func TestCompressionOnTheWire(t *testing.T) {
	for _, on := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			h := open(t, func(c *sessionConfig, _ *node) { c.Compression = on })
			f := h.shakeHands("key=hl_pk_a", "")
			if opcode, _ := f.next(); opcode != 1 {
				t.Errorf("got opcode %d", opcode)
			}
			f.send(masked(0xc1, "{}")) // compressed, which nobody agreed upon
			f.wantClose("\x03\xea")
			asked := h.shakeHandsFor("key=hl_pk_a", "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n", "")
			asked.next()
			asked.send(masked(finalText, `{"op":"subscribe","ref":1,"channel":"news"}`))
			asked.next()
			synctest.Wait()
			h.publish(t, "news", strings.Repeat("x", 600))
			first, size := asked.nextHead()
			if deflated := first&0x40 != 0; deflated != on || on != (size < 400) {
				t.Errorf("on=%v: the frame begins with %x and has %d bytes", on, first, size)
			}
		})
	}
}
