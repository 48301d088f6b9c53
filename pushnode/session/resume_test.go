package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/channel"
)

func TestResumeByCursor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, connected := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
		s.ask(`{"op":"subscribe","ref":2,"channel":"chat"}`)
		synctest.Wait()
		one := h.publish(t, "news", "one")
		s.wantMessage("one")
		s.hangUp()
		synctest.Wait()
		h.publish(t, "news", "two")
		h.publish(t, "chat", "hello")

		back, again := h.login("&session=" + connected.text("resume") + "&cursor=" + escape("news*"+one.String()))
		if again["resumed"] != true || again.text("session") != connected.text("session") || again.text("resume") != connected.text("resume") {
			t.Fatalf("connected is %v", again)
		}
		// chat was never sent anything: it goes on without doubt, although the cursor does not know it.
		if sub := back.want("subscribed"); sub.text("channel") != "chat" || sub["recovered"] != true || sub.number("offset") != 0 {
			t.Errorf("got %v", sub)
		}
		back.wantMessage("hello")
		if sub := back.want("subscribed"); sub.text("channel") != "news" || sub["recovered"] != true || sub.number("offset") != 1 {
			t.Errorf("got %v", sub)
		}
		back.wantMessage("two")
		h.publish(t, "news", "three")
		back.wantMessage("three")
		if got := h.metric("halley_session_resumes_total", "resumed"); got != 1 {
			t.Errorf("%v resumes counted", got)
		}
	})
}

// A client that does not say where it stands is told that it may have missed something, where something was sent to it.
func TestResumeWithoutCursor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, connected := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
		synctest.Wait()
		h.publish(t, "news", "one")
		s.wantMessage("one")
		s.hangUp()
		synctest.Wait()
		h.publish(t, "news", "two")
		back, _ := h.login("&session=" + connected.text("resume"))
		if sub := back.want("subscribed"); sub["recovered"] != false || sub.number("offset") != 1 {
			t.Errorf("got %v", sub)
		}
		if gap := back.want("gap"); gap.text("reason") != "continuity_uncertain" {
			t.Errorf("got %v", gap)
		}
		back.wantMessage("two")
	})
}

func TestResumeOfUnknownSession(t *testing.T) {
	tests := map[string]func(h *house, resume string) string{
		"unknown":       func(*house, string) string { return "ses_00000000000000000000000000.c2VjcmV0" },
		"malformed":     func(*house, string) string { return "x" },
		"wrong secret":  func(_ *house, resume string) string { return resume[:len(resume)-2] + "AA" },
		"other client":  func(h *house, resume string) string { h.grants["hl_pk_a"] = grantOf("eve"); return resume },
		"away too long": func(h *house, resume string) string { pass(3 * time.Minute); h.tick(); return resume },
		"ended by force": func(h *house, resume string) string {
			h.End(t0(), channel.EndSession{App: testApp, Session: resume[:30]})
			return resume
		},
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, nil)
				s, connected := h.login("")
				s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
				synctest.Wait()
				one := h.publish(t, "news", "one")
				s.wantMessage("one")
				s.hangUp()
				synctest.Wait()
				resume := spoil(h, connected.text("resume"))
				synctest.Wait()
				two := h.publish(t, "news", "two")
				if two.Offset != 2 || two.Epoch != one.Epoch {
					t.Fatalf("two stands at %v", two)
				}
				back, again := h.login("&session=" + resume + "&cursor=" + escape("news*"+one.String()))
				if again["resumed"] != false || again.text("session") == connected.text("session") {
					t.Fatalf("connected is %v", again)
				}
				sub := back.want("subscribed")
				if name == "away too long" {
					return // the history is gone as well: the gap is another test's matter
				}
				if sub["recovered"] != true {
					t.Errorf("got %v", sub)
				}
				back.wantMessage("two")
			})
		})
	}
}

