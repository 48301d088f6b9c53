package session_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"halley/auth"
	"halley/pushnode/channel"
	"halley/pushnode/session"
)

// A connected subscriber of a channel with a message every 20 minutes gets each of them.
func TestLiveSubscriberOfAQuietChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *sessionConfig, _ *node) { c.PingInterval = 24 * time.Hour })
		s, _ := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
		synctest.Wait()
		for i := 1; i <= 3; i++ {
			h.publish(t, "news", fmt.Sprint(i))
			s.wantMessage(fmt.Sprint(i))
			h.age(20 * time.Minute)
		}
	})
}

// A cursor of a stream is over all its channels from the first event on.
func TestStreamCursorHasAllChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		h.publish(t, "a", "a1")
		h.publish(t, "b", "b1")
		s, _ := h.follow("&channel=a&channel=b", "a*7-0-1:1~b*7-0-1:1")
		first := s.want("subscribed") // of a; the connection breaks before that of b comes
		s.hangUp()
		synctest.Wait()
		h.publish(t, "b", "b2")
		back, _ := h.follow("&channel=a&channel=b", first.id)
		back.want("subscribed")
		if sub := back.want("subscribed"); sub.data["recovered"] != true || sub.data.number("offset") != 1 {
			t.Errorf("Last-Event-ID was %q; b goes on at %v: b2 is lost in silence", first.id, sub.data)
		}
	})
}

// What does not fit into an answer comes with the next one, also where a whole channel had no place.
func TestPollLeavesNoChannelBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		const channels, each = 12, 100
		var items []string
		for c := range channels {
			name := fmt.Sprintf("c%02d", c)
			items = append(items, name+"*7-0-1:0")
			for i := range each {
				h.publish(t, name, fmt.Sprint(i))
			}
		}
		cursor, got := strings.Join(items, "~"), 0
		for range 3 {
			answer := h.poll("wait=0s&cursor=" + escape(cursor))
			list, _ := answer["messages"].([]any)
			gaps, _ := answer["gaps"].([]any)
			if len(gaps) != 0 {
				t.Errorf("gaps: %v", gaps)
			}
			got += len(list)
			cursor = answer.text("cursor")
		}
		if got != channels*each {
			t.Errorf("%d of %d messages came, no gap was told; the last cursor is %s", got, channels*each, cursor)
		}
	})
}

// A poll that could not read the history gives the client's own cursor back.
func TestPollKeepsCursorWhileSuspended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		h.publish(t, "news", "one")
		h.publish(t, "news", "two")
		h.set(func() { h.after = once("attach", func() { h.set(func() { h.failing = errDown }) }) })
		answer := h.poll("session=new&channel=news&wait=1s&cursor=7-0-1:1")
		if answer.text("cursor") != "news*7-0-1:1" {
			t.Errorf("the answer is %v: who goes on with its cursor loses two", answer)
		}
	})
}

// A gap that was not written is told by the next connection.
func TestGapOutlivesABrokenConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) { n.rule.Retention.Messages = 2 })
		s, connected := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
		synctest.Wait()
		h.publish(t, "news", "1")
		s.wantMessage("1")
		s.hangUp()
		synctest.Wait()
		h.publishMany(2, 9) // 2 to 7 are evicted
		between, _ := h.login("&session=" + connected.text("resume"))
		synctest.Wait()
		between.hangUp() // it read connected and nothing else
		synctest.Wait()
		back, _ := h.login("&session=" + connected.text("resume"))
		if sub := back.want("subscribed"); sub["recovered"] != false {
			t.Errorf("2 to 7 were lost, and the client is told %v", sub)
		}
	})
}

// A part of a backlog that was being written when the connection broke is not sent again as if nobody had got any of it.
func TestBacklogIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		for range 3 {
			h.publish(t, "news", strings.Repeat("x", 20<<10))
		}
		synctest.Wait()
		s, connected := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news","rewind":3}`)
		synctest.Wait()
		s.want("message")
		s.want("message") // the third, of the same write, is on its way
		s.hangUp()
		synctest.Wait()
		back, _ := h.login("&session=" + connected.text("resume"))
		sub := back.want("subscribed")
		for {
			frame := back.next()
			if frame.text("op") == "gap" {
				return // whether it arrived, nobody knows, and that is said
			}
			if frame.text("op") == "message" && frame.number("offset") <= 2 {
				t.Fatalf("message %v comes twice to one session, after %v", frame["offset"], sub)
			}
			if frame.text("op") == "message" {
				return
			}
		}
	})
}

