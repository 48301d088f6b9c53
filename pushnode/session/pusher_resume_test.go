package session_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/session"
)

// resuming opens a socket of Pusher's whose client resumes.
func (h *house) resuming() *pusherSocket {
	h.tb.Helper()
	s := h.dialPusher("/app/abc?protocol=7&client=js&version=8.6.0&halley=1")
	s.id = s.wantEvent("pusher:connection_established").data(h.tb).text("socket_id")
	return s
}

// goOn asks for a channel behind a position. earlier are former ids of the client.
func (s *pusherSocket) goOn(name, since string, earlier ...string) {
	s.tb.Helper()
	s.event("pusher:subscribe", "", map[string]any{
		"channel": name, "auth": "", "halley": map[string]string{"since": since, "earlier": strings.Join(earlier, ",")},
	})
}

// at is where a frame says that it stands.
func (o object) at() string {
	more, _ := o["halley"].(map[string]any)
	return object(more).text("at")
}

// A client that comes back gets what it missed, each event once, and not what it was excluded from as who it was.
func TestPusherResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *session.Config, n *node) { n.rule.Retention.Messages, n.rule.Retention.Bytes = 1000, 1<<30 })
		first := h.resuming()
		begun := first.subscribe("news", "").at()
		h.publish(t, "news", "one")
		h.publish(t, "news", "two")
		if one := first.wantData("message", "one").at(); one == "" || one == begun {
			t.Errorf("begun at %q, the event is at %q", begun, one)
		}
		known := first.wantData("message", "two").at()
		h.publishBut(t, "news", "its own", first.id)
		first.hangUp()
		for i := range 300 { // pages of them
			h.publishBut(t, "news", long(i), map[bool]string{true: first.id}[i%7 == 0])
		}
		second := h.resuming()
		second.goOn("news", known, "1.2", first.id)
		if at := second.wantEvent("pusher_internal:subscription_succeeded").at(); at != known {
			t.Errorf("goes on at %q, want %q", at, known)
		}
		h.publish(t, "news", "last")
		for i := range 300 {
			if i%7 != 0 {
				second.wantData("message", long(i))
			}
		}
		second.wantData("message", "last")
		second.wantNothing()
	})
}

func TestPusherIsToldOfGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.resuming()
		h.publish(t, "news", "one")
		s.goOn("news", "3k9f0-0-7:4")
		begun := s.wantEvent("pusher_internal:subscription_succeeded").at()
		gap := s.wantEvent("halley:gap")
		if gap.text("channel") != "news" || gap.data(t).text("reason") == "" || gap.at() != begun {
			t.Errorf("begun at %q, the gap is %v", begun, gap)
		}
		for _, since := range []string{"x", "1-0-1", "1-0-1:x"} {
			s.goOn("other", since)
			s.wantRefusal("other", 400)
		}
	})
}

// A cache channel that is gone on with does not repeat the event that it holds.
func TestPusherResumesCacheChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.resuming()
		s.subscribe("cache-a", "")
		s.wantEvent("pusher:cache_miss")
		h.publish(t, "cache-a", "one")
		known := s.wantData("message", "one").at()
		s.hangUp()
		s = h.resuming()
		s.goOn("cache-a", known)
		s.wantEvent("pusher_internal:subscription_succeeded")
		s.wantNothing()
		fresh := h.resuming()
		fresh.subscribe("cache-a", "")
		if held := fresh.wantData("message", "one"); held["halley"] != nil {
			t.Errorf("what is held would move the client back: %v", held)
		}
	})
}

// Who subscribes is given the last few events again where the app wants that, and can tell them from others.
func TestPusherRewinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *session.Config, n *node) { n.pushers["abc"] = session.PusherApp{AppID: testApp, Rewind: 2} })
		for _, text := range []string{"one", "two", "three"} {
			h.publish(t, "news", text)
			h.publish(t, "cache-a", text)
		}
		s := h.pusher()
		s.subscribe("news", "")
		h.publish(t, "news", "four")
		for _, text := range []string{"two", "three", "four"} {
			more, _ := s.wantData("message", text)["halley"].(map[string]any)
			if rewound := more["rewound"] == true; rewound != (text != "four") {
				t.Errorf("%s is with %v", text, more)
			}
		}
		s.subscribe("cache-a", "")
		s.wantData("message", "three")
		s.wantNothing()
		pass(time.Second)
		resuming := h.resuming()
		known := resuming.subscribe("news", "").at()
		resuming.wantData("message", "three")
		resuming.wantData("message", "four")
		again := h.resuming()
		again.goOn("news", known) // before the rewound
		again.wantEvent("pusher_internal:subscription_succeeded")
		again.wantData("message", "three")
	})
}