func TestTakeover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, connected := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news","presence":true}`)
		synctest.Wait()
		s.send(`{"op":"enter","ref":2,"channel":"news"}`)
		for range 2 { // the answer and the change, in either order
			s.next()
		}
		back, again := h.login("&session=" + connected.text("resume"))
		if again["resumed"] != true {
			t.Errorf("connected is %v", again)
		}
		s.wantClose(4015)
		back.want("subscribed")
		if set := back.want("presence"); set.text("action") != "sync" { // what the old connection was told last may not have arrived
			t.Errorf("presence is %v", set)
		}
		h.publish(t, "news", "one")
		back.wantMessage("one") // and no change of presence: nobody left, nobody came
		members, version, err := h.Members(t0(), channel.ID{App: testApp, Name: "news"})
		if err != nil || len(members) != 1 || version != 1 {
			t.Errorf("members are %v, version %d, %v", members, version, err)
		}
		if got := h.server.Occupancy(channel.ID{App: testApp, Name: "news"}); got.Subscribers != 1 || got.Connections != 1 {
			t.Errorf("occupancy is %v", got)
		}
	})
}

// A session that is away counts as a subscriber through its grace, then not, and still comes back to where it was.
func TestParkedSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		id := channel.ID{App: testApp, Name: "news"}
		s, connected := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
		synctest.Wait()
		s.hangUp()
		synctest.Wait()
		if got := h.server.Occupancy(id); got.Subscribers != 1 || got.Connections != 0 {
			t.Errorf("occupancy within the grace is %v", got)
		}
		if got := h.metric("halley_session_parked", ""); got != 1 {
			t.Errorf("%v sessions are parked, want 1", got)
		}
		pass(17 * time.Second)
		synctest.Wait()
		if got := h.server.Occupancy(id); got.Subscribers != 0 {
			t.Errorf("occupancy after the grace is %v", got)
		}
		h.publish(t, "news", "one")
		back, _ := h.login("&session=" + connected.text("resume"))
		if sub := back.want("subscribed"); sub["recovered"] != true {
			t.Errorf("got %v", sub)
		}
		back.wantMessage("one")
		back.hangUp()
		pass(5 * time.Minute)
		h.tick()
		synctest.Wait()
		if got := h.metric("halley_session_parked", ""); got != 0 {
			t.Errorf("%v sessions are parked after their time, want 0", got)
		}
	})
}

// The record of a session follows what it does, and is written before its connection is given up.
func TestRecordFollowsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, connected := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"b","presence":true}`)
		s.ask(`{"op":"subscribe","ref":2,"channel":"a"}`)
		synctest.Wait()
		if record, _ := h.record(connected.text("session")); len(record.Channels) != 0 {
			t.Errorf("changes are not collected: %v", record)
		}
		pass(60 * time.Millisecond)
		synctest.Wait()
		record, _ := h.record(connected.text("session"))
		if len(record.Channels) != 2 || record.Channels[0].Channel != "a" || !record.Channels[1].Presence || !record.Attached {
			t.Errorf("the record is %v", record)
		}
		s.ask(`{"op":"unsubscribe","ref":3,"channel":"a"}`)
		s.hangUp()
		synctest.Wait()
		if record, _ = h.record(connected.text("session")); len(record.Channels) != 1 || record.Attached {
			t.Errorf("the record is %v", record)
		}
	})
}

// What the new grant does not allow any more is told, not silently missing.
func TestResumeWithLessPermission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, connected := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
		synctest.Wait()
		s.hangUp()
		synctest.Wait()
		h.set(func() { h.denied = []string{"subscribe:news"} })
		back, _ := h.login("&session=" + connected.text("resume"))
		if ended := back.want("unsubscribed"); ended.text("channel") != "news" || ended.code() != 4310 {
			t.Errorf("got %v", ended)
		}
		synctest.Wait()
		if names := h.server.Followed(testApp, ""); len(names) != 0 {
			t.Errorf("still followed: %v", names)
		}
	})
}
