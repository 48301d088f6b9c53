package session_test

import (
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/session"
)

// A WebSocket that was refused stays refused, whatever it still says, and is counted once.
func TestRefusedStaysRefused(t *testing.T) {
	for name, second := range map[string]string{"valid": `{"op":"connect","key":"hl_pk_a"}`, "wrong": `{"op":"connect","key":"hl_pk_x"}`} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, nil)
				f := h.shakeHands("", masked(0x82, "binary")+masked(finalText, second))
				if opcode, text := f.next(); opcode != 1 || !strings.HasPrefix(text, `{"op":"error"`) {
					t.Errorf("got %d %s, want an error", opcode, text)
				}
				if opcode, text := f.next(); opcode != 8 || !strings.HasPrefix(text, "\x0f\xad") {
					t.Errorf("got %d %q, want the close 4013", opcode, text)
				}
				if rest, err := io.ReadAll(f.reader); err != nil || len(rest) > 0 {
					t.Errorf("behind the close came %q, %v", rest, err)
				}
				if got := h.metric("halley_session_closes_total", ""); got != 1 {
					t.Errorf("%v closes are counted, want 1", got)
				}
			})
		})
	}
}

// A close that crosses ours is its answer: nothing is waited for any more.
func TestClosesThatCross(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *session.Config, _ *node) { c.CloseTimeout = time.Hour })
		f := h.shakeHands("key=hl_pk_a", masked(finalText, `{"op":"close"}`)+masked(finalClose, "\x03\xe8"))
		began := time.Now()
		f.wantClose("\x03\xe8")
		if waited := time.Since(began); waited > time.Second {
			t.Errorf("the connection ended after %v", waited)
		}
	})
}

// Who panics while it leaves is gone all the same.
func TestPanicWhileLeaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		var panicked atomic.Bool
		h.set(func() {
			h.mute = func(command channel.Command) bool {
				if _, leaves := command.(channel.DetachSession); leaves && !panicked.Swap(true) {
					panic("the tests want it so")
				}
				return false
			}
		})
		s, _ := h.login("")
		s.hangUp()
		synctest.Wait()
		if got := h.server.Connections(); got != 0 {
			t.Errorf("%d connections are open", got)
		}
		if got := h.metric("halley_session_connections", ""); got != 0 {
			t.Errorf("%v connections are shown", got)
		}
		if got := h.places.Load(); got != 0 {
			t.Errorf("%d places are taken", got)
		}
	})
}

// Who panics while it opens leaves its place to others, and its session to whom it may concern.
func TestPanicWhileOpening(t *testing.T) {
	for name, path := range map[string]string{
		"websocket": "/v1/ws?cursor=news*7-0-1:0", "sse": "/v1/sse?session=new&channel=news", "poll": "/v1/poll?session=new&channel=news",
	} {
		for _, when := range []string{"attach", "rule"} {
			t.Run(name+" "+when, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := open(t, nil)
					var detached atomic.Int64
					h.set(func() {
						h.after = once(when, func() { panic("the tests want it so") })
						h.mute = func(command channel.Command) bool {
							if _, detaches := command.(channel.DetachSession); detaches {
								detached.Add(1)
							}
							return false
						}
					})
					conn, err := h.dial(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					defer conn.Close()
					go func() {
						_, _ = io.WriteString(conn, "GET "+path+"&key=hl_pk_a HTTP/1.1\r\nHost: halley\r\nConnection: Upgrade\r\n"+
							"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
					}()
					_, _ = io.ReadAll(conn)
					synctest.Wait()
					if got := h.metric("halley_session_panics_total", ""); got != 1 {
						t.Errorf("%v panics are counted, want 1", got)
					}
					if got := h.places.Load(); got != 0 {
						t.Errorf("%d places are taken", got)
					}
					if got := detached.Load(); when == "rule" && got != 1 {
						t.Errorf("the session's record was detached %d times, want 1", got)
					}
				})
			})
		}
	}
}

// A client that was refused and is gone keeps nobody waiting.
func TestRefusedClientIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *session.Config, _ *node) { c.CloseTimeout = time.Minute })
		f := h.shakeHands("key=hl_pk_x", "")
		f.next()
		f.next()
		_ = f.conn.Close()
		synctest.Wait()
		began := time.Now()
		if err := h.server.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited > 0 {
			t.Errorf("the server waited for %v", waited)
		}
	})
}

// A server that is drained does not wait for who has not shown who it is.
func TestDrainAmidAHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *session.Config, _ *node) { c.HandshakeTimeout = time.Hour })
		f := h.shakeHands("", "")
		drained := make(chan error, 1)
		go func() { drained <- h.server.Drain(t.Context()) }()
		began := time.Now()
		f.wantClose("\x10\x68")
		_ = f.conn.Close()
		if err := <-drained; err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited > time.Minute {
			t.Errorf("the server waited for %v", waited)
		}
	})
}

// A client that is refused amid a pong gets that to its end, and then the reason: two never write to it at a time.
func TestRefusedAmidAPong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *session.Config, _ *node) { c.HandshakeTimeout, c.WriteTimeout = 5*time.Second, 10*time.Second })
		f := h.shakeHands("", masked(0x89, "abc"))
		first := make([]byte, 1) // the pipe holds nothing back: what is not read waits to be written
		if _, err := io.ReadFull(f.conn, first); err != nil || first[0] != 0x8a {
			t.Fatalf("a pong begins with %x, %v", first, err)
		}
		<-time.After(7 * time.Second) // it is refused meanwhile
		rest, err := io.ReadAll(f.reader)
		if got := string(rest); err != nil || !strings.HasPrefix(got, "\x03abc\x81") || !strings.Contains(got, `"op":"error"`) {
			t.Errorf("behind it came %q, %v", rest, err)
		}
	})
}
