package session_test

import (
	"testing"
	"testing/synctest"

	"halley/pushnode/channel"
	"halley/pushnode/session"
)

func TestPusherCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.pusher()
		s.subscribe("cache-news", "")
		if got := s.wantEvent("pusher:cache_miss"); got.text("channel") != "cache-news" || got["data"] != nil {
			t.Errorf("a miss is told as %v", got)
		}
		h.publishData(t, "cache-news", "one", `1`)
		h.publishData(t, "cache-news", "two", `{"n": 2}`)
		s.wantData("one", "1")
		s.wantData("two", `{"n": 2}`)
		later := h.pusher()
		later.subscribe("cache-news", "")
		later.wantData("two", `{"n": 2}`)
		later.wantNothing()
		h.publishData(t, "cache-news", "three", `3`)
		later.wantData("three", "3")
	})
}

// What clients publish is no last event, and public channels have none.
func TestPusherCachesEventsOfServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.pusher()
		s.subscribe("private-cache-room", "")
		s.wantEvent("pusher:cache_miss")
		h.publishData(t, "private-cache-room", "news", `1`)
		s.wantEvent("news")
		s.event("client-x", "private-cache-room", "")
		s.wantNothing() // it has been published
		h.publishAs(t, session.Publish{Channel: "private-cache-room", Event: "chat", Data: []byte(`2`), ClientID: "cara"})
		s.wantEvent("chat")
		h.publish(t, "plain", "x")
		later := h.pusher()
		later.subscribe("private-cache-room", "")
		later.wantData("news", "1")
		later.subscribe("plain", "")
		later.wantNothing()
	})
}

// Of a channel that keeps many events no more is read than its new subscriber is told.
func TestPusherCacheReadsLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		for range 50 {
			h.publishData(t, "cache-news", "old", `1`)
		}
		h.publishData(t, "cache-news", "new", `2`)
		s := h.pusher()
		s.subscribe("cache-news", "")
		s.wantData("new", "2")
		h.set(func() {
			if h.looked != 1 {
				t.Errorf("%d publications were read, want 1", h.looked)
			}
		})
	})
}

// An event that is published while a client subscribes comes once.
func TestPusherCacheAndStreamMeet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		h.publishData(t, "presence-cache-room", "one", `1`)
		once := false
		h.set(func() {
			h.after = func(what string) {
				if what == "members" && !once { // the place where the stream begins has been read
					once = true
					h.publishData(t, "presence-cache-room", "two", `2`)
				}
			}
		})
		s := h.pusher()
		s.subscribe("presence-cache-room", `{"user_id":"ann"}`)
		s.wantData("one", "1")
		s.wantData("two", "2")
		s.wantNothing()
	})
}

// Where history keeps nothing, nothing is cached.
func TestPusherCacheIsHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *session.Config, n *node) { n.rule.Retention = channel.Retention{} })
		h.publishData(t, "cache-news", "one", `1`)
		s := h.pusher()
		s.subscribe("cache-news", "")
		s.wantEvent("pusher:cache_miss")
	})
}
