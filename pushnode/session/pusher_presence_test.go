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
	"halley/pushnode/wire"
)

func TestPusherPresence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		ann, bob := h.pusher(), h.pusher()
		answer := ann.subscribe("presence-room", `{"user_id":"ann","user_info":{"name":"Ann"}}`)
		if want := `{"presence":{"ids":["ann"],"hash":{"ann":{"name":"Ann"}},"count":1}}`; answer.text("data") != want {
			t.Errorf("ann is told %s, want %s", answer.text("data"), want)
		}
		answer = bob.subscribe("presence-room", `{"user_id":7}`)
		if want := `{"presence":{"ids":[7,"ann"],"hash":{"7":null,"ann":{"name":"Ann"}},"count":2}}`; answer.text("data") != want {
			t.Errorf("bob is told %s, want %s", answer.text("data"), want)
		}
		ann.wantData("pusher_internal:member_added", `{"user_id":7,"user_info":null}`)
		bob.wantNothing() // of itself

		second := h.pusher() // of ann: nobody is told
		answer = second.subscribe("presence-room", `{"user_id":"ann","user_info":{"name":"Ann"}}`)
		if want := `{"presence":{"ids":[7,"ann"],"hash":{"7":null,"ann":{"name":"Ann"}},"count":2}}`; answer.text("data") != want {
			t.Errorf("ann's second connection is told %s, want %s", answer.text("data"), want)
		}
		second.hangUp()
		synctest.Wait()
		bob.wantNothing()

		bob.event("pusher:unsubscribe", "", map[string]string{"channel": "presence-room"})
		ann.wantData("pusher_internal:member_removed", `{"user_id":7}`)
		bob.wantNothing()
		bob.subscribe("presence-room", `{"user_id":7}`)
		ann.wantData("pusher_internal:member_added", `{"user_id":7,"user_info":null}`)
		begun := time.Now()
		ann.hangUp()
		bob.wantData("pusher_internal:member_removed", `{"user_id":"ann"}`)
		if took := time.Since(begun); took > 0 {
			t.Errorf("ann was gone after %v", took)
		}
	})
}

// Native clients and those of Pusher's see each other.
func TestPusherPresenceIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		h.set(func() { h.grants["cara"] = &auth.Grant{Kind: auth.KindToken, AppID: testApp, ClientID: "cara"} })
		native := h.connect("token=cara")
		native.want("connected")
		native.ask(`{"op":"enter","ref":2,"channel":"presence-room","data":{"n": 1}}`)
		ann := h.pusher()
		answer := ann.subscribe("presence-room", `{"user_id":"ann"}`)
		if want := `{"presence":{"ids":["ann","cara"],"hash":{"ann":null,"cara":{"n":1}},"count":2}}`; answer.text("data") != want {
			t.Errorf("ann is told %s, want %s", answer.text("data"), want)
		}
		native.send(`{"op":"members","ref":3,"channel":"presence-room"}`)
		if members := fmt.Sprint(native.want("ok")["members"]); !strings.Contains(members, "client_id:ann data:map[user_id:ann] session:"+ann.id) {
			t.Errorf("cara is told %v", members)
		}
		native.ask(`{"op":"update","ref":3,"channel":"presence-room","data":2}`)
		ann.wantNothing()
		native.ask(`{"op":"leave","ref":4,"channel":"presence-room"}`)
		ann.wantData("pusher_internal:member_removed", `{"user_id":"cara"}`)
	})
}

// A session has a record from its first membership to its end, and none before.
func TestPusherRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.pusher()
		s.subscribe("news", "")
		synctest.Wait()
		if record, found := h.record(s.id); found {
			t.Errorf("there is a record before a membership: %+v", record)
		}
		if held := h.server.Lasting(func(string, string) bool { return true }); len(held) != 0 {
			t.Errorf("%+v has a record, as the server sees it", held)
		}
		s.subscribe("presence-room", `{"user_id":"ann"}`)
		record, _ := h.record(s.id)
		if !record.Attached || record.ClientID != "ann" || len(record.Presence) != 1 || len(record.Channels) != 0 {
			t.Errorf("the record is %+v", record)
		}
		if !h.server.Holds(testApp, s.id, record.Generation) {
			t.Error("the record is nobody's")
		}
		s.event("pusher:unsubscribe", "", map[string]string{"channel": "presence-room"})
		s.wantNothing()
		pass(time.Second)
		if record, _ = h.record(s.id); len(record.Presence) != 0 {
			t.Errorf("after leaving the record is %+v", record)
		}
		s.hangUp()
		synctest.Wait()
		if record, found := h.record(s.id); found {
			t.Errorf("a record outlives its connection: %+v", record)
		}
	})
}

// One connection may be several users, each on a channel of its own: all of them go with it.
func TestPusherManyUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, watcher := h.pusher(), h.pusher()
		for name, user := range map[string]string{"presence-a": `{"user_id":"ann"}`, "presence-b": `{"user_id":"bob"}`} {
			watcher.subscribe(name, `{"user_id":"w"}`)
			s.subscribe(name, user)
			watcher.wantEvent("pusher_internal:member_added")
		}
		s.hangUp()
		gone := map[string]bool{}
		for range 2 {
			gone[watcher.wantEvent("pusher_internal:member_removed").text("data")] = true
		}
		if !gone[`{"user_id":"ann"}`] || !gone[`{"user_id":"bob"}`] {
			t.Errorf("those who left are %v", gone)
		}
	})
}

