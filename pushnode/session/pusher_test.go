package session_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"halley/pushnode/channel"
	"halley/pushnode/session"
	"halley/pushnode/wire"
)

func TestPusherReceives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.dialPusher("/app/abc?protocol=7&client=js&version=8.6.0&flash=false&whatever=1")
		established := s.wantEvent("pusher:connection_established").data(t)
		if !regexp.MustCompile(`^\d+\.\d+$`).MatchString(established.text("socket_id")) || established.number("activity_timeout") != 30 {
			t.Errorf("established as %v", established)
		}
		h.publish(t, "news", "before")
		s.subscribe("news", "")
		h.publish(t, "other", "foreign")
		h.publishData(t, "news", "greeting", `{"a": 1.0}`)
		h.publish(t, "news", "two")
		if got := s.wantData("greeting", `{"a": 1.0}`); got.text("channel") != "news" {
			t.Errorf("the event is %v", got)
		}
		s.wantData("message", "two")
		s.event("pusher:unsubscribe", "", map[string]string{"channel": "news"})
		s.wantNothing()
		h.publish(t, "news", "three")
		s.wantNothing()
		s.subscribe("news", "")
		h.publish(t, "news", "four")
		s.wantData("message", "four")
		synctest.Wait()
		if got := h.meter.delivered(); got != 3 {
			t.Errorf("%d messages were metered, want 3", got)
		}
	})
}

// What a client gets in one write is whole frames, in order, and not what is excluded or pretends to be the protocol's own.
func TestPusherReceivesMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, other := h.pusher(), h.pusher()
		s.subscribe("news", "")
		other.subscribe("news", "")
		h.set(func() { h.held = true })
		h.publish(t, "news", "one")
		h.publishData(t, "news", "pusher:error", `{"code":4001}`)
		h.publishData(t, "news", "pusher_internal:member_added", `{}`)
		h.publish(t, "news", "two")
		h.set(func() { h.held = false })
		for _, one := range []*pusherSocket{s, other} {
			one.wantData("message", "one")
			one.wantData("message", "two")
			one.wantNothing()
		}
		h.publishBut(t, "news", "three", s.id)
		other.wantData("message", "three")
		s.wantNothing()
	})
}

func TestPusherRefusesConnections(t *testing.T) {
	for name, test := range map[string]struct {
		path string
		code int64
	}{
		"unknown key":        {"/app/xyz?protocol=7", 4001},
		"no key":             {"/app/?protocol=7", 4005},
		"longer path":        {"/app/abc/def?protocol=7", 4005},
		"no number":          {"/app/abc?protocol=seven", 4006},
		"old protocol":       {"/app/abc?protocol=3", 4007},
		"protocol to come":   {"/app/abc?protocol=8", 4007},
		"no protocol":        {"/app/abc?version=8.6.0", 4008},
		"native credentials": {"/app/hl_pk_a?protocol=7", 4001},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t, nil).dialPusher(test.path)
				s.wantError(test.code)
				s.wantClose(int(test.code))
			})
		})
	}
}

// Refusals of the node have the numbers that keep clients from what would do harm.
func TestPusherIsRefusedByTheNode(t *testing.T) {
	for name, test := range map[string]struct {
		refused wire.Code
		code    int64
	}{
		"over capacity":        {wire.CodeOverCapacity, 4100},
		"too many connections": {wire.CodeTooManyConnections, 4004},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t, func(_ *session.Config, n *node) { n.refused = wire.NewError(test.refused) }).dialPusher("/app/abc?protocol=7")
				s.wantError(test.code)
				s.wantClose(int(test.code))
			})
		})
	}
}

func TestPusherAddressAsksForAWebSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		response := h.request(http.MethodGet, "/app/abc?protocol=7", nil, "")
		_ = response.Body.Close()
		if response.StatusCode != http.StatusUpgradeRequired {
			t.Errorf("answered %d", response.StatusCode)
		}
	})
}

func TestPusherOrigins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *session.Config, n *node) { n.app.Origins = []string{"https://example.com"} })
		h.pusher() // not from a page
		ctx, header := t.Context(), http.Header{"Origin": {"https://evil.example"}}
		conn, _, err := websocket.Dial(ctx, "ws://halley/app/abc?protocol=7", &websocket.DialOptions{HTTPClient: h.client, HTTPHeader: header})
		if err != nil {
			t.Fatal(err)
		}
		s := &pusherSocket{socket: &socket{tb: t, conn: conn}}
		s.wantError(4009)
		s.wantClose(4009)
	})
}

