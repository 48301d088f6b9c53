package session_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/session"
)

// counting is an app whose subscribers are told how many there are.
func counting(_ *session.Config, n *node) {
	app := n.pushers["abc"]
	app.SubscriptionCounts = true
	n.pushers["abc"] = app
}

// wantCount is the next frame, which must be that number.
func (s *pusherSocket) wantCount(count int) {
	s.tb.Helper()
	s.wantData("pusher_internal:subscription_count", fmt.Sprintf(`{"subscription_count":%d}`, count))
}

func TestPusherCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, counting)
		s, other := h.pusher(), h.pusher()
		s.subscribe("news", "")
		s.wantCount(1)
		other.subscribe("news", "")
		for _, one := range []*pusherSocket{s, other} {
			one.wantCount(2)
		}
		native, _ := h.login("")
		native.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
		s.wantCount(3)
		h.publish(t, "news", "hello")
		native.wantMessage("hello")
		s.wantData("message", "hello")
		other.hangUp()
		s.wantCount(2)
		h.set(func() { h.strangers = 10 })
		s.wantCount(12)
		s.event("pusher:unsubscribe", "", map[string]string{"channel": "news"})
		pass(10 * time.Second)
		s.wantNothing()
		s.subscribe("presence-news", `{"user_id":1}`)
		pass(10 * time.Second)
		s.wantNothing()
	})
}

// Where somebody comes or goes all the time, somewhere, all are told nonetheless.
func TestPusherCountsWhereItNeverRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, counting)
		s, restless := h.pusher(), h.pusher()
		s.subscribe("news", "")
		s.wantCount(1)
		h.pusher().subscribe("news", "")
		for range 100 {
			restless.ask("busy", "")
			pass(20 * time.Millisecond)
			restless.event("pusher:unsubscribe", "", map[string]string{"channel": "busy"})
			pass(20 * time.Millisecond)
		}
		s.send(`{"event":"pusher:ping","data":{}}`)
		s.wantCount(2)
	})
}

// Of a large channel nobody is told more often than every five seconds.
func TestPusherCountsOfLargeChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, counting)
		h.set(func() { h.strangers = 1000 })
		s := h.pusher()
		s.subscribe("news", "")
		s.wantCount(1001)
		begun := time.Now()
		h.pusher().subscribe("news", "")
		s.wantCount(1002)
		if took := time.Since(begun); took < 4*time.Second || took > 6*time.Second {
			t.Errorf("told again after %v, want about 5s", took)
		}
	})
}

// Switched off, nobody is told any more; what cannot be read is read later.
func TestPusherCountsMayFailAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, counting)
		s := h.pusher()
		s.subscribe("news", "")
		s.wantCount(1)
		h.set(func() { h.failing = fmt.Errorf("nobody leads"); h.strangers = 1 })
		pass(10 * time.Second)
		s.wantNothing()
		h.set(func() { h.failing = nil })
		s.wantCount(2)
		h.set(func() { h.pushers["abc"] = session.PusherApp{AppID: testApp} })
		h.server.Recheck(testApp)
		synctest.Wait()
		h.set(func() { h.strangers = 5 })
		pass(10 * time.Second)
		s.wantNothing()
		h.set(func() { h.pushers["abc"] = session.PusherApp{AppID: testApp, SubscriptionCounts: true} })
		h.server.Recheck(testApp)
		s.wantCount(6)
	})
}

// However many come one after the other, what changes is told meanwhile.
func TestPusherCountsAreNotPutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, counting)
		s := h.pusher()
		s.subscribe("news", "")
		s.wantCount(1)
		begun := time.Now()
		for range 100 {
			pass(20 * time.Millisecond)
			h.pusher().subscribe("news", "")
		}
		if s.wantEvent("pusher_internal:subscription_count"); time.Since(begun) > 2*time.Second {
			t.Errorf("told after %v", time.Since(begun))
		}
		if count := s.wantEvent("pusher_internal:subscription_count").data(t).number("subscription_count"); count == 101 {
			t.Error("nothing was told while others came")
		}
	})
}
