package session_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"halley/pushnode/session"
)

// frames is a WebSocket whose frames are written by hand.
type frames struct {
	tb     testing.TB
	conn   net.Conn
	reader *bufio.Reader
}

// shakeHands opens a WebSocket on a bare connection, with something behind the handshake in the same write.
func (h *house) shakeHands(query, behind string) *frames {
	h.tb.Helper()
	return h.shakeHandsFor(query, "", behind)
}

// shakeHandsFor is shakeHands with more fields in the request's head.
func (h *house) shakeHandsFor(query, fields, behind string) *frames {
	h.tb.Helper()
	conn, err := h.dial(context.Background())
	if err != nil {
		h.tb.Fatal(err)
	}
	h.tb.Cleanup(func() { _ = conn.Close() })
	go func() {
		_, _ = io.WriteString(conn, "GET /v1/ws?"+query+" HTTP/1.1\r\nHost: halley\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"+fields+"\r\n"+behind)
	}()
	f := &frames{tb: h.tb, conn: conn, reader: bufio.NewReader(conn)}
	response, err := http.ReadResponse(f.reader, nil)
	if err != nil {
		h.tb.Fatal(err)
	}
	// The example of RFC 6455, section 1.3.
	if response.StatusCode != 101 || response.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		h.tb.Fatalf("the handshake is answered %v", response)
	}
	return f
}

// masked is a frame of a client, with a mask of zeros.
func masked(first byte, payload string) string {
	frame := []byte{first}
	if len(payload) < 126 {
		frame = append(frame, 0x80|byte(len(payload)))
	} else {
		frame = binary.BigEndian.AppendUint16(append(frame, 0x80|126), uint16(len(payload)))
	}
	return string(frame) + "\x00\x00\x00\x00" + payload
}

func (f *frames) send(text string) {
	f.tb.Helper()
	if _, err := io.WriteString(f.conn, text); err != nil {
		f.tb.Fatal(err)
	}
}

// next reads one short frame.
func (f *frames) next() (opcode byte, payload string) {
	f.tb.Helper()
	first, size := f.nextHead()
	text := make([]byte, size)
	if _, err := io.ReadFull(f.reader, text); err != nil {
		f.tb.Fatal(err)
	}
	return first & 0x0f, string(text)
}

// nextHead reads the head of a frame: its first byte, and the size of its payload.
func (f *frames) nextHead() (first byte, size int) {
	f.tb.Helper()
	var head [2]byte
	if _, err := io.ReadFull(f.reader, head[:]); err != nil {
		f.tb.Fatal(err)
	}
	if head[1] != 126 {
		return head[0], int(head[1])
	}
	var long [2]byte
	if _, err := io.ReadFull(f.reader, long[:]); err != nil {
		f.tb.Fatal(err)
	}
	return head[0], int(binary.BigEndian.Uint16(long[:]))
}

// wantClose reads up to the close frame, behind which the connection must end.
func (f *frames) wantClose(payload string) {
	f.tb.Helper()
	for {
		opcode, text := f.next()
		if opcode != 8 {
			continue
		}
		if !strings.HasPrefix(text, payload) || payload == "" && text != "" {
			f.tb.Errorf("closed with %q, want %q", text, payload)
		}
		if rest, err := io.ReadAll(f.reader); err != nil || len(rest) > 0 {
			f.tb.Errorf("behind the close came %q, %v", rest, err)
		}
		return
	}
}

const (
	finalText  = 0x81
	finalClose = 0x88
	finalPing  = 0x89
)

// A client's close is answered with its own code, and what breaks the rules of RFC 6455 is closed with theirs, before the client has shown
// who it is and after.
func TestFramesAreClosed(t *testing.T) {
	for name, test := range map[string]struct{ sent, closed string }{
		"normal":      {masked(finalClose, "\x03\xe8bye"), "\x03\xe8"},
		"without":     {masked(finalClose, ""), ""},
		"own code":    {masked(finalClose, "\x0b\xb9"), "\x0b\xb9"},
		"table's":     {masked(finalClose, "\x0f\xa9"), "\x0f\xa9"},
		"bad code":    {masked(finalClose, "\x03\xec"), "\x03\xea"},
		"not UTF-8":   {masked(finalText, "{\"op\":\"ping\",\"channel\":\"\xff\"}"), "\x03\xef"},
		"unmasked":    {"\x81\x02{}", "\x03\xea"},
		"reserved":    {masked(0xc1, "{}"), "\x03\xea"},
		"long ping":   {masked(finalPing, strings.Repeat("x", 126)), "\x03\xea"},
		"in the wake": {masked(finalClose, "\x03\xe8") + masked(finalText, "x"), "\x03\xe8"},
	} {
		for when, query := range map[string]string{"before": "", "after": "key=hl_pk_a"} {
			t.Run(name+" "+when, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := open(t, nil)
					f := h.shakeHands(query, "")
					go func() { _, _ = io.WriteString(f.conn, test.sent) }()
					f.wantClose(test.closed)
				})
			})
		}
	}
}

// What a client sends right behind its handshake is not lost.
func TestFramesBehindTheHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		ping := masked(finalText, `{"op":"ping","ref":1}`)
		f := h.shakeHands("", masked(finalText, `{"op":"connect","key":"hl_pk_a"}`)+ping+ping[:9])
		f.send(ping[9:])
		for _, want := range []string{`{"op":"connected"`, `{"op":"ok","ref":1`, `{"op":"ok","ref":1`} {
			if _, text := f.next(); !strings.HasPrefix(text, want) {
				t.Errorf("got %s, want %s", text, want)
			}
		}
	})
}

// Pings are answered before a client has shown who it is and after, amid the fragments of a message as well.
func TestPingsBetweenFragments(t *testing.T) {
	for name, query := range map[string]string{"before": "", "after": "key=hl_pk_a"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, func(c *session.Config, _ *node) { c.QueueMessages = 4 })
				f := h.shakeHands(query, "")
				if query != "" {
					f.next()
				}
				f.send(masked(0x01, `{"op":`))
				f.send(masked(finalPing, "here"))
				if opcode, text := f.next(); opcode != 10 || text != "here" {
					t.Errorf("got %d %q", opcode, text)
				}
				f.send(masked(0x80, `"ping","ref":7}`))
				want := `{"op":"ok","ref":7`
				if query == "" {
					want = `{"op":"error"` // the first frame is not connect
				}
				if _, text := f.next(); !strings.HasPrefix(text, want) {
					t.Errorf("got %s", text)
				}
			})
		})
	}
}
