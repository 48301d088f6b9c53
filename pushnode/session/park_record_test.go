package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/channel"
)

// A session whose end could not be recorded does not end the client that has come back since.
func TestLateEndSparesTheNextConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, connected := h.login("")
		h.set(func() { h.unkept = errDown })
		s.hangUp()
		h.age(2*time.Minute + 1500*time.Millisecond) // away for its whole life, and the record does not know
		h.set(func() { h.unkept = nil })
		back := h.connect("key=hl_pk_a&session=" + connected.text("resume"))
		back.want("connected")
		pass(3 * time.Second)
		back.send(`{"op":"ping","ref":1}`)
		if frame, err := back.read(); err != nil || frame.text("op") != "ok" {
			t.Errorf("the client came back, and then: %v %v", frame, err)
		}
	})
}

// Who comes back while its session's time ends is let in, and no record is left attached to nobody.
func TestAttachBehindTheEndOfALife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, connected := h.login("")
		h.set(func() { h.unkept = errDown })
		s.hangUp()
		pass(3500 * time.Millisecond)
		h.set(func() { h.unkept = nil }) // the record is detached a few seconds late
		pass(116 * time.Second)
		h.set(func() { h.after = once("members", func() { pass(1800 * time.Millisecond) }) })
		go h.say(connected.text("resume"), `{"op":"members","ref":1,"channel":"news"}`) // has the turn
		pass(time.Second)                                                               // afterLife is next
		back := h.connect("key=hl_pk_a&session=" + connected.text("resume"))
		if frame, err := back.read(); frame.text("op") != "connected" {
			t.Errorf("refused: %v %v", frame, err)
		}
		back.hangUp()
		h.age(10 * time.Minute)
		if record, known := h.record(connected.text("session")); known {
			t.Errorf("the record stays for ever: %+v", record)
		}
	})
}

// A grace whose end had to wait for the session does not wait for those that began later as well.
func TestGraceBehindSlowCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, connected := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"a"}`)
		synctest.Wait()
		b, _ := h.login("")
		b.ask(`{"op":"subscribe","ref":1,"channel":"b"}`)
		synctest.Wait()
		s.hangUp()
		pass(14500 * time.Millisecond)
		h.set(func() { h.after = func(string) { pass(4 * time.Second) } })
		for range 2 { // 14.5 to 22.5 s
			go h.abandon(connected.text("resume"), `{"op":"members","ref":1,"channel":"a"}`)
		}
		pass(4500 * time.Millisecond)
		b.hangUp() // at 19 s, for the sake of another's grace
		pass(6 * time.Second)
		h.set(func() { h.after = nil })
		for at := 25; at < 40; at++ {
			if h.server.Occupancy(channel.ID{App: testApp, Name: "a"}).Subscribers == 0 {
				if at > 26 {
					t.Errorf("a session that went at 0 s, and was busy until 22.5 s, counts until %d s: as long as another that went at 19 s", at)
				}
				return
			}
			pass(time.Second)
		}
		t.Error("counts for ever")
	})
}

// A record that could not be written, for another connection had taken it over, is written by that one.
func TestRecordOfASessionTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, connected := h.login("")
		pass(time.Second)
		h.set(func() { h.after = once("members", func() { pass(time.Second) }) })
		s.ask(`{"op":"subscribe","ref":1,"channel":"x"}`)
		synctest.Wait()
		s.send(`{"op":"members","ref":2,"channel":"x"}`) // has the turn for a second
		pass(100 * time.Millisecond)                     // the record's writer is next
		back, _ := h.login("&session=" + connected.text("resume"))
		back.want("subscribed")
		pass(10 * time.Second)
		record, known := h.record(connected.text("session"))
		if !known || len(record.Channels) != 1 {
			t.Errorf("the session follows x, and its record shows %+v", record)
		}
	})
}

// A membership whose outcome is not known stays in the record, and ends with its session.
func TestEnterOfUnknownOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) { n.grants["ada"] = grantOf("ada") })
		s := h.connect("token=ada")
		s.want("connected")
		h.set(func() { h.unsure = true })
		s.send(`{"op":"enter","ref":1,"channel":"room"}`)
		s.next()
		h.set(func() { h.unsure = false })
		h.age(time.Second)
		s.hangUp()
		h.age(10 * time.Minute)
		if got := h.memberCount("room"); got != 0 {
			t.Errorf("%d members ten minutes after the only client left: a ghost", got)
		}
	})
}
