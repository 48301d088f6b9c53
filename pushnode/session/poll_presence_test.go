package session_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// presenceIn reports whether the answer tells of a presence change.
func presenceIn(o object) bool { list, _ := o["presence"].([]any); return len(list) > 0 }

// A change of presence that finds no place in a full answer comes with the next one.
func TestPresenceBeyondPollBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) { n.rule.Retention.Messages = 3000 })
		first := h.poll("session=new&channel=a&channel=b&presence=true&wait=0s")
		resume := object(first["connected"].(map[string]any)).text("resume")
		second := h.poll("session=" + resume + "&wait=0s&cursor=" + escape(first.text("cursor")))
		for i := range 950 {
			h.publish(t, "a", fmt.Sprint(i))
		}
		other, _ := h.login("")
		synctest.Wait()
		pages := 0
		h.set(func() {
			h.after = func(what string) {
				if what != "backlog a" {
					return
				}
				if pages++; pages != 10 {
					return
				}
				for i := range 60 {
					h.publish(t, "b", fmt.Sprint(i))
				}
				other.ask(`{"op":"enter","ref":1,"channel":"b"}`)
				pass(time.Second)
			}
		})
		third := h.poll("session=" + resume + "&cursor=" + escape(second.text("cursor")))
		fourth := h.poll("session=" + resume + "&wait=1s&cursor=" + escape(third.text("cursor")))
		fifth := h.poll("session=" + resume + "&wait=1s&cursor=" + escape(fourth.text("cursor")))
		if !presenceIn(third) && !presenceIn(fourth) && !presenceIn(fifth) {
			t.Error("somebody entered, and the poll is never told")
		}
	})
}

// A client that comes back from where it was, because the answer to its poll was lost, is told the presence set.
func TestPresenceAfterALostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		first := h.poll("session=new&channel=room&presence=true&wait=0s")
		resume := object(first["connected"].(map[string]any)).text("resume")
		at := "session=" + resume + "&cursor=" + escape(first.text("cursor"))
		other, _ := h.login("")
		lost := make(chan object, 1)
		go func() { lost <- h.poll(at) }()
		pass(time.Second)
		other.ask(`{"op":"enter","ref":1,"channel":"room"}`)
		if !presenceIn(<-lost) { // the kernel and the network had it, the client never got it
			t.Fatal("not told at all")
		}
		again := h.poll(at + "&wait=0s") // as JS does: it comes back from where it was
		if !presenceIn(again) {
			t.Error("somebody entered, and the client is never told")
		}
	})
}

// A channel that was left stays away, whether or not a poll was there to hear of it.
func TestUnsubscribedBetweenPolls(t *testing.T) {
	for _, between := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			h := open(t, nil)
			first := h.poll("session=new&channel=a&channel=b&wait=0s")
			resume := object(first["connected"].(map[string]any)).text("resume")
			leave := func() { h.say(resume, `{"op":"unsubscribe","ref":1,"channel":"a"}`) }
			if between {
				leave()
			}
			second := make(chan object, 1)
			go func() { second <- h.poll("session=" + resume + "&wait=5s&cursor=" + escape(first.text("cursor"))) }()
			pass(time.Second)
			if !between {
				leave()
			}
			cursor := (<-second).text("cursor")
			h.poll("session=" + resume + "&wait=0s&cursor=" + escape(cursor))
			if names := h.server.Followed(testApp, "a"); len(names) != 0 {
				t.Errorf("between=%v: a is followed again: cursor %q", between, cursor)
			}
		})
	}
}
