package session_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/wire"
)

// A reader who comes to a channel whose presence was forgotten does not keep its writer spinning.
func TestPresenceOfAForgottenChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *sessionConfig, _ *node) { c.PingInterval = 24 * time.Hour })
		stays, _ := h.login("")
		stays.ask(`{"op":"subscribe","ref":1,"channel":"room"}`)
		synctest.Wait()
		stays.ask(`{"op":"enter","ref":2,"channel":"room"}`)
		stays.ask(`{"op":"leave","ref":3,"channel":"room"}`)
		h.age(20 * time.Minute)
		var reads atomic.Int64
		h.set(func() {
			h.after = func(what string) {
				if what == "members" && reads.Add(1) == 1000 {
					h.set(func() { h.failing = errDown }) // ends the spin, for the test's sake
				}
			}
		})
		s, _ := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"room","presence":true}`)
		synctest.Wait()
		if got := reads.Load(); got > 2 {
			t.Fatalf("the set was read %d times for one subscription", got)
		}
	})
}

// A change of presence that waited for a broken connection reaches the next one.
func TestPresenceChangeOutlivesABrokenConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, connected := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news","presence":true}`)
		synctest.Wait()
		h.publish(t, "news", "stuck") // in the write: the client does not read
		synctest.Wait()
		other, _ := h.login("")
		other.ask(`{"op":"enter","ref":1,"channel":"news"}`)
		synctest.Wait() // the change waits in the queue of s
		s.hangUp()
		synctest.Wait()
		back, _ := h.login("&session=" + connected.text("resume"))
		synctest.Wait()
		back.send(`{"op":"ping","ref":1}`)
		for {
			frame := back.next()
			if frame.text("op") == "presence" {
				return
			}
			if frame.text("op") == "ok" {
				t.Fatal("somebody entered, and the session is never told")
			}
		}
	})
}

// The whole presence set is not what latest and lossy may let go of.
func TestPoliciesKeepThePresenceSet(t *testing.T) {
	for _, policy := range []channel.Policy{channel.PolicyLatest, channel.PolicyLossy} {
		t.Run(string(policy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, func(c *sessionConfig, n *node) {
					c.QueueMessages = 10
					n.rule.Policy = policy
				})
				s, _ := h.login("")
				s.ask(`{"op":"subscribe","ref":1,"channel":"room","presence":true}`)
				synctest.Wait()
				member, _ := h.login("")
				h.set(func() {
					h.lose = losesOne() // the first change is lost on its way
					h.after = once("members", func() {
						for range 9 { // come while the set is read; more than one write takes
							h.publish(t, "room", strings.Repeat("x", 20<<10))
						}
						pass(time.Second) // they are in the queue
					})
				})
				member.ask(`{"op":"enter","ref":1,"channel":"room"}`)
				synctest.Wait()
				member.ask(`{"op":"update","ref":2,"channel":"room","data":1}`)
				pass(2 * time.Second) // the set waits in the queue behind the messages; the client does not read
				synctest.Wait()
				for i := range 20 {
					h.publish(t, "room", fmt.Sprint(i))
				}
				synctest.Wait()
				s.send(`{"op":"ping","ref":9}`)
				for {
					frame := s.next()
					if frame.text("op") == "presence" {
						return
					}
					if frame.text("op") == "ok" {
						t.Fatal("the presence set was let go of")
					}
				}
			})
		})
	}
}

func (h *house) memberCount(name string) int {
	members, _, _ := h.Members(t0(), channel.ID{App: testApp, Name: name})
	return len(members)
}

func (h *house) age(d time.Duration) {
	for range int(d / time.Second) {
		pass(time.Second)
		h.tick()
	}
	synctest.Wait()
}

