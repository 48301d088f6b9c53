package pushnode_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// socket is a WebSocket of a client.
type socket struct {
	tb   testing.TB
	conn *websocket.Conn
	kept []object // pushes that came while an answer was waited for
}

// dial opens a WebSocket and awaits its first frame.
func (n *node) dial(t testing.TB, credential string) (*socket, object) {
	t.Helper()
	s := n.dialSilent(t, credential)
	return s, s.next("connected")
}

func (n *node) dialSilent(t testing.TB, credential string) *socket {
	t.Helper()
	if strings.HasPrefix(credential, "hl_sk_") {
		return n.handshake(t, http.Header{"Authorization": {"Bearer " + credential}}, "")
	}
	return n.handshake(t, nil, asQuery(credential))
}

// dialWith opens a WebSocket by a request of the test's own making and awaits its first frame.
func (n *node) dialWith(t testing.TB, header http.Header, query string) (*socket, object) {
	t.Helper()
	s := n.handshake(t, header, query)
	return s, s.next("connected")
}

func (n *node) handshake(t testing.TB, header http.Header, query string) *socket {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	options := &websocket.DialOptions{HTTPClient: n.client, HTTPHeader: header}
	conn, _, err := websocket.Dial(ctx, n.URL+"/v1/ws?"+query, options)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &socket{tb: t, conn: conn}
}

// asQuery is a credential as a browser gives it.
func asQuery(credential string) string {
	if strings.HasPrefix(credential, "hl_") {
		return "key=" + credential
	}
	return "token=" + credential
}

func (s *socket) send(frame string) {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(s.tb.Context(), patience)
	defer cancel()
	if err := s.conn.Write(ctx, websocket.MessageText, []byte(frame)); err != nil {
		s.tb.Fatal(err)
	}
}

// read returns the next frame, or the error that ends the connection.
func (s *socket) read() (object, error) {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(s.tb.Context(), patience)
	defer cancel()
	_, data, err := s.conn.Read(ctx)
	if err != nil {
		return nil, err
	}
	return decode(s.tb, data), nil
}

// ask sends a command, which is given without op's brace and ref, and returns its answer.
func (s *socket) ask(op, fields string) object {
	s.tb.Helper()
	if fields != "" {
		fields = "," + fields
	}
	s.send(`{"op":"` + op + `","ref":1` + fields + `}`)
	for {
		frame, err := s.read()
		if err != nil {
			s.tb.Fatalf("%s: %v", op, err)
		}
		if frame.number("ref") == 1 {
			return frame
		}
		s.kept = append(s.kept, frame)
	}
}

// next returns the next push of that kind and forgets those before it.
func (s *socket) next(op string) object {
	s.tb.Helper()
	for {
		if push := s.push(); push.text("op") == op {
			return push
		}
	}
}

// push returns the next push.
func (s *socket) push() (push object) {
	s.tb.Helper()
	if len(s.kept) > 0 {
		push, s.kept = s.kept[0], s.kept[1:]
		return push
	}
	push, err := s.read()
	if err != nil {
		s.tb.Fatalf("waiting for a push: %v", err)
	}
	return push
}

// message returns the next message.
func (s *socket) message() object {
	s.tb.Helper()
	return s.next("message")
}

// closing reads on until the server closes, and returns its code.
func (s *socket) closing() int {
	s.tb.Helper()
	for {
		if _, err := s.read(); err != nil {
			code := int(websocket.CloseStatus(err))
			if code < 0 {
				s.tb.Fatalf("the connection ended without a close: %v", err)
			}
			return code
		}
	}
}