// An end that cannot be recorded is recorded later.
func TestPusherEndIsRecordedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, watcher := h.pusher(), h.pusher()
		watcher.subscribe("presence-room", `{"user_id":"w"}`)
		s.subscribe("presence-room", `{"user_id":"ann"}`)
		watcher.wantEvent("pusher_internal:member_added")
		h.set(func() { h.unkept = wire.NewError(wire.CodeUnavailable) })
		s.hangUp()
		pass(5 * time.Second)
		watcher.wantNothing()
		h.set(func() { h.unkept = nil })
		watcher.wantData("pusher_internal:member_removed", `{"user_id":"ann"}`)
	})
}

// A change that did not get through is made good by the whole set.
func TestPusherPresenceIsMadeGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.pusher()
		s.subscribe("presence-room", `{"user_id":"s"}`)
		h.set(func() {
			h.lose = func(effect channel.Effect) bool {
				changed, ok := effect.(channel.PresenceChanged)
				return ok && changed.Member.ClientID == "ann"
			}
		})
		h.pusher().subscribe("presence-room", `{"user_id":"ann"}`)
		h.pusher().subscribe("presence-room", `{"user_id":"bob"}`)
		s.wantData("pusher_internal:subscription_succeeded",
			`{"presence":{"ids":["ann","bob","s"],"hash":{"ann":null,"bob":null,"s":null},"count":3}}`)
	})
}

// A node that was taken for dead takes the record back, and the user was never gone.
func TestPusherIsReattached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *session.Config, _ *node) { c.ActivityTimeout = time.Hour })
		s, watcher := h.pusher(), h.pusher()
		watcher.subscribe("presence-room", `{"user_id":"w"}`)
		s.subscribe("presence-room", `{"user_id":"ann"}`)
		watcher.wantEvent("pusher_internal:member_added")
		record, _ := h.record(s.id)
		h.apply(channel.EdgeLost{Edge: record.Edge})
		for _, one := range h.server.Lasting(func(string, string) bool { return true }) {
			if err := h.server.Reattach(t.Context(), one.App, one.ID, one.Generation); err != nil {
				t.Error(err)
			}
		}
		pass(5 * time.Minute)
		h.tick()
		watcher.wantNothing()
	})
}

// A channel that is full says so, and the connection lives.
func TestPusherPresenceIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *session.Config, n *node) { n.members = 1 })
		h.pusher().subscribe("presence-room", `{"user_id":"ann"}`)
		s := h.pusher()
		s.ask("presence-room", `{"user_id":"bob"}`)
		if fault := s.wantRefusal("presence-room", 4004); fault.text("type") != "LimitReached" {
			t.Errorf("refused as %v", fault)
		}
		synctest.Wait()
		if got := h.server.Occupancy(channel.ID{App: testApp, Name: "presence-room"}); got.Subscribers != 1 {
			t.Errorf("left %+v behind", got)
		}
	})
}

// A panic that ends a subscription, and its connection, leaves nothing behind either.
func TestPusherPanicLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.pusher()
		h.set(func() { h.panics = true })
		s.ask("presence-room", `{"user_id":"ann"}`)
		if _, err := s.read(); err == nil {
			t.Error("the connection goes on")
		}
		synctest.Wait()
		id := channel.ID{App: testApp, Name: "presence-room"}
		if got := h.server.Occupancy(id); got != (session.Occupancy{}) {
			t.Errorf("%+v follow the channel", got)
		}
		if members, _, _ := h.Members(t.Context(), id); len(members) > 0 {
			t.Errorf("the members are %v", members)
		}
	})
}

// Wherever a subscription fails, nothing is left of it: neither a member nor a subscriber, nor a record that would not end by itself.
func TestPusherLeavesNothingBehind(t *testing.T) {
	unavailable := wire.NewError(wire.CodeUnavailable)
	for name, test := range map[string]struct {
		breaks func(n *node)
		lives  bool // the connection does
	}{
		"no record":           {breaks: func(n *node) { n.unattached = unavailable }},
		"record not written":  {breaks: func(n *node) { n.unkept = unavailable }},
		"entered, or not":     {breaks: func(n *node) { n.unsure = true }},
		"no history":          {breaks: func(n *node) { n.unread = unavailable }},
		"nobody is told":      {breaks: func(n *node) { n.failing = unavailable }},
		"nothing cached":      {breaks: func(n *node) { n.denied = []string{"history:presence-cache-room"} }, lives: true},
		"the channel is full": {breaks: func(n *node) { n.members = 1 }, lives: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, nil)
				watcher, s := h.pusher(), h.pusher()
				watcher.subscribe("presence-cache-room", `{"user_id":"w"}`)
				watcher.wantEvent("pusher:cache_miss")
				defer watcher.readOn()()
				h.set(func() { test.breaks(h.node) })
				s.ask("presence-cache-room", `{"user_id":"ann"}`)
				if test.lives {
					s.wantEvent("pusher:subscription_error")
					s.wantNothing()
				} else {
					s.wantError(4101)
					s.wantClose(4101)
				}
				h.set(func() {
					h.unattached, h.unkept, h.unsure, h.unread, h.failing, h.denied = nil, nil, false, nil, nil, nil
				})
				pass(25 * time.Second) // the grace of a member who is to come back is over
				h.tick()
				synctest.Wait()
				id := channel.ID{App: testApp, Name: "presence-cache-room"}
				if got := h.server.Occupancy(id); got.Subscribers != 1 {
					t.Errorf("there are %+v", got)
				}
				if members, _, _ := h.Members(t.Context(), id); len(members) != 1 {
					t.Errorf("the members are %v", members)
				}
				if record, found := h.record(s.id); found && (record.Attached != test.lives || test.lives && len(record.Presence) > 0) {
					t.Errorf("the record is %+v", record)
				}
				if test.lives {
					h.set(func() { h.members = 2 })
					s.subscribe("presence-cache-room", `{"user_id":"ann"}`)
				}
			})
		})
	}
}
