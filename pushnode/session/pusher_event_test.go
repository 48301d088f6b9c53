package session_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/session"
	"halley/pushnode/wire"
)

func TestPusherClientEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		ann, second, bob := h.pusher(), h.pusher(), h.pusher()
		for _, s := range []*pusherSocket{ann, second} {
			s.subscribe("presence-room", `{"user_id":1}`)
		}
		bob.subscribe("presence-room", `{"user_id":"bob"}`)
		ann.wantEvent("pusher_internal:member_added")
		second.wantEvent("pusher_internal:member_added")
		native, _ := h.login("")
		native.ask(`{"op":"subscribe","ref":1,"channel":"presence-room"}`)

		ann.send(`{"event":"client-typing","channel":"presence-room","data":{"a": 1.0},"user_id":"bob"}`)
		for _, s := range []*pusherSocket{second, bob} {
			if got := s.wantData("client-typing", `{"a": 1.0}`); got.text("user_id") != "1" || got.text("channel") != "presence-room" {
				t.Errorf("relayed as %v", got)
			}
		}
		if got := native.want("message"); got.text("event") != "client-typing" || got.text("client_id") != "1" {
			t.Errorf("a native client gets %v", got)
		}
		ann.send(`{"event":"client-typing","channel":"presence-room","data":"plain \"text\""}`)
		bob.wantData("client-typing", `plain "text"`)
		ann.wantNothing()
	})
}

// On a private channel nobody is told who sent a client event.
func TestPusherClientEventsOfPrivateChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, other := h.pusher(), h.pusher()
		s.subscribe("private-room", "")
		other.subscribe("private-room", "")
		s.event("client-x", "private-room", nil)
		if got := other.wantData("client-x", "null"); got["user_id"] != nil {
			t.Errorf("relayed as %v", got)
		}
		h.publishData(t, "private-room", "client-y", `"by a server"`)
		s.wantData("client-y", "by a server")
	})
}

func TestPusherClientEventsAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *session.Config, n *node) {
			n.pushers["def"] = session.PusherApp{AppID: testApp, EventBytes: 10 << 10}
		})
		s := h.pusher()
		for _, name := range []string{"room", "private-room", "private-encrypted-room"} {
			s.subscribe(name, "")
		}
		for name, frame := range map[string][3]string{
			"public":         {"client-x", "room", ""},
			"encrypted":      {"client-x", "private-encrypted-room", ""},
			"not subscribed": {"client-x", "private-other", ""},
			"long name":      {"client-" + strings.Repeat("x", 194), "private-room", ""},
			"too much":       {"client-x", "private-room", strings.Repeat("x", 10<<10+1)},
		} {
			s.event(frame[0], frame[1], frame[2])
			if fault := s.wantError(4301); fault.text("message") == "Client event rejected due to rate limit" {
				t.Errorf("%s: refused as %v", name, fault)
			}
		}
		s.event("client-x", "private-room", strings.Repeat("x", 10<<10))
		s.wantNothing()
		for _, event := range []string{"pusher:x", "pusher_internal:member_added", "greeting", "not-client-x"} {
			s.event(event, "private-room", "")
			s.wantError(0)
		}
		off := h.dialPusher("/app/def?protocol=7")
		off.id = off.wantEvent("pusher:connection_established").data(t).text("socket_id")
		off.subscribe("private-room", "")
		off.event("client-x", "private-room", "")
		off.wantError(4301)
		s.wantNothing()
	})
}

// A connection may publish ten client events a second: more are refused, and the connection lives.
func TestPusherClientEventRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, other := h.pusher(), h.pusher()
		s.subscribe("private-room", "")
		other.subscribe("private-room", "")
		for range 2 {
			for range 10 {
				s.event("client-x", "private-room", "")
				other.wantEvent("client-x")
			}
			s.event("client-x", "private-room", "")
			if fault := s.wantError(4301); fault.text("message") != "Client event rejected due to rate limit" {
				t.Errorf("refused as %v", fault)
			}
			other.wantNothing()
			pass(time.Second)
		}
	})
}

// What the node refuses is told as an error of the connection, which lives.
func TestPusherClientEventsTheNodeRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.pusher()
		s.subscribe("private-room", "")
		h.set(func() { h.denied = []string{"publish:private-room"} })
		s.event("client-x", "private-room", "")
		s.wantError(int64(wire.CodeDenied))
		s.wantNothing()
	})
}
