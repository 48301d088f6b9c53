package session_test

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"halley/pushnode/pusher"
)

// pusherSocket is a client of Pusher's.
type pusherSocket struct {
	*socket
	id string // as the server gave it
}

// dialPusher opens a socket of Pusher's at a path with its query. It does not read anything.
func (h *house) dialPusher(path string) *pusherSocket {
	h.tb.Helper()
	return h.dialPusherAt("ws://halley"+path, h.client)
}

func (h *house) dialPusherAt(address string, client *http.Client) *pusherSocket {
	h.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPClient: client})
	if err != nil {
		h.tb.Fatal(err)
	}
	conn.SetReadLimit(-1)
	s := &pusherSocket{socket: &socket{tb: h.tb, conn: conn}}
	h.tb.Cleanup(s.hangUp)
	return s
}

// pusher opens a socket of Pusher's with the key of the tests, and reads that it is established.
func (h *house) pusher() *pusherSocket {
	h.tb.Helper()
	s := h.dialPusher("/app/abc?protocol=7&client=js&version=8.6.0&flash=false")
	s.id = s.wantEvent("pusher:connection_established").data(h.tb).text("socket_id")
	return s
}

// data is the data of an event of Pusher's, which is JSON in a string.
func (o object) data(tb testing.TB) object {
	tb.Helper()
	return decode(tb, []byte(o.text("data")))
}

// wantEvent is the next frame, which must be of that event.
func (s *pusherSocket) wantEvent(event string) object {
	s.tb.Helper()
	frame := s.next()
	if frame.text("event") != event {
		s.tb.Fatalf("got %v, want the event %s", frame, event)
	}
	return frame
}

// wantData is the next frame, which must be of that event and have that text for its data.
func (s *pusherSocket) wantData(event, data string) object {
	s.tb.Helper()
	frame := s.wantEvent(event)
	if frame.text("data") != data {
		s.tb.Fatalf("got %v, want the data %s", frame, data)
	}
	return frame
}

// readOn takes whatever comes from now on, until stop hangs up.
func (s *pusherSocket) readOn() (stop func()) {
	var reading sync.WaitGroup
	reading.Go(func() {
		for {
			if _, err := s.read(); err != nil {
				return
			}
		}
	})
	return func() {
		s.hangUp()
		reading.Wait()
	}
}

// wantNothing makes sure that nothing waits for the client but the answer to a ping.
func (s *pusherSocket) wantNothing() {
	s.tb.Helper()
	s.send(`{"event":"pusher:ping","data":{}}`)
	s.wantEvent("pusher:pong")
}

// wantError is the next frame, which must be an error of the connection with that code; 0: null.
func (s *pusherSocket) wantError(code int64) object {
	s.tb.Helper()
	fault, _ := s.wantEvent("pusher:error")["data"].(map[string]any)
	if object(fault).number("code") != code || (code == 0) != (fault["code"] == nil) || object(fault).text("message") == "" {
		s.tb.Fatalf("got the error %v, want %d", fault, code)
	}
	return fault
}

// wantRefusal is the next frame, which must refuse a subscription to the channel with that status.
func (s *pusherSocket) wantRefusal(name string, status int64) object {
	s.tb.Helper()
	frame := s.wantEvent("pusher:subscription_error")
	fault, _ := frame["data"].(map[string]any)
	if frame.text("channel") != name || object(fault).number("status") != status || object(fault).text("error") == "" {
		s.tb.Fatalf("got %v, want channel %s and status %d", frame, name, status)
	}
	return fault
}

// ask subscribes to a channel, with the signature of the app's server where that takes one, and with data that it signs.
func (s *pusherSocket) ask(name, data string) {
	s.tb.Helper()
	fields := map[string]string{"channel": name, "auth": ""}
	if pusher.KindOf(name).Is(pusher.Private) {
		fields["auth"] = pusher.Sign("abc", "secret of abc", pusher.ChannelText(s.id, name, data))
	}
	if data != "" {
		fields["channel_data"] = data
	}
	s.event("pusher:subscribe", "", fields)
}

// subscribe is ask, which must succeed.
func (s *pusherSocket) subscribe(name, data string) object {
	s.tb.Helper()
	s.ask(name, data)
	answer := s.wantEvent("pusher_internal:subscription_succeeded")
	if answer.text("channel") != name {
		s.tb.Fatalf("subscribed to %v, want %s", answer, name)
	}
	return answer
}

// event sends an event.
func (s *pusherSocket) event(event, name string, data any) {
	s.tb.Helper()
	frame := map[string]any{"event": event, "data": data}
	if name != "" {
		frame["channel"] = name
	}
	text, err := json.Marshal(frame)
	if err != nil {
		s.tb.Fatal(err)
	}
	s.send(string(text))
}
