package pushnode_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"halley/tenant"
)

// pusherSocket is a client of Pusher's, which reads all that comes at once.
type pusherSocket struct {
	*socket
	app *pusherApp
	id  string

	mu     sync.Mutex
	frames []object      // guarded by mu: what came and was not asked for
	closed int           // guarded by mu: the code of the close; 0: it is open
	came   chan struct{} // one token: something came
}

// dial connects a client to a node.
func (p *pusherApp) dial(t testing.TB, at *node) *pusherSocket {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	address := at.URL + "/app/" + p.Key + "?protocol=7&client=js&version=8.6.0&flash=false"
	conn, _, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPClient: at.client})
	if err != nil {
		t.Fatal(err)
	}
	s := &pusherSocket{socket: &socket{tb: t, conn: conn}, app: p, came: make(chan struct{}, 1)}
	var reading sync.WaitGroup
	t.Cleanup(func() {
		_ = conn.CloseNow()
		reading.Wait()
	})
	reading.Go(s.listen)
	s.id = decode(t, []byte(s.await("pusher:connection_established").text("data"))).text("socket_id")
	return s
}

func (s *pusherSocket) listen() {
	for {
		_, data, err := s.conn.Read(context.WithoutCancel(s.tb.Context()))
		s.mu.Lock()
		var frame object
		switch {
		case err != nil:
			s.closed = max(int(websocket.CloseStatus(err)), 1)
		case json.Unmarshal(data, &frame) != nil || frame.text("event") == "":
			s.tb.Errorf("%s is no frame", data)
		case frame.text("event") != "pusher:ping":
			s.frames = append(s.frames, frame)
		}
		s.mu.Unlock()
		select {
		case s.came <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// await returns the next event of that name, and forgets those before it.
func (s *pusherSocket) await(event string) object {
	s.tb.Helper()
	late := time.After(patience)
	for {
		s.mu.Lock()
		for len(s.frames) > 0 {
			frame := s.frames[0]
			s.frames = s.frames[1:]
			if frame.text("event") == event {
				s.mu.Unlock()
				return frame
			}
		}
		closed := s.closed
		s.mu.Unlock()
		if closed != 0 {
			s.tb.Fatalf("closed with %d, want %s", closed, event)
		}
		select {
		case <-s.came:
		case <-late:
			s.tb.Fatalf("no %s came", event)
		}
	}
}

// awaitClose waits until the server closes, and returns its code.
func (s *pusherSocket) awaitClose() int {
	s.tb.Helper()
	late := time.After(patience)
	for {
		s.mu.Lock()
		closed := s.closed
		s.mu.Unlock()
		if closed != 0 {
			return closed
		}
		select {
		case <-s.came:
		case <-late:
			s.tb.Fatal("it is open")
		}
	}
}

// waiting is what came and was not asked for, each as event and data.
func (s *pusherSocket) waiting() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, frame := range s.frames {
		all = append(all, strings.TrimPrefix(frame.text("event"), "pusher_internal:")+" "+frame.text("data"))
	}
	s.frames = nil
	return strings.Join(all, "\n")
}

// subscribe subscribes to a channel, as who on a presence channel, and returns the answer.
func (s *pusherSocket) subscribe(name, who string) object {
	s.tb.Helper()
	fields := map[string]string{"channel": name}
	if who != "" {
		fields["channel_data"] = fmt.Sprintf(`{"user_id":%q}`, who)
	}
	if strings.HasPrefix(name, "private-") || strings.HasPrefix(name, "presence-") {
		text := s.id + ":" + name
		if who != "" {
			text += ":" + fields["channel_data"]
		}
		fields["auth"] = s.app.Key + ":" + s.app.mac(text)
	}
	s.say("pusher:subscribe", "", fields)
	return s.await("pusher_internal:subscription_succeeded")
}

// say sends an event.
func (s *pusherSocket) say(event, name string, data any) {
	s.tb.Helper()
	frame := object{"event": event, "data": data}
	if name != "" {
		frame["channel"] = name
	}
	s.send(string(must(json.Marshal(frame))(s.tb)))
}

// settings changes how the app speaks Pusher's protocol.
func (p *pusherApp) settings(t testing.TB, change func(*tenant.PusherSettings)) {
	t.Helper()
	change(&p.PusherSettings)
	p.changed(t, func() error { return p.node.Store.SetPusher(t.Context(), p.scope(), p.id, p.PusherSettings) })
}

// A client of Pusher's, the signed API and native clients meet in the same channels of an app.
func TestPusherSocket(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	a := n.newApp(t, "a", nil).pusher(t)
	a.settings(t, func(s *tenant.PusherSettings) { s.ClientEvents, s.SubscriptionCounts = true, true })
	s, other := a.dial(t, n), a.dial(t, n)
	s.subscribe("news", "")
	other.subscribe("news", "")
	if got := s.await("pusher_internal:subscription_count"); got.text("data") == "" {
		t.Errorf("counted as %v", got)
	}
	native, _ := n.dial(t, a.publishable)
	native.ask("subscribe", `"channel":"news"`).expect(t, "subscribe", "", "")

	a.trigger(t, `{"name":"greet","channels":["news"],"data":"{\"a\": 1.0}","socket_id":"`+other.id+`"}`)
	a.publish(t, "news", object{"b": 2})
	if got := s.await("greet"); got.text("data") != `{"a": 1.0}` {
		t.Errorf("the event is %v", got)
	}
	for _, one := range []*pusherSocket{s, other} {
		if got := one.await("message"); got.text("data") != `{"b":2}` {
			t.Errorf("the event is %v", got)
		}
	}
	if got := native.message(); got.text("event") != "greet" || got.in("data").number("a") != 1 {
		t.Errorf("a native client gets %v", got)
	}
	s.subscribe("presence-room", "ann")
	if got := a.call(t, http.MethodGet, "/v1/channels/presence-room/presence", ""); !strings.Contains(got.Text, `"client_id":"ann"`) {
		t.Errorf("native clients see %s", got.Text)
	}
	a.trigger(t, `{"name":"last","channels":["cache-x"],"data":"1"}`)
	s.subscribe("cache-x", "")
	if got := s.await("last"); got.text("data") != "1" {
		t.Errorf("cached is %v", got)
	}
}

// Who may not connect any more is not connected any more, within the time that a change takes to reach a node.
func TestPusherSocketEnds(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	a, b := n.newApp(t, "a", nil).pusher(t), n.newApp(t, "b", nil).pusher(t)
	s, other := a.dial(t, n), b.dial(t, n)
	other.subscribe("news", "")
	a.changed(t, func() error { return n.Store.SwitchPusher(t.Context(), a.scope(), a.id, false) })
	if code := s.awaitClose(); code != 4001 {
		t.Errorf("closed with %d when the app was switched off for Pusher", code)
	}
	b.changed(t, func() error {
		return n.Store.UpdateApp(t.Context(), b.scope(), b.id, tenant.AppForm{Name: "off", Disabled: true})
	})
	if code := other.awaitClose(); code != 4003 {
		t.Errorf("closed with %d when the app was switched off", code)
	}
}

// Where a presence channel is full, who is there already may come in by another socket: the one before may not be gone yet.
func TestPusherComesBackToAFullChannel(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	a := n.newApp(t, "a", tenant.Overrides{tenant.LimitPresenceMembers: 2}).pusher(t)
	for _, who := range []string{"ann", "bob", "ann", "bob"} {
		if got := a.dial(t, n).subscribe("presence-room", who); !strings.Contains(got.text("data"), `"`+who+`"`) {
			t.Errorf("%s is told %v", who, got)
		}
	}
	for _, who := range []string{"cara", "ann"} { // a stranger, and one too many
		s := a.dial(t, n)
		data := fmt.Sprintf(`{"user_id":%q}`, who)
		s.say("pusher:subscribe", "", object{
			"channel": "presence-room", "channel_data": data, "auth": a.Key + ":" + a.mac(s.id+":presence-room:"+data),
		})
		got := s.await("pusher:subscription_error").in("data")
		if got.number("status") != 4004 || !strings.Contains(got.text("error"), "presence_members of 2") {
			t.Errorf("%s is answered %v", who, got)
		}
	}
}

// A signature by another app's key is none, whatever it signs.
func TestPusherSocketOfAnotherApp(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	a, b := n.newApp(t, "a", nil).pusher(t), n.newApp(t, "b", nil).pusher(t)
	s := a.dial(t, n)
	s.say("pusher:subscribe", "", object{"channel": "private-x", "auth": b.Key + ":" + b.mac(s.id+":private-x")})
	if got := s.await("pusher:subscription_error").in("data"); got.number("status") != 401 {
		t.Errorf("answered %v", got)
	}
	s.subscribe("private-x", "")
	b.trigger(t, `{"name":"theirs","channels":["private-x"],"data":"1"}`)
	a.trigger(t, `{"name":"ours","channels":["private-x"],"data":"1"}`)
	s.await("ours")
}

// While keys are rolled, what the app's server signs by the new one lets in who connected by the old, which closes when that is revoked.
func TestPusherSocketWhileKeysAreRolled(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	first := n.newApp(t, "a", nil).pusher(t)
	first.changed(t, func() error {
		_, err := n.Store.AddPusherKey(t.Context(), first.scope(), first.id)
		return err
	})
	second := *first
	second.Pusher = must(n.Directory.PusherOf(first.id))(t)
	old, fresh := first.dial(t, n), second.dial(t, n)
	for _, s := range []*pusherSocket{old, fresh} {
		s.app = &second // its server has the new key
		s.subscribe("private-x", "")
	}
	first.changed(t, func() error { return n.Store.RevokePusherKey(t.Context(), first.scope(), first.id, first.Key) })
	if code := old.awaitClose(); code != 4001 {
		t.Errorf("closed with %d", code)
	}
	second.trigger(t, `{"name":"news","channels":["private-x"],"data":"1"}`)
	fresh.await("news")
}