// A malformed frame is answered, and harms nobody.
func TestPusherSurvivesBadFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.pusher()
		for _, frame := range []string{
			``, `{`, `null`, `[]`, `{"event":"pusher:subscribe"}`, `{"event":"pusher:subscribe","data":"x"}`, `{"event":7}`,
			`{"event":"pusher:signup","data":{}}`, `{"event":"greeting","channel":"news"}`, `{"event":"pusher:unsubscribe","data":{}}`,
			`{"event":"pusher:unsubscribe","data":{"channel":"news"}}`, `{"event":"x","data":` + strings.Repeat("[", 12_000) + `}`,
		} {
			s.send(frame)
			s.wantError(0)
		}
		s.send(`{"event":"client-x","channel":"private-a","data":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`)
		s.wantError(4301) // not subscribed
		s.send(`{"event":"pusher:pong"}`)
		s.wantNothing()
		s.write(websocket.MessageBinary, "x")
		s.wantClose(4013)
	})
}

func TestPusherRefusesSubscriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *session.Config, n *node) {
			n.app.ChannelsPerConnection = 2
			n.denied = []string{"subscribe:secret"}
		})
		s := h.pusher()
		for name, status := range map[string]int64{"": 400, "a b": 400, "a:b": 400, "#server-to-user-1": 401, "#online-1": 400, "private-a": 401, "secret": 403} {
			s.event("pusher:subscribe", "", map[string]string{"channel": name})
			s.wantRefusal(name, status)
		}
		for _, auth := range []string{"abc", "abc:", "abc:00", "xyz:" + strings.Repeat("0", 64), ":"} {
			s.event("pusher:subscribe", "", map[string]string{"channel": "private-encrypted-a", "auth": auth})
			s.wantRefusal("private-encrypted-a", 401)
		}
		s.ask("presence-a", "")
		s.wantRefusal("presence-a", 400)
		s.ask("presence-a", `{"user_info":1}`)
		s.wantRefusal("presence-a", 400)
		s.ask("presence-a", `{"user_id":1,"user_info":"`+strings.Repeat("x", 1023)+`"}`)
		if fault := s.wantRefusal("presence-a", 4301); fault.text("type") != "LimitReached" {
			t.Errorf("refused as %v", fault)
		}
		s.ask(strings.Repeat("a", 201), "")
		if fault := s.wantRefusal(strings.Repeat("a", 201), 4009); fault.text("type") != "LimitReached" {
			t.Errorf("refused as %v", fault)
		}
		s.subscribe("a", "")
		s.subscribe("privateer", "")
		s.event("pusher:subscribe", "", map[string]string{"channel": "a"})
		s.wantError(0)
		s.ask("b", "")
		if fault := s.wantRefusal("b", 403); fault.text("type") != "LimitReached" {
			t.Errorf("refused as %v", fault)
		}
		h.publish(t, "a", "once")
		s.wantData("message", "once")
		s.wantNothing()
	})
}

// A signature holds for one connection, one channel and one text of data, on private channels too.
func TestPusherSignatures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, other := h.pusher(), h.pusher()
		s.subscribe("private-a", `{"anything":1}`)
		s.subscribe("private-encrypted-a", "")
		other.id = s.id
		other.ask("private-a", "")
		other.wantRefusal("private-a", 401)
		h.publish(t, "private-a", "hello")
		s.wantData("message", "hello")
	})
}

// A client that says nothing is asked, and is gone if it does not answer: but never before twice the time that it was told.
func TestPusherActivity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.pusher()
		s.subscribe("news", "")
		begun := time.Now()
		for range 2 { // that it receives says nothing
			pass(10 * time.Second)
			h.publish(t, "news", "x")
			s.wantData("message", "x")
		}
		s.wantEvent("pusher:ping") // the library answers that of RFC 6455
		if at := time.Since(begun); at != 35*time.Second {
			t.Errorf("asked after %v, want 35s", at)
		}
		s.wantEvent("pusher:ping")
		if at := time.Since(begun); at != 70*time.Second {
			t.Errorf("asked again after %v, want 1m10s", at)
		}
		for range 3 { // who asks is not asked
			pass(30 * time.Second)
			s.wantNothing()
		}
	})
}

func TestPusherSilenceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		begun := time.Now()
		r := h.rawConnectTo("/app/abc?protocol=7")
		for _, want := range []wire.Opcode{wire.OpcodeText, wire.OpcodePing, wire.OpcodeText, wire.OpcodeText} {
			if opcode, payload := r.frame(); opcode != want {
				t.Fatalf("got %x %s, want %x", opcode, payload, want)
			}
		}
		if opcode, payload := r.frame(); opcode != wire.OpcodeClose || int(payload[0])<<8|int(payload[1]) != 4201 {
			t.Errorf("got %x %s, want a close with 4201", opcode, payload)
		}
		if at := time.Since(begun); at != 65*time.Second {
			t.Errorf("closed after %v, want 1m5s", at)
		}
	})
}

// Clients are told to come back now, one after the other, where the node goes away.
func TestPusherDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		var clients []*pusherSocket
		for range 10 {
			clients = append(clients, h.pusher())
		}
		begun := time.Now()
		drained := make(chan error, 1)
		go func() { drained <- h.server.Drain(t.Context()) }()
		for _, s := range clients {
			s.wantClose(4200)
		}
		if err := <-drained; err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took < 20*time.Millisecond {
			t.Errorf("all were closed after %v", took)
		}
	})
}

// Where a node is cut off it sends them away as one that is drained does, and lives on.
func TestPusherIsShed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		var clients []*pusherSocket
		for range 10 {
			clients = append(clients, h.pusher())
		}
		begun := time.Now()
		h.server.Shed(wire.NewError(wire.CodeDraining))
		if took := time.Since(begun); took > 0 {
			t.Errorf("the node waited for %v", took)
		}
		for _, s := range clients {
			s.wantClose(4200)
		}
		if took := time.Since(begun); took < 20*time.Millisecond {
			t.Errorf("all were closed after %v", took)
		}
		h.pusher().subscribe("news", "")
	})
}

// A key that is revoked, and an app that is switched off, end connections; a rule that makes a channel private ends its subscriptions.
func TestPusherIsLookedAtAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.pusher()
		s.subscribe("news", "")
		s.subscribe("private-news", "")
		h.set(func() { h.denied = []string{"subscribe:news"} })
		h.server.Recheck(testApp)
		s.wantRefusal("news", 403)
		h.publish(t, "private-news", "still")
		s.wantData("message", "still")
		h.set(func() { h.pushers = nil })
		h.server.Recheck(testApp)
		s.wantError(4001)
		s.wantClose(4001)
	})
}

// A session of Pusher's is ended as any other.
func TestPusherIsDisconnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.pusher()
		ended := h.server.Disconnect(t.Context(), testApp, "", s.id, wire.NewError(wire.CodeDisconnected))
		if len(ended) != 1 {
			t.Errorf("ended %v", ended)
		}
		s.wantError(4009)
		s.wantClose(4009)
	})
}

// What cannot be done just now ends the connection: a client of Pusher's does not ask twice.
func TestPusherComesBackForWhatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.pusher()
		h.set(func() { h.failing = wire.NewError(wire.CodeUnavailable) })
		s.ask("news", "")
		s.wantError(4101)
		s.wantClose(4101)
		synctest.Wait()
		if got := h.server.Occupancy(channel.ID{App: testApp, Name: "news"}); got != (session.Occupancy{}) {
			t.Errorf("left %+v behind", got)
		}
	})
}

// Over real sockets, plain and by TLS, the same is said, and nothing is left when the client is gone.
func TestPusherOverRealSockets(t *testing.T) {
	t.Parallel()
	h, web := openTLS(t, false, func(c *session.Config, _ *node) { c.ActivityTimeout, c.Compression = time.Second, true })
	for address, client := range map[string]*http.Client{"ws://halley": h.client, web.URL: web.Client()} {
		s := h.dialPusherAt(address+"/app/abc?protocol=7", client)
		s.id = s.wantEvent("pusher:connection_established").data(t).text("socket_id")
		s.subscribe("presence-room", `{"user_id":"ann"}`)
		for i := range 20 {
			h.publish(t, "presence-room", long(i))
			for {
				if frame := s.next(); frame.text("event") == "message" {
					if frame.text("data") != long(i) {
						t.Fatalf("message %d is another", i)
					}
					break
				}
			}
		}
		s.hangUp()
	}
	h.gone()
}
