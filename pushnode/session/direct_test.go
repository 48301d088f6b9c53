package session_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"halley/pushnode/session"
)

// narrow is a listener whose sockets send from as little as the kernel allows: a message of some kilobytes goes only in part into one that
// is not read.
type narrow struct{ net.Listener }

// Accept returns the next connection, with a small buffer to send from.
func (n narrow) Accept() (net.Conn, error) {
	conn, err := n.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return conn, conn.(*net.TCPConn).SetWriteBuffer(4 << 10)
}

// openNarrow starts a server whose clients can be stalled over real sockets, to which the fan-out writes by itself.
func openNarrow(tb testing.TB, change func(*session.Config, *node)) *house {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	dial := func(ctx context.Context) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
		if err != nil {
			return nil, err
		}
		return conn, conn.(*net.TCPConn).SetReadBuffer(64 << 10)
	}
	return openOn(tb, narrow{listener}, dial, change)
}

// long is the text of a message that no narrow socket takes as a whole.
func long(i int) string { return fmt.Sprintf("%d %s", i, strings.Repeat("x", 40<<10)) }

// until waits for something that a goroutine of the server does.
func until(tb testing.TB, what string, done func() bool) {
	tb.Helper()
	ticks := time.NewTicker(time.Millisecond)
	defer ticks.Stop()
	for end := time.Now().Add(20 * time.Second); !done(); <-ticks.C {
		if time.Now().After(end) {
			tb.Fatalf("waited in vain for %s", what)
		}
	}
}

// Frames that a socket takes in parts, begun by the fan-out and ended by the writer, with answers and pongs between them: the
// client sees whole frames, each message once and in order.
func TestPartsOfFramesStayTogether(t *testing.T) {
	t.Parallel()
	h := openNarrow(t, func(c *session.Config, n *node) { c.QueueMessages = 4 })
	s, _ := h.login("")
	s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
	got, published := 0, 0
	overflows := func() float64 { return h.metric("halley_session_overflows_total", "") }
	for round := 0; overflows() < 5; round++ { // a round that begins while history is still being read fills no queue
		if round == 100 {
			t.Fatalf("%v queues were full in %d rounds", overflows(), round)
		}
		for range 10 {
			h.publish(t, "news", long(published))
			published++
		}
		s.send(fmt.Sprintf(`{"op":"ping","ref":%d}`, round+2))
		for answered := false; got < published || !answered; {
			switch frame := s.next(); frame.text("op") {
			case "ok":
				answered = true
			case "message":
				if frame.text("data") != long(got) {
					t.Fatalf("message %.10q came where %d was due", frame.text("data"), got)
				}
				got++
			default:
				t.Fatalf("got %v", frame)
			}
		}
		// Live again: the next round begins with a direct write.
		h.publish(t, "news", long(published))
		published++
		s.wantMessage(long(got))
		got++
	}
}

// A client that is gone is noticed by the fan-out's own write, and what could not be written is not taken for sent.
func TestDirectWriteToABrokenConnection(t *testing.T) {
	t.Parallel()
	h := openNarrow(t, nil)
	s, _ := h.login("")
	s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
	first := h.publish(t, "news", "0")
	s.wantMessage("0")
	s.hangUp()
	for i := 1; i <= 20; i++ {
		h.publish(t, "news", fmt.Sprint(i))
	}
	until(t, "the connection to end", func() bool { return h.metric("halley_session_connections", "websocket") == 0 })
	back := h.connect("key=hl_pk_a&session=" + s.resume + "&cursor=" + escape("news*"+first.String()))
	if connected := back.want("connected"); connected["resumed"] != true {
		t.Fatalf("not resumed: %v", connected)
	}
	back.want("subscribed")
	for i := 1; i <= 20; i++ {
		back.wantMessage(fmt.Sprint(i))
	}
}
