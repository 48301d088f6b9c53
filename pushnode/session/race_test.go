package session_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"halley/auth"
	"halley/pushnode/channel"
	"halley/pushnode/session"
)

// once calls act at the first of the events named.
func once(event string, act func()) func(string) {
	var done atomic.Bool // not a sync.Once: what act does may come here again
	return func(what string) {
		if what == event && !done.Swap(true) {
			act()
		}
	}
}

// A backlog of several pages is written whole, also where nothing is delivered that would tell how far the channel is.
func TestBacklogOfManyPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) { n.rule.Retention.Messages = 1000 })
		for i := 1; i <= 250; i++ {
			h.publish(t, "news", fmt.Sprint(i))
		}
		synctest.Wait()
		s, _ := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news","rewind":250}`)
		synctest.Wait()
		for i := 1; i <= 250; i++ {
			s.wantMessage(fmt.Sprint(i))
		}
		if got := h.metric("halley_session_backlog_pages_total", ""); got != 2 {
			t.Errorf("%v pages were read behind the first, want 2", got)
		}
	})
}

// What is delivered late, after a subscriber has read it from history, is neither delivered again nor taken for a hole.
func TestLateDeliveriesAreKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		h.set(func() { h.held = true })
		h.publish(t, "news", "1")
		h.publish(t, "news", "2")
		s, _ := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news","rewind":1}`)
		synctest.Wait()
		s.wantMessage("2")
		h.set(func() { h.held = false })
		h.publishMany(3, 3)
		s.wantMessage("3")
		if got := h.metric("halley_session_holes_total", ""); got != 0 {
			t.Errorf("%v holes were seen where there are none", got)
		}
	})
}

// What waited in the queue of a connection that broke is sent by the next one, though the client does not say where it stands.
func TestUnsentMessagesAreSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := stalled(t, channel.PolicyResume, 100)
		resume := h.publishAndBreak(s)
		back, _ := h.login("&session=" + resume)
		if sub := back.want("subscribed"); sub.number("offset") != 1 || sub["recovered"] != false {
			t.Errorf("got %v", sub)
		}
		back.want("gap")
		for i := 1; i <= 5; i++ {
			back.wantMessage(fmt.Sprint(i))
		}
	})
}

// publishAndBreak puts five messages into the queue of a stalled socket and breaks it.
func (h *house) publishAndBreak(s *socket) (resume string) {
	h.tb.Helper()
	h.publishMany(1, 5)
	s.hangUp()
	synctest.Wait()
	return s.resume
}

// A change of presence that falls between the reading of the set and its answer is told behind it.
func TestPresenceChangesMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, _ := h.login("")
		id := channel.ID{App: testApp, Name: "room"}
		h.set(func() {
			h.after = once("members", func() {
				h.apply(channel.EnterPresence{Channel: id, ClientID: "ada", Session: "ses_1", Generation: 1})
				synctest.Wait()
			})
		})
		answer := s.ask(`{"op":"subscribe","ref":1,"channel":"room","presence":true}`)
		set, _ := answer["presence"].(map[string]any)
		if object(set).number("version") != 0 {
			t.Errorf("subscribe answered %v", answer)
		}
		if change := s.want("presence"); change.text("action") != "enter" || change.number("version") != 1 {
			t.Errorf("got %v", change)
		}
	})
}

// Of two connections that take a session over at the same time, the one that the record knows as the later one has it.
func TestLaterTakeoverWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, connected := h.login("")
		s.hangUp()
		synctest.Wait()
		query := "key=hl_pk_a&session=" + connected.text("resume")
		var later *socket
		h.set(func() {
			h.after = once("attach", func() {
				later = h.connect(query)
				later.want("connected")
			})
		})
		earlier := h.connect(query)
		earlier.wantClose(4015)
		later.ask(`{"op":"ping","ref":1}`)
	})
}

// Who is excluded does not get the message from history either.
func TestExcludedAlsoFromHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, connected := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
		synctest.Wait()
		s.hangUp()
		synctest.Wait()
		publish := session.Publish{Channel: "news", Data: []byte(`"not for you"`), Exclude: connected.text("session")}
		if _, err := h.Publish(t0(), &auth.Grant{AppID: testApp}, publish); err != nil {
			t.Fatal(err)
		}
		h.publish(t, "news", "for you")
		back, _ := h.login("&session=" + connected.text("resume"))
		back.want("subscribed")
		if message := back.wantMessage("for you"); message.number("offset") != 2 {
			t.Errorf("got %v", message)
		}
	})
}
