package session_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/session"
	"halley/pushnode/wire"
)

// A connection whose end has to wait for its session's turn is not forgotten.
func TestDetachBehindSlowCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *sessionConfig, n *node) {
			c.QueueMessages = 10
			n.rule.Policy = channel.PolicyBlock
		})
		s, connected := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
		synctest.Wait()
		h.set(func() {
			h.after = func(what string) {
				if what == "members" {
					pass(4 * time.Second) // slow, and within the command's time
				}
			}
		})
		for range 2 {
			go h.abandon(connected.text("resume"), `{"op":"members","ref":1,"channel":"news"}`)
		}
		pass(100 * time.Millisecond)
		s.hangUp()
		h.age(10 * time.Minute)
		for i := range 40 {
			h.apply(channel.Publish{Channel: channel.ID{App: testApp, Name: "news"}, ID: fmt.Sprint(i), Data: []byte("1"), Retention: channel.DefaultRetention})
		}
		synctest.Wait()
		id := channel.ID{App: testApp, Name: "news"}
		if got := h.server.Occupancy(id); got != (session.Occupancy{}) {
			t.Errorf("occupancy is %+v ten minutes after the only client left", got)
		}
		if queued, full := h.congestion(id); full {
			t.Errorf("publishers are blocked for ever: %d wait", queued)
		}
		if _, known := h.record(connected.text("session")); known {
			t.Error("the record stays for ever")
		}
	})
}

// A takeover that is given up half way leaves a session that ends.
func TestTakeoverGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) { n.grants["ada"] = grantOf("ada") })
		s := h.connect("token=ada")
		connected := s.want("connected")
		s.ask(`{"op":"enter","ref":1,"channel":"room"}`)
		h.set(func() {
			h.after = once("members", func() { pass(4 * time.Second) })
		})
		s.send(`{"op":"members","ref":2,"channel":"room"}`) // has the turn
		synctest.Wait()
		client := *h.client
		client.Timeout = time.Second
		if _, err := client.Get("http://halley/v1/sse?token=ada&session=" + connected.text("resume")); err == nil {
			t.Fatal("the stream was answered")
		}
		s.wantClose(4015)
		h.age(10 * time.Minute)
		if _, known := h.record(connected.text("session")); known {
			t.Error("the record stays for ever")
		}
		if got := h.memberCount("room"); got != 0 {
			t.Errorf("%d members ten minutes after the only client left: a ghost", got)
		}
	})
}

// The end of a parked session's time does not hit the connection that has just taken it up again.
func TestLifeOverAtTheLastMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, connected := h.login("")
		s.hangUp()
		synctest.Wait()
		pass(119500 * time.Millisecond)
		h.set(func() { h.after = once("members", func() { pass(1800 * time.Millisecond) }) })
		go h.say(connected.text("resume"), `{"op":"members","ref":1,"channel":"news"}`) // has the turn
		synctest.Wait()
		opened := make(chan *socket)
		go func() { opened <- h.connect("key=hl_pk_a&session=" + connected.text("resume")) }() // is next
		back := <-opened
		if again := back.want("connected"); again["resumed"] != true {
			t.Fatalf("the record was gone: %v", again)
		}
		pass(5 * time.Second)
		back.send(`{"op":"ping","ref":1}`)
		if frame := back.next(); frame.text("op") != "ok" {
			t.Errorf("the session was resumed, and then: %v", frame)
		}
	})
}

// A session whose end could not be recorded at once (the node was overloaded) ends all the same.
func TestDetachIsRecordedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) { n.grants["ada"] = grantOf("ada") })
		s := h.connect("token=ada")
		connected := s.want("connected")
		s.ask(`{"op":"enter","ref":1,"channel":"room"}`)
		h.set(func() { h.unkept = wire.NewError(wire.CodeOverCapacity) })
		s.hangUp()
		h.age(5 * time.Second)
		h.set(func() { h.unkept = nil })
		h.age(10 * time.Minute)
		if _, known := h.record(connected.text("session")); known {
			t.Error("the record stays for ever")
		}
		if got := h.memberCount("room"); got != 0 {
			t.Errorf("%d members ten minutes after the only client left: a ghost", got)
		}
	})
}

// Sessions whose slots answer nothing keep the end of no other from being recorded.
func TestDetachBesideSlotsThatAreMute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) { n.grants["ada"] = grantOf("ada") })
		var clients []*socket
		var ids []string
		for range 12 {
			s := h.connect("token=ada")
			clients, ids = append(clients, s), append(ids, s.want("connected").text("session"))
		}
		heard := ids[0]
		h.set(func() {
			h.unkept = wire.NewError(wire.CodeOverCapacity)
			h.mute = func(command channel.Command) bool {
				detach, is := command.(channel.DetachSession)
				return is && detach.Session != heard
			}
		})
		for _, s := range clients {
			s.hangUp()
		}
		synctest.Wait()
		h.set(func() { h.unkept = nil })
		h.age(3 * time.Second)
		if record, known := h.record(heard); !known || record.Attached {
			t.Errorf("the record of a session that went is %+v (%v) after 3 s", record, known)
		}
		h.set(func() { h.mute = nil })
	})
}

// Who asks for a disconnect and does not wait for the answer still ends the sessions.
func TestDisconnectOfAnImpatientCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) { n.grants["ada"] = grantOf("ada") })
		s := h.connect("token=ada")
		connected := s.want("connected")
		s.ask(`{"op":"enter","ref":1,"channel":"room"}`)
		gone, cancel := context.WithCancel(t0())
		cancel()
		h.server.Disconnect(gone, testApp, "ada", "", wire.NewError(wire.CodeDisconnected))
		s.wantClose(4016)
		h.age(10 * time.Minute)
		if got := h.memberCount("room"); got != 0 {
			t.Errorf("%d members ten minutes after the disconnect: a ghost", got)
		}
		back := h.connect("token=ada&session=" + connected.text("resume"))
		if again := back.want("connected"); again["resumed"] != false {
			t.Errorf("a disconnected session came back: %v", again)
		}
	})
}

// abandon posts a command of a session whose answer nobody reads. It may fail: the client is not there any more.
func (h *house) abandon(resume, command string) {
	body := `{"session":"` + resume + `","commands":[` + command + `]}`
	request, _ := http.NewRequest("POST", "http://halley/v1/commands?key=hl_pk_a", strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	if response, err := h.client.Do(request); err == nil {
		_ = response.Body.Close()
	}
}
