package test

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// TestPusherDataArrivesByteForByte publishes texts that a server would change that reads and writes them anew, and looks at frames before
// any library does.
func TestPusherDataArrivesByteForByte(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	app := pusherOn(t, n).App
	socket := dialPusher(t, n, app)
	socket.send(`{"event":"pusher:subscribe","data":{"channel":"news"}}`)
	socket.next("pusher_internal:subscription_succeeded")
	for _, text := range []string{
		`{"b":1,"a":2,  "c" : [ ]}`, `1.0`, `12345678901234567890`, `1e400`, `"quoted"`, `plain`, ``, ` {"padded":true} `, "{\"two\":\n\"lines\"}",
		`{"key":1,"key":2}`, `{"u":"\u00e4\/\ud83d\ude00"}`, `ä€😀`, "\u2028 <script>&", "tab\tand\x01control", `null`, `[1,]`, `\`, `"`,
	} {
		body := jsonOf(t, map[string]any{"name": "text", "channels": []string{"news"}, "data": text})
		if status, answer := n.triggerPusher(app, body); status != http.StatusOK || answer != "{}" {
			t.Fatalf("publish %q: status %d, %s", text, status, answer)
		}
		if got := socket.next("text"); got.Data != text {
			t.Errorf("got %q, want %q", got.Data, text)
		}
	}
}

// TestPusherFramesThatAreWrong sends what no library sends. Each is answered with an error or ignored, and the connection goes on.
func TestPusherFramesThatAreWrong(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	app := pusherOn(t, n).App
	socket := dialPusher(t, n, app)
	for i, wrong := range []string{
		`{"event":"pusher:subscribe"}`, `{"event":"pusher:subscribe","data":null}`, `{"event":"pusher:subscribe","data":{"channel":7}}`,
		`{"event":"pusher:subscribe","data":{"channel":"a b"}}`, `{"event":"pusher:subscribe","data":{"channel":"#server-to-user-1"}}`,
		`{"event":"pusher:subscribe","data":{"channel":"private-a","auth":"` + strings.Repeat("f", 60_000) + `"}}`,
		`{"event":"pusher:unsubscribe","data":{"channel":"never"}}`, `{"event":"pusher:signin","data":{"auth":"a:b","user_data":"no json"}}`,
		`{"event":"client-a","channel":"private-never","data":{}}`, `{"event":"client-a"}`, `{"event":"pusher:flood","data":{}}`,
		`{"event":"pusher_internal:member_added","channel":"presence-a","data":"{}"}`, `{}`, `[]`, `null`, `7`, ``, `{"event":`,
		strings.Repeat(`[`, 5_000), `{"event":"client-a","channel":"private-a","data":` + strings.Repeat(`{"a":`, 5_000) + `1` + strings.Repeat(`}`, 5_000) + `}`,
	} {
		socket.send(wrong)
		channel := fmt.Sprint("after-", i)
		socket.send(`{"event":"pusher:subscribe","data":{"channel":"` + channel + `"}}`)
		if got := socket.next("pusher_internal:subscription_succeeded"); got.Channel != channel {
			t.Fatalf("after %.80s: %+v", wrong, got)
		}
	}
}

