package session_test

import (
	"testing"
	"testing/synctest"
)

func TestPublishEcho(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, connected := h.login("")
		other, _ := h.login("")
		for _, one := range []*socket{s, other} {
			one.ask(`{"op":"subscribe","ref":1,"channel":"chat"}`)
			synctest.Wait()
		}
		answer := s.ask(`{"op":"publish","ref":2,"channel":"chat","data":"mine","echo":false,"id":"m1"}`)
		if answer.text("id") != "m1" || answer.number("offset") != 1 || answer.number("copies") != 1 {
			t.Errorf("publish answered %v", answer)
		}
		again := s.ask(`{"op":"publish","ref":3,"channel":"chat","data":"mine","echo":false,"id":"m1"}`)
		if again["duplicate"] != true || again.number("offset") != 1 {
			t.Errorf("the second publish answered %v", again)
		}
		other.wantMessage("mine")
		h.publish(t, "chat", "yours")
		if message := s.wantMessage("yours"); message.number("offset") != 2 {
			t.Errorf("session %s got %v", connected.text("session"), message)
		}
	})
}

func TestUnsubscribeEndsTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, _ := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
		synctest.Wait()
		if answer := s.ask(`{"op":"unsubscribe","ref":2,"channel":"news"}`); answer.text("channel") != "news" {
			t.Errorf("unsubscribe answered %v", answer)
		}
		h.publish(t, "news", "lost")
		synctest.Wait()
		s.ask(`{"op":"ping","ref":3}`) // and no message before it
		if names := h.server.Followed(testApp, ""); len(names) != 0 {
			t.Errorf("still followed: %v", names)
		}
	})
}

func TestSubscribeSince(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		first := h.publish(t, "news", "one")
		h.publish(t, "news", "two")
		h.publish(t, "news", "three")
		s, _ := h.login("")
		answer := s.ask(`{"op":"subscribe","ref":1,"channel":"news","since":"` + first.String() + `"}`)
		if answer["recovered"] != true || answer.number("offset") != 1 {
			t.Errorf("subscribe answered %v", answer)
		}
		s.wantMessage("two")
		s.wantMessage("three")
		h.publish(t, "news", "four")
		s.wantMessage("four")

		rewound, _ := h.login("")
		rewound.ask(`{"op":"subscribe","ref":1,"channel":"news","rewind":2}`)
		synctest.Wait()
		rewound.wantMessage("three")
		rewound.wantMessage("four")
	})
}

func TestSubscribeTellsGaps(t *testing.T) {
	tests := map[string]struct{ since, reason string }{
		"ahead":         {"7-0-1:99", "position_ahead"},
		"other cluster": {"8-0-1:2", "unknown_epoch"},
		"evicted":       {"7-0-1:1", "evicted"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, func(_ *sessionConfig, n *node) { n.rule.Retention.Messages = 2 })
				for _, text := range []string{"1", "2", "3", "4", "5"} {
					h.publish(t, "news", text)
				}
				s, _ := h.login("")
				answer := s.ask(`{"op":"subscribe","ref":1,"channel":"news","since":"` + test.since + `"}`)
				gap := s.want("gap")
				if answer["recovered"] != false || gap.text("reason") != test.reason {
					t.Errorf("subscribe answered %v and told %v, want %s", answer, gap, test.reason)
				}
				if test.reason == "evicted" {
					if gap.number("from") != 2 || gap.number("to") != 3 || gap.number("offset") != 3 {
						t.Errorf("the gap is %v", gap)
					}
					s.wantMessage("4")
					s.wantMessage("5")
				}
				h.publish(t, "news", "6")
				s.wantMessage("6")
				if got := h.metric("halley_session_gaps_total", test.reason); got != 1 {
					t.Errorf("%v gaps counted, want 1", got)
				}
			})
		})
	}
}

func TestSubscribeAgainChangesOnlyPresence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, _ := h.login("")
		member, _ := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"room"}`)
		synctest.Wait()
		member.ask(`{"op":"enter","ref":1,"channel":"room","data":{"n":1}}`)
		answer := s.ask(`{"op":"subscribe","ref":2,"channel":"room","presence":true}`)
		set, _ := answer["presence"].(map[string]any)
		if object(set).number("version") != 1 || len(set["members"].([]any)) != 1 {
			t.Errorf("presence is %v", answer)
		}
		synctest.Wait() // what comes before it is followed is told as a whole
		member.ask(`{"op":"update","ref":2,"channel":"room","data":{"n":2}}`)
		if push := s.want("presence"); push.text("action") != "update" || push.number("version") != 2 {
			t.Errorf("got %v", push)
		}
		s.ask(`{"op":"subscribe","ref":3,"channel":"room"}`)
		synctest.Wait()
		member.ask(`{"op":"leave","ref":3,"channel":"room"}`)
		synctest.Wait()
		s.ask(`{"op":"ping","ref":4}`)
		h.publish(t, "room", "hello")
		s.wantMessage("hello")
	})
}

func TestPresence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) { n.grants["ada"] = grantOf("ada") })
		watcher, _ := h.login("")
		watcher.ask(`{"op":"subscribe","ref":1,"channel":"room","presence":true}`)
		synctest.Wait()
		ada := h.connect("token=ada")
		ada.want("connected")
		if answer := ada.ask(`{"op":"enter","ref":1,"channel":"room","data":{"x":1}}`); answer.number("version") != 1 {
			t.Errorf("enter answered %v", answer)
		}
		entered := watcher.want("presence")
		member, _ := entered["member"].(map[string]any)
		if entered.text("action") != "enter" || object(member).text("client_id") != "ada" {
			t.Errorf("got %v", entered)
		}
		answer := watcher.ask(`{"op":"members","ref":2,"channel":"room"}`)
		if list, _ := answer["members"].([]any); len(list) != 1 || answer.number("version") != 1 {
			t.Errorf("members answered %v", answer)
		}
		ada.ask(`{"op":"leave","ref":2,"channel":"room"}`)
		if left := watcher.want("presence"); left.text("action") != "leave" || left.number("version") != 2 {
			t.Errorf("got %v", left)
		}
	})
}

// A change that is lost on its way is made good by the whole set.
func TestPresenceResync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, _ := h.login("")
		member, connected := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"room","presence":true}`)
		synctest.Wait()
		h.set(func() { h.lose = losesOne() })
		member.ask(`{"op":"enter","ref":1,"channel":"room"}`)
		synctest.Wait()
		member.ask(`{"op":"update","ref":2,"channel":"room","data":1}`)
		sync := s.want("presence")
		members, _ := sync["members"].([]any)
		if sync.text("action") != "sync" || sync.number("version") != 2 || len(members) != 1 {
			t.Fatalf("got %v, want the whole set", sync)
		}
		if one := object(members[0].(map[string]any)); one.text("client_id") != connected.text("session") {
			t.Errorf("the member is %v", one)
		}
		member.ask(`{"op":"update","ref":3,"channel":"room","data":2}`)
		if push := s.want("presence"); push.text("action") != "update" || push.number("version") != 3 {
			t.Errorf("got %v", push)
		}
	})
}

func TestHistoryCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		h.publish(t, "news", "one")
		h.publish(t, "news", "two")
		s, _ := h.login("")
		answer := s.ask(`{"op":"history","ref":1,"channel":"news","limit":1,"direction":"forward"}`)
		list, _ := answer["messages"].([]any)
		if len(list) != 1 || object(list[0].(map[string]any)).text("data") != "one" || answer["more"] != true {
			t.Errorf("history answered %v", answer)
		}
	})
}
