package session_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/session"
	"halley/pushnode/wire"
)

// What the backend fails with reaches the client as an error of the table, and nothing of its text.
func TestBackendFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, _ := h.login("")
		h.set(func() { h.failing = errors.New("secret detail") })
		for _, command := range []string{
			`{"op":"subscribe","ref":1,"channel":"news"}`, `{"op":"members","ref":1,"channel":"news"}`,
			`{"op":"token","ref":1,"token":"hl_pk_a"}`,
		} {
			s.send(command)
			if answer := s.want("error"); answer.code() != 4103 {
				t.Errorf("%s: answered %v", command, answer)
			}
		}
		h.set(func() { h.failing = context.DeadlineExceeded })
		s.send(`{"op":"subscribe","ref":1,"channel":"news"}`)
		if answer := s.want("error"); answer.code() != 4101 {
			t.Errorf("answered %v", answer)
		}
		h.set(func() { h.failing = nil })
		if names := h.server.Followed(testApp, ""); len(names) != 0 {
			t.Errorf("failed subscriptions are followed: %v", names)
		}
		s.ask(`{"op":"subscribe","ref":2,"channel":"news"}`)
		synctest.Wait()
		h.publish(t, "news", "one")
		s.wantMessage("one")
	})
}

// A panic of one connection, or of one request, ends that and nothing else.
func TestPanicsAreContained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		other, _ := h.login("")
		s, _ := h.login("")
		h.set(func() { h.panics = true })
		s.send(`{"op":"subscribe","ref":1,"channel":"news"}`)
		if _, err := s.read(); err == nil {
			t.Error("the connection goes on")
		}
		response, err := h.client.Get("http://halley/v1/poll?key=hl_pk_a&channel=news")
		if err == nil {
			_ = response.Body.Close()
		}
		if err == nil {
			t.Errorf("a poll that panicked was answered %d", response.StatusCode)
		}
		h.set(func() { h.panics = false })
		synctest.Wait()
		other.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
		synctest.Wait()
		other.ask(`{"op":"ping","ref":2}`)
		if got := h.metric("halley_session_panics_total", ""); got < 2 { // the client may have asked again
			t.Errorf("%v panics were counted, want 2", got)
		}
		if got := h.metric("halley_session_connections", ""); got != 1 {
			t.Errorf("%v connections are open, want 1", got)
		}
		if got := h.server.Occupancy(channel.ID{App: testApp, Name: "news"}); got != (session.Occupancy{Subscribers: 1, Connections: 1}) {
			t.Errorf("%+v follow the channel, want the other one", got)
		}
	})
}

// A session whose record ended is gone from this node, connected or not.
func TestEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, connected := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
		synctest.Wait()
		away, gone := h.login("")
		away.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
		synctest.Wait()
		away.hangUp()
		synctest.Wait()
		for _, one := range []object{connected, gone} {
			h.apply(channel.EndSession{App: testApp, Session: one.text("session")})
		}
		h.server.Ended(testApp, "ses_nobody")
		s.wantClose(4016)
		synctest.Wait()
		if got := h.server.Occupancy(channel.ID{App: testApp, Name: "news"}); got.Subscribers != 0 {
			t.Errorf("occupancy is %v", got)
		}
		if status, answer := h.say(gone.text("resume"), `{"op":"ping"}`); status != 404 {
			t.Errorf("an ended session answered %v", answer)
		}
	})
}

// Commands to a session between two connections work, and what they begin comes with the next one.
func TestCommandsWhileParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, connected := h.login("")
		s.hangUp()
		synctest.Wait()
		resume := connected.text("resume")
		_, replies := h.say(resume,
			`{"op":"subscribe","ref":1,"channel":"news","presence":true}`, `{"op":"enter","channel":"news"}`,
			`{"op":"token","ref":2,"token":"hl_pk_a"}`)
		for _, reply := range replies {
			if reply.text("op") != "ok" {
				t.Errorf("answered %v", reply)
			}
		}
		h.publish(t, "news", "one")
		back, _ := h.login("&session=" + resume)
		if sub := back.want("subscribed"); sub["recovered"] != true {
			t.Errorf("got %v", sub)
		}
		back.wantMessage("one")
		if set := back.want("presence"); set.text("action") != "sync" {
			t.Errorf("got %v", set)
		}
		back.hangUp()
		synctest.Wait()
		if _, replies = h.say(resume, `{"op":"close"}`); replies[0].text("op") != "ok" {
			t.Errorf("close answered %v", replies)
		}
	})
}

// Close cuts off who does not go by himself.
func TestCloseCutsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		r := h.rawConnect()
		r.wantFrame(wire.OpcodeText)
		began := time.Now()
		if err := h.server.Close(); err == nil { // the client never answers, nor reads
			t.Log("closed in time")
		}
		if waited := time.Since(began); waited > 15*time.Second {
			t.Errorf("close took %v", waited)
		}
	})
}

func TestConnectionsOfAForeignPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) {
			n.app.Origins = []string{"https://a.example"}
			n.grants["hl_sk_a"] = grantOf("")
		})
		if _, err := h.tryConnect("key=hl_pk_a", http.Header{"Origin": {"https://evil.example"}}); err == nil {
			t.Error("a foreign page was let in by its key")
		}
		for credential, code := range map[string]int{"hl_pk_a": 4010, "hl_sk_a": 4011} {
			s, err := h.tryConnect("", http.Header{"Origin": {"https://evil.example"}})
			if err != nil {
				t.Fatal(err)
			}
			s.send(`{"op":"connect","key":"` + credential + `"}`)
			s.wantClose(code)
		}
		s, err := h.tryConnect("key=hl_pk_a", http.Header{"Origin": {"https://a.example"}})
		if err != nil {
			t.Fatal(err)
		}
		s.want("connected")
		h.set(func() { h.refused = errFull })
		h.connect("key=hl_pk_a").wantClose(4100)
	})
}