// TestPusherCallsThatAreWrong are refused with Pusher's statuses, and texts that people search for.
func TestPusherCallsThatAreWrong(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	app := pusherOn(t, n).App
	event := `{"name":"e","channel":"a","data":"x"}`
	now := fmt.Sprint(time.Now().Unix())
	stranger, other := app, app
	stranger.Secret, other.ID = "another", "7654321"
	for name, row := range map[string]struct {
		method, target, body string
		status               int
		says                 string
	}{
		"fine":              {"POST", signPusher(app, "POST", "/events", event, now), event, 200, "{}"},
		"unsigned":          {"POST", "/apps/" + app.ID + "/events", event, 401, ""},
		"another secret":    {"POST", signPusher(stranger, "POST", "/events", event, now), event, 401, "Invalid signature: you should have sent HmacSHA256Hex("},
		"another body":      {"POST", signPusher(app, "POST", "/events", event, now), event + " ", 401, ""},
		"another path":      {"POST", strings.Replace(signPusher(app, "POST", "/events", event, now), "/events", "/batch_events", 1), event, 401, ""},
		"another method":    {"POST", signPusher(app, "GET", "/events", event, now), event, 401, ""},
		"an old time":       {"POST", signPusher(app, "POST", "/events", event, "1353088179"), event, 401, "Timestamp expired: Given timestamp ("},
		"a time to come":    {"POST", signPusher(app, "POST", "/events", event, "4000000000"), event, 401, "Timestamp expired"},
		"no time":           {"POST", signPusher(app, "POST", "/events", event, "soon"), event, 401, ""},
		"an app of nobody":  {"POST", signPusher(other, "POST", "/events", event, now), event, 404, ""},
		"no JSON":           {"POST", signPusher(app, "POST", "/events", "{", now), "{", 400, ""},
		"null":              {"POST", signPusher(app, "POST", "/events", "null", now), "null", 400, ""},
		"an old method":     {"PUT", signPusher(app, "PUT", "/events", event, now), event, 405, ""},
		"digest of no body": {"GET", signPusher(app, "GET", "/channels", "", now), "", 200, `{"channels":{}}`}, // as the library for Python sends it
	} {
		status, answer := n.fetchPusher(row.method, row.target, row.body)
		if status != row.status || !strings.Contains(answer, row.says) || strings.Contains(answer, app.Secret) {
			t.Errorf("%s: status %d, %s; want %d with %q", name, status, answer, row.status, row.says)
		}
	}
}

// pusherSocket is a WebSocket of Pusher's protocol, without a library.
type pusherSocket struct {
	tb   testing.TB
	conn *websocket.Conn
}

// pusherFrame is a frame of the server. Only that of an error has data that is no text.
type pusherFrame struct {
	Event, Channel string
	Data           any
}

func dialPusher(tb testing.TB, n *node, app pusherApp) *pusherSocket {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), answerPatience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, n.url+"/app/"+app.Key+"?protocol=7", &websocket.DialOptions{HTTPClient: n.client})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.CloseNow() })
	socket := &pusherSocket{tb: tb, conn: conn}
	socket.next("pusher:connection_established")
	return socket
}

func (s *pusherSocket) send(frame string) {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(s.tb.Context(), answerPatience)
	defer cancel()
	if err := s.conn.Write(ctx, websocket.MessageText, []byte(frame)); err != nil {
		s.tb.Fatalf("send %.80s: %v", frame, err)
	}
}

// next returns the next frame of that event; others are passed over.
func (s *pusherSocket) next(event string) pusherFrame {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(s.tb.Context(), answerPatience)
	defer cancel()
	for {
		_, text, err := s.conn.Read(ctx)
		if err != nil {
			s.tb.Fatalf("the socket ended before %s: %v", event, err)
		}
		var got pusherFrame
		if err := json.Unmarshal(text, &got); err != nil {
			s.tb.Fatalf("frame %s: %v", text, err)
		}
		if got.Event == event {
			return got
		}
	}
}

// triggerPusher publishes by Pusher's API and returns the answer.
func (n *node) triggerPusher(app pusherApp, body string) (status int, answer string) {
	n.tb.Helper()
	return n.fetchPusher(http.MethodPost, signPusher(app, http.MethodPost, "/events", body, fmt.Sprint(time.Now().Unix())), body)
}

// signPusher is the target of a call, signed as the documentation of Pusher's HTTP API says.
func signPusher(app pusherApp, method, call, body, timestamp string) string {
	path, digest := "/apps/"+app.ID+call, md5.Sum([]byte(body))
	text := fmt.Sprintf("auth_key=%s&auth_timestamp=%s&auth_version=1.0&body_md5=%s", app.Key, timestamp, hex.EncodeToString(digest[:]))
	mac := hmac.New(sha256.New, []byte(app.Secret))
	fmt.Fprintf(mac, "%s\n%s\n%s", method, path, text)
	return path + "?" + text + "&auth_signature=" + hex.EncodeToString(mac.Sum(nil))
}

func (n *node) fetchPusher(method, target, body string) (status int, answer string) {
	n.tb.Helper()
	response, err := n.client.Do(newRequest(n.tb, method, n.url+target, strings.NewReader(body)))
	if err != nil {
		n.tb.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		n.tb.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func jsonOf(tb testing.TB, value any) string {
	tb.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}