// A channel whose history is to be written gets its turn, also where another one fills the queue without end.
func TestBacklogIsNotStarved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *sessionConfig, n *node) {
			c.QueueMessages = 10
			n.rule.Policy = channel.PolicyLossy
		})
		h.publish(t, "quiet", "hello")
		s, _ := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
		synctest.Wait()
		h.publishMany(1, 30) // more than the client takes
		s.send(`{"op":"subscribe","ref":2,"channel":"quiet","rewind":1}`)
		for i := range 2000 {
			h.publish(t, "news", fmt.Sprint(i, strings.Repeat("x", 5000))) // larger than what a client's buffer swallows
			h.publish(t, "news", fmt.Sprint(i, strings.Repeat("x", 5000)))
			synctest.Wait()
			if frame := s.next(); frame.text("op") == "message" && frame.text("channel") == "quiet" {
				return
			}
		}
		t.Error("the one message of quiet has not come in 2000")
	})
}

// A message that was not for this session is nothing that it could have missed.
func TestExcludedMessageIsNoDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, connected := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
		synctest.Wait()
		s.ask(`{"op":"publish","ref":2,"channel":"news","data":1,"echo":false}`)
		synctest.Wait()
		s.hangUp()
		synctest.Wait()
		back, _ := h.login("&session=" + connected.text("resume"))
		if sub := back.want("subscribed"); sub["recovered"] != true {
			t.Errorf("nothing was ever sent to the session, and it is told %v", sub)
		}
	})
}

// A second suspension is told like the first.
func TestSuspendedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, _ := h.login("")
		member, _ := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news","presence":true}`)
		synctest.Wait()
		h.set(func() { h.lose = losesOne() })
		member.ask(`{"op":"enter","ref":1,"channel":"news"}`)
		synctest.Wait()
		h.set(func() { h.failing = errDown })
		h.apply(channel.EnterPresence{Channel: channel.ID{App: testApp, Name: "news"}, ClientID: "x", Session: "ses_x", Generation: 1})
		s.want("suspended")
		h.set(func() { h.failing = nil })
		s.want("presence")
		h.set(func() {
			h.lose = losesOne()
			h.failing = errDown
		})
		h.publishMany(1, 2)
		s.want("suspended")
		h.set(func() { h.failing = nil })
		s.want("subscribed")
		s.wantMessage("1")
		s.wantMessage("2")
	})
}

// A client that polls is told when a channel goes on that it was told was suspended: at once, whether that was in the same poll or in one
// before, and although nothing was published.
func TestPollIsToldThatItGoesOn(t *testing.T) {
	ops := func(answer object) (ops []string) {
		pushes, _ := answer["pushes"].([]any)
		for _, push := range pushes {
			ops = append(ops, object(push.(map[string]any)).text("op"))
		}
		return ops
	}
	for name, down := range map[string]time.Duration{"in the same poll": 5 * time.Second, "in a later one": 70 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, nil)
				first := h.poll("session=new&channel=news")
				resume := object(first["connected"].(map[string]any)).text("resume")
				next := func(wait string) []string {
					return ops(h.poll("session=" + resume + "&cursor=" + escape(first.text("cursor")) + "&wait=" + wait))
				}
				h.set(func() { h.unread = errDown })
				began := time.Now()
				time.AfterFunc(down, func() { h.set(func() { h.unread = nil }) })
				var told []string
				for len(told) == 0 || told[len(told)-1] != "subscribed" {
					told = append(told, next("25s")...)
					if time.Since(began) > 2*time.Minute {
						t.Fatalf("it is told %v", told)
					}
				}
				if took := time.Since(began); told[0] != "suspended" || took < down || took > down+3*time.Second {
					t.Errorf("after %v it is told %v", took, told)
				}
				if more := next("5s"); len(more) != 0 {
					t.Errorf("the poll after it tells %v", more)
				}
			})
		})
	}
}

// A channel that was left by a command does not come back by the stream's own cursor.
func TestUnsubscribedStaysAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, connected := h.follow("&session=new&channel=a&channel=b", "")
		resume := connected.data.text("resume")
		s.want("subscribed")
		s.want("subscribed")
		h.say(resume, `{"op":"unsubscribe","ref":1,"channel":"a"}`)
		h.publish(t, "b", "one")
		id := s.wantMessage("one").id
		s.hangUp()
		synctest.Wait()
		h.follow("&session="+resume, id)
		synctest.Wait()
		if names := h.server.Followed(testApp, "a"); len(names) != 0 {
			t.Errorf("a is followed again: the id was %q", id)
		}
	})
}