// Who enters again by a command, after the grace has ended its membership, leaves with its session.
func TestNoGhostAfterEnterBetweenPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) { n.grants["ada"] = grantOf("ada") })
		_, first := h.get("/v1/poll?token=ada&session=new&channel=room", nil)
		resume := object(first["connected"].(map[string]any)).text("resume")
		enter := `{"session":"` + resume + `","commands":[{"op":"enter","ref":1,"channel":"room"}]}`
		header := map[string][]string{"Content-Type": {"application/json"}, "Authorization": {"Bearer ada"}}
		h.decodeBody(h.request("POST", "/v1/commands", header, enter))
		if got := h.memberCount("room"); got != 1 {
			t.Fatalf("%d members after the first enter", got)
		}
		h.age(20 * time.Second)
		if got := h.memberCount("room"); got != 0 {
			t.Fatalf("%d members after the grace", got)
		}
		if status, answer := h.decodeBody(h.request("POST", "/v1/commands", header, enter)); status != http.StatusOK {
			t.Fatalf("to enter again is answered %d %v", status, answer)
		}
		h.age(10 * time.Minute)
		if got := h.memberCount("room"); got != 0 {
			t.Errorf("%d members 10 minutes after the client went away: a ghost", got)
		}
	})
}

// A membership that the record does not know is not entered: here the record has passed to another connection.
func TestNoGhostAfterEnterDuringTakeover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) { n.grants["ada"] = grantOf("ada") })
		s := h.connect("token=ada")
		resume := s.want("connected").text("resume")
		h.set(func() {
			h.after = once("attach", func() { s.send(`{"op":"enter","ref":1,"channel":"room"}`); s.next() })
		})
		back := h.connect("token=ada&session=" + resume)
		back.want("connected")
		back.send(`{"op":"close"}`)
		h.age(10 * time.Minute)
		if got := h.memberCount("room"); got != 0 {
			t.Errorf("%d members 10 minutes after the session ended: a ghost", got)
		}
	})
}

// The same where the session has ended and its connection has not been told yet.
func TestNoGhostAfterEnterInAnEndedSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) { n.grants["ada"] = grantOf("ada") })
		s := h.connect("token=ada")
		id := s.want("connected").text("session")
		h.set(func() { h.held = true })
		h.apply(channel.EndSession{App: testApp, Session: id})
		s.send(`{"op":"enter","ref":1,"channel":"room"}`)
		if answer := s.next(); answer.text("op") == "ok" {
			t.Errorf("entered by a session that has ended: %v", answer)
		}
		h.set(func() { h.held = false })
		h.age(10 * time.Minute)
		if got := h.memberCount("room"); got != 0 {
			t.Errorf("%d members 10 minutes after the session ended: a ghost", got)
		}
	})
}

// A membership whose record could not be written is not entered, or ends.
func TestEnterThatIsNotRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) { n.grants["ada"] = grantOf("ada") })
		s := h.connect("token=ada")
		s.want("connected")
		h.set(func() { h.unkept = wire.NewError(wire.CodeOverCapacity) })
		s.send(`{"op":"enter","ref":1,"channel":"room"}`)
		if answer := s.next(); answer.text("op") == "ok" {
			t.Errorf("entered, and no record knows: %v", answer)
		}
		h.set(func() { h.unkept = nil })
		h.age(time.Second)
		s.hangUp()
		h.age(10 * time.Minute)
		if got := h.memberCount("room"); got != 0 {
			t.Errorf("%d members ten minutes after the only client left: a ghost", got)
		}
	})
}

// A membership that was refused does not count against the session.
func TestRefusedEntersDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) { n.app.ChannelsPerConnection = 2 })
		for _, room := range []string{"a", "b"} {
			for i := range 1000 {
				h.apply(channel.EnterPresence{Channel: channel.ID{App: testApp, Name: room}, ClientID: fmt.Sprint(i), Session: "ses_x", Generation: 1})
			}
		}
		s, _ := h.login("")
		for _, room := range []string{"a", "b"} {
			s.send(`{"op":"enter","ref":1,"channel":"` + room + `"}`)
			if answer := s.want("error"); answer.code() != int64(wire.CodePresenceFull) {
				t.Fatalf("answered %v", answer)
			}
		}
		s.send(`{"op":"enter","ref":2,"channel":"c"}`)
		if answer := s.next(); answer.text("op") != "ok" {
			t.Errorf("a member of no channel may not enter one: %v", answer)
		}
	})
}
