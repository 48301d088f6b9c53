package frame_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"halley/pushnode/session/frame"
)

// FuzzAgainstCoder reads the same bytes by coder/websocket, which has read those of its many users. Both come to the same messages and
// pings, and both refuse what follows or neither does, but for the differences that explained lists.
func FuzzAgainstCoder(f *testing.F) {
	for _, s := range scripts() {
		if len(s.stream) < 4<<10 {
			f.Add([]byte(s.stream), s.deflate)
		}
	}
	f.Fuzz(func(t *testing.T, stream []byte, deflate bool) {
		var reader frame.Reader
		ours := read(t, &reader, []string{string(stream)}, frame.Rules{MessageBytes: 1 << 20, Deflate: deflate})
		theirs, err := readByCoder(t, stream, deflate)
		refusal := ""
		if n := len(ours); n > 0 && strings.HasPrefix(ours[n-1], "error") {
			ours, refusal = ours[:n-1], ours[n-1]
		}
		if readsInAnotherWay(deflate, ours, theirs, refusal, err) || refusesMore(ours, theirs, refusal) {
			return
		}
		switch {
		case !slices.Equal(ours, theirs):
			t.Errorf("we read %q and then %q, coder/websocket %q and then %v", ours, refusal, theirs, err)
		case refusal == "" && refuses(err):
			t.Errorf("coder/websocket refuses what follows %q: %v", theirs, err)
		case refusal != "" && err == nil:
			t.Errorf("we refuse what follows %q: %s", ours, refusal)
		}
	})
}

// refusesMore reports whether we refuse what coder/websocket lets pass. Up to there both read the same.
//
//   - RFC 6455, section 5.2: a length in a longer form than needed, also of a control frame.
//   - RFC 6455, sections 5.5.1 and 8.1: a text, or the reason of a close, that is not UTF-8.
//   - RFC 7692, section 7.2.2: a message that ends amid a block.
//   - a message that is too large: coder/websocket was told to read any.
func refusesMore(ours, theirs []string, refusal string) bool {
	known := slices.ContainsFunc([]string{"a length is not", "a length of more than 7 bits", "a text is not", "cannot be inflated", "too large"},
		func(text string) bool { return strings.Contains(refusal, text) })
	return known && len(theirs) >= len(ours) && slices.Equal(ours, theirs[:len(ours)])
}

// readsInAnotherWay reports whether coder/websocket comes to another end by a way of its own.
//
//   - It gives what it has of a message where the connection ends amid that, and then refuses to read on.
//   - RFC 7692, section 7.2.1: blocks may follow a final one. There it ends a message, and may then take what is left of it for a frame, or
//     refuse to read on.
//   - It inflates a message as it comes, we once it is whole: a fault is found by it alone where the connection ends before.
func readsInAnotherWay(deflate bool, ours, theirs []string, refusal string, err error) bool {
	n := 0
	for n < min(len(ours), len(theirs)) && ours[n] == theirs[n] {
		n++
	}
	unread := err != nil && strings.Contains(err.Error(), "previous message not read to completion")
	switch {
	case n < min(len(ours), len(theirs)):
		return deflate && strings.HasPrefix(ours[n], strings.TrimSuffix(theirs[n], `"`))
	case n < len(theirs):
		return n == len(theirs)-1 && (refusal == "" || unread)
	}
	return unread || deflate && refusal == "" && err != nil && strings.Contains(err.Error(), "flate: corrupt")
}

// readByCoder returns in words what coder/websocket reads, up to its error.
func readByCoder(t *testing.T, stream []byte, deflate bool) ([]string, error) {
	t.Helper()
	var events []string
	note := func(kind string, payload []byte) { events = append(events, fmt.Sprintf("%s %q", kind, payload)) }
	conn := acceptByCoder(t, stream, deflate, note)
	defer func() { _ = conn.CloseNow() }()
	for {
		kind, payload, err := conn.Read(context.Background())
		if closed := (websocket.CloseError{}); errors.As(err, &closed) {
			return append(events, fmt.Sprintf("close %d %q", closed.Code, closed.Reason)), nil
		}
		if err != nil {
			return events, err
		}
		note(map[websocket.MessageType]string{websocket.MessageText: "text", websocket.MessageBinary: "binary"}[kind], payload)
	}
}

// refuses reports whether an error of coder/websocket says more than that the bytes are at their end.
func refuses(err error) bool {
	return err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF)
}

// acceptByCoder makes a server's connection, which reads the stream.
func acceptByCoder(t *testing.T, stream []byte, deflate bool, note func(kind string, payload []byte)) *websocket.Conn {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
		"Sec-WebSocket-Extensions": "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
	} {
		r.Header.Set(name, value)
	}
	mode := websocket.CompressionDisabled
	if deflate {
		mode = websocket.CompressionNoContextTakeover
	}
	conn, err := websocket.Accept(&handover{ResponseRecorder: httptest.NewRecorder(), stream: stream}, r, &websocket.AcceptOptions{
		CompressionMode: mode,
		OnPingReceived:  func(_ context.Context, payload []byte) bool { note("ping", payload); return false },
		OnPongReceived:  func(_ context.Context, payload []byte) { note("pong", payload) },
	})
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(-1)
	return conn
}

// handover gives away a connection that reads the stream.
type handover struct {
	*httptest.ResponseRecorder
	stream []byte
}

func (h *handover) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn := &tape{Reader: bytes.NewReader(h.stream)}
	return conn, bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn)), nil
}

// tape is a connection whose client has sent all that it will, and takes everything.
type tape struct {
	*bytes.Reader
	net.Conn
}

func (t *tape) Read(p []byte) (int, error)       { return t.Reader.Read(p) }
func (t *tape) Write(p []byte) (int, error)      { return len(p), nil }
func (t *tape) Close() error                     { return nil }
func (t *tape) SetDeadline(time.Time) error      { return nil }
func (t *tape) SetReadDeadline(time.Time) error  { return nil }
func (t *tape) SetWriteDeadline(time.Time) error { return nil }
