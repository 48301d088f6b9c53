package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/channel"
)

// told is what the node was told last of a channel of policy block.
func (h *house) told() int {
	queued, _ := h.congested.Load("news")
	count, _ := queued.(int)
	return count
}

// congest publishes for a reader that reads nothing, until the node is told so. No time passes.
func congest(t *testing.T) (h *house, s *socket, published int) {
	t.Helper()
	h, s = stalled(t, channel.PolicyBlock, 100)
	for published = 1; h.told() == 0; published++ {
		if published == 60 {
			t.Fatal("60 messages wait for who reads none, and nothing is told")
		}
		h.publishMany(published, published)
	}
	return h, s, published
}

// TestCongestionIsTold has a reader stall and go on.
func TestCongestionIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s, published := congest(t)
		time.Sleep(time.Second)
		if h.told() == 0 {
			t.Error("it is said to be over while nothing was read")
		}
		for range published {
			s.want("message")
		}
		time.Sleep(time.Second)
		if h.told() != 0 {
			t.Errorf("%d messages are said to wait for who has read all", h.told())
		}
	})
}

// TestCongestionEndsWithItsCause has the reader go away, and the rule change.
func TestCongestionEndsWithItsCause(t *testing.T) {
	for name, end := range map[string]func(h *house, s *socket){
		"the reader leaves": func(_ *house, s *socket) { s.hangUp() },
		"the policy changes": func(h *house, _ *socket) {
			h.set(func() { h.rule.Policy = channel.PolicyResume })
			h.server.Recheck(testApp)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, s, _ := congest(t)
				end(h, s)
				time.Sleep(2 * time.Second)
				if h.told() != 0 {
					t.Errorf("%d messages are said to wait", h.told())
				}
			})
		})
	}
}