// Policy block: what was acknowledged while the fan-out was behind is not lost either.
func TestBlockHoldsWhileTheFanOutIsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := stalled(t, channel.PolicyBlock, 100)
		h.set(func() { h.held = true })
		accepted := 0
		for i := 1; i <= 300; i++ {
			if _, err := h.Publish(t0(), &auth.Grant{AppID: testApp}, session.Publish{Channel: "news", Data: fmt.Appendf(nil, "%d", i)}); err == nil {
				accepted++
			}
		}
		h.set(func() { h.held = false })
		synctest.Wait()
		for i := range accepted + 1 {
			frame := s.next()
			if frame.text("op") != "message" {
				t.Fatalf("%d publications were accepted; after %d the subscriber got %v", accepted, i, frame)
			}
		}
	})
}

// waysBack are how a client comes back to news with a position, over each transport: what it is told, in order, up to where it is live.
var waysBack = map[string]func(h *house, position string) []object{
	"WebSocket": func(h *house, position string) []object {
		s, _ := h.login("&cursor=" + escape("news*"+position))
		return h.untilLive(s.next)
	},
	"event stream": func(h *house, position string) []object {
		s, _ := h.follow("&channel=news", position)
		return h.untilLive(func() object {
			one, err := s.read()
			if err != nil {
				h.tb.Fatal(err)
			}
			one.data["op"] = one.name
			return one.data
		})
	},
	"long poll": func(h *house, position string) (told []object) {
		answer := h.poll("channel=news&cursor=" + escape(position))
		for list, op := range map[string]string{"gaps": "gap", "messages": "message"} {
			all, _ := answer[list].([]any)
			for _, one := range all {
				push := object(one.(map[string]any))
				push["op"] = op
				told = append(told, push)
			}
		}
		return told
	},
}

// untilLive collects what is told before a message that is published when the subscription stands.
func (h *house) untilLive(next func() object) (told []object) {
	for {
		push := next()
		if push.text("data") == "live" {
			return told
		}
		told = append(told, push)
		if push.text("op") == "subscribed" {
			h.publish(h.tb, "news", "live")
		}
	}
}

// A slot that was recovered by force goes on under a new epoch. Who comes back with a position of the one before is told that something
// may be missing, or that the position means nothing, and gets what has survived behind it: on every transport alike.
func TestResumeAcrossABreak(t *testing.T) {
	tests := map[string]struct {
		whole    bool // nothing that was acknowledged is missing
		offset   int
		gap      string // empty: none
		messages string
	}{
		"up to what survived":         {offset: 2, gap: "continuity_uncertain", messages: "3 4"},
		"at the end of what survived": {offset: 3, gap: "continuity_uncertain", messages: "4"},
		"beyond what survived":        {offset: 4, gap: "unknown_epoch"},
		"before the history":          {offset: 0, gap: "continuity_uncertain", messages: "2 3 4"},
		"whole, up to what survived":  {whole: true, offset: 2, messages: "3 4"},
		"whole, beyond what survived": {whole: true, offset: 4, gap: "unknown_epoch"},
		"whole, before the history":   {whole: true, offset: 0, gap: "evicted", messages: "2 3 4"},
	}
	for name, test := range tests {
		for way, back := range waysBack {
			t.Run(name+", "+way, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := open(t, func(_ *sessionConfig, n *node) { n.rule.Retention.Messages = 3 })
					epoch := ""
					for i := range 3 {
						epoch, _, _ = strings.Cut(h.publish(t, "news", fmt.Sprint(i+1)).String(), ":")
					}
					h.apply(channel.BreakEpoch{Generation: 1, Whole: test.whole})
					h.publish(t, "news", "4")
					var gaps, messages []string
					for _, push := range back(h, fmt.Sprintf("%s:%d", epoch, test.offset)) {
						switch push.text("op") {
						case "gap":
							gaps = append(gaps, push.text("reason"))
						case "message":
							messages = append(messages, push.text("data"))
						case "subscribed":
							if push["recovered"] != (test.gap == "") {
								t.Errorf("told %v", push)
							}
						}
					}
					if got := strings.Join(gaps, " "); got != test.gap {
						t.Errorf("told the gap %q, want %q", got, test.gap)
					}
					if got := strings.Join(messages, " "); got != test.messages {
						t.Errorf("got the messages %q, want %q", got, test.messages)
					}
				})
			})
		}
	}
}
