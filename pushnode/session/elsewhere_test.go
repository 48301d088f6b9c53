package session_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/session"
	"halley/pushnode/wire"
)

// present is a client who is in the presence of news, and another who watches.
func present(h *house) (s, watcher *socket, id string) {
	watcher, _ = h.login("")
	watcher.ask(`{"op":"subscribe","ref":1,"channel":"news","presence":true}`)
	s, connected := h.login("")
	s.ask(`{"op":"enter","ref":1,"channel":"news","data":1}`)
	watcher.want("presence")
	return s, watcher, connected.text("session")
}

// A node that was taken for dead takes its sessions back: their records show it again, and nobody is told.
func TestReattach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, watcher, id := present(h)
		h.apply(channel.EdgeLost{})
		if record, _ := h.record(id); record.Attached {
			t.Fatal("the session is not lost")
		}
		if err := h.server.Reattach(t.Context(), testApp, id, 1); err != nil {
			t.Fatal(err)
		}
		if record, _ := h.record(id); !record.Attached || record.Generation != 2 {
			t.Errorf("the record is %+v", record)
		}
		if err := h.server.Reattach(t.Context(), testApp, id, 1); err != nil { // of what is settled
			t.Error(err)
		}
		if !h.server.Holds(testApp, id, 2) || h.server.Holds(testApp, id, 3) || h.server.Holds(testApp, "ses_other", 1) {
			t.Error("it holds another generation than the record's")
		}
		s.ask(`{"op":"update","ref":1,"channel":"news","data":2}`)
		if told := watcher.want("presence"); told.text("action") != "update" {
			t.Errorf("told %v", told)
		}
		if got := h.metric("halley_session_reattached_total", ""); got != 1 {
			t.Errorf("%v counted", got)
		}
	})
}

// Where the grace was over before, the memberships are gone: the client has to come back and see.
func TestReattachAfterTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(config *session.Config, _ *node) { config.PingInterval = time.Hour })
		s, _, id := present(h)
		h.apply(channel.EdgeLost{})
		h.age(channel.LostGrace + time.Second)
		if got := h.memberCount("news"); got != 0 {
			t.Fatalf("%d members after the grace", got)
		}
		if err := h.server.Reattach(t.Context(), testApp, id, 1); err != nil {
			t.Fatal(err)
		}
		s.wantClose(int(wire.CodeDraining))
	})
}

// A session that cannot be taken back is tried again, or ends.
func TestReattachFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, _, id := present(h)
		h.apply(channel.EdgeLost{})
		h.set(func() { h.unattached = errDown })
		if err := h.server.Reattach(t.Context(), testApp, id, 1); !errors.Is(err, errDown) {
			t.Errorf("got %v, want what the backend says", err)
		}
		h.set(func() { h.unattached = nil })
		h.set(func() { h.lose = func(channel.Effect) bool { return true } }) // nobody tells that it ends
		h.apply(channel.EndSession{App: testApp, Session: id})
		if err := h.server.Reattach(t.Context(), testApp, id, 1); err != nil {
			t.Error(err)
		}
		s.wantClose(int(wire.CodeDisconnected))
		if err := h.server.Reattach(t.Context(), testApp, "ses_none", 1); err != nil {
			t.Error(err)
		}
	})
}

// What nothing is heard of is told to those who follow it, and taken back when history can be read.
func TestSuspend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, _ := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
		s.ask(`{"op":"subscribe","ref":1,"channel":"other"}`)
		synctest.Wait()
		h.set(func() { h.held, h.failing = true, errDown })
		for range 2 {
			h.server.Suspend(func(id channel.ID) bool { return id.Name == "news" })
		}
		if told := s.want("suspended"); told.text("channel") != "news" || told.number("retry_after") < 1 {
			t.Errorf("told %v", told)
		}
		pass(10 * time.Second)
		h.set(func() { h.failing = nil })
		h.publish(t, "news", "1")
		h.set(func() { h.held = false })
		if told := s.want("subscribed"); told.text("channel") != "news" || told["recovered"] != true || told.number("offset") != 0 {
			t.Errorf("told %v", told)
		}
		s.wantMessage("1")
		h.publish(t, "other", "2")
		s.wantMessage("2")
		h.publish(t, "news", "3")
		s.wantMessage("3")
	})
}

// Clients that are sent away are told when to come back, and let in when they do.
func TestShed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, _ := h.login("")
		h.server.Shed(wire.NewError(wire.CodeDraining))
		if told := s.want("drain"); told.number("reconnect_in") < 1 {
			t.Errorf("told %v", told)
		}
		s.wantClose(int(wire.CodeDraining))
		back, connected := h.login("&session=" + s.resume)
		if connected["resumed"] != true {
			t.Errorf("told %v", connected)
		}
		back.ask(`{"op":"ping","ref":1}`)
	})
}

// Commands that another node handed over are done as if they had come here.
func TestRelayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		_, connected := h.follow("&session=new&channel=a", "")
		body := func(resume string) []byte {
			return []byte(`{"session":"` + resume + `","commands":[{"op":"subscribe","ref":1,"channel":"b"}]}`)
		}
		resume := connected.data.text("resume")
		answer, err := h.server.Relayed(t.Context(), "hl_pk_a", body(resume))
		if err != nil || !strings.Contains(string(answer), `"op":"ok"`) {
			t.Errorf("got %s, %v", answer, err)
		}
		if record, _ := h.record(connected.data.text("session")); len(record.Channels) != 2 {
			t.Errorf("when it is answered the record has %v", record.Channels)
		}
		for name, test := range map[string]struct {
			credential string
			body       []byte
			want       wire.Code
		}{
			"another credential": {"hl_pk_b", body(resume), wire.CodeUnauthorized},
			"another session":    {"hl_pk_a", body("ses_x"), wire.CodeSessionNotFound},
			"no commands":        {"hl_pk_a", []byte(`{`), wire.CodeMalformedJSON},
		} {
			if _, err := h.server.Relayed(t.Context(), test.credential, test.body); !errors.Is(err, test.want) {
				t.Errorf("%s: got %v, want %v", name, err, test.want)
			}
		}
		h.set(func() { h.unkept = errDown })
		if _, err := h.server.Relayed(context.Background(), "hl_pk_a", []byte(strings.ReplaceAll(string(body(resume)), `"b"`, `"c"`))); err == nil {
			t.Error("what could not be recorded is answered as done")
		}
	})
}

// Who missed that the last member left, and that the channel was forgotten since, is told that nobody is there: versions have begun again.
func TestBehindAForgottenChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *sessionConfig, _ *node) { c.PingInterval = 24 * time.Hour })
		s, watcher, _ := present(h)
		h.set(func() { h.lose = func(channel.Effect) bool { return true } })
		s.ask(`{"op":"leave","ref":2,"channel":"news"}`)
		h.age(20 * time.Minute)
		id := channel.ID{App: testApp, Name: "news"}
		h.mu.Lock()
		info, held := h.state.Info(id)
		h.mu.Unlock()
		if held || info.Version != 0 {
			t.Fatalf("the channel is not forgotten: %+v", info)
		}
		h.server.Behind(id, info.Position)
		h.server.BehindPresence(id, info.Version)
		synctest.Wait()
		watcher.want("gap")
		if push := watcher.want("presence"); push.text("action") != "sync" || fmt.Sprint(push["members"]) != "[]" {
			t.Errorf("got %v", push)
		}
	})
}
