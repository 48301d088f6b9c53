package pushnode_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/channel"
	"halley/tenant"
)

// newPusherApp makes an app that clients of Pusher's may use on every node.
func (f *fleet) newPusherApp(t testing.TB, name string) *pusherApp {
	t.Helper()
	a := f.newApp(t, name, nil).pusher(t)
	a.settings(t, func(s *tenant.PusherSettings) { s.ClientEvents, s.SubscriptionCounts = true, true })
	for _, m := range f.living() {
		f.await(t, "a key of Pusher's did not reach a node", func() bool {
			found, err := m.Directory.PusherByKey(a.Key)
			return err == nil && found.ClientEvents
		})
	}
	return a
}

// Clients on three nodes see and hear each other.
func TestFleetOfPushers(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		a := f.newPusherApp(t, "a")
		var clients []*pusherSocket
		for i, m := range f.nodes {
			clients = append(clients, a.dial(t, m.node))
			clients[i].subscribe("presence-room", fmt.Sprint("user", i))
		}
		clients[0].await("pusher_internal:member_added")
		if got := clients[0].await("pusher_internal:member_added"); got.text("data") != `{"user_id":"user2","user_info":null}` {
			t.Errorf("came in as %v", got)
		}
		second := a.dial(t, f.nodes[1].node) // of a user who is there
		if got := second.subscribe("presence-room", "user0"); !strings.Contains(got.text("data"), `"count":3`) {
			t.Errorf("the second connection is told %v", got)
		}
		clients[0].say("client-hello", "presence-room", "hi")
		for _, s := range []*pusherSocket{clients[1], clients[2], second} {
			if got := s.await("client-hello"); got.text("user_id") != "user0" || got.text("data") != "hi" {
				t.Errorf("heard %v", got)
			}
		}
		at := a.on(f.nodes[2])
		at.trigger(t, `{"name":"news","channel":"presence-room","data":"1","socket_id":"`+clients[1].id+`"}`)
		clients[2].await("news")
		clients[1].say("client-bye", "presence-room", "")
		if got := clients[0].await("client-bye"); got.text("user_id") != "user1" {
			t.Errorf("heard %v", got)
		}
		synctest.Wait()
		if got := clients[1].waiting(); strings.Contains(got, "news") || strings.Contains(got, "client-bye") {
			t.Errorf("what was not for it: %s", got)
		}
		_ = second.conn.CloseNow()
		_ = clients[2].conn.CloseNow()
		if got := clients[0].await("pusher_internal:member_removed"); got.text("data") != `{"user_id":"user2"}` {
			t.Errorf("left as %v", got)
		}
	})
}

// Subscribers on all nodes are told how many there are on all.
func TestFleetCountsPushers(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		a := f.newPusherApp(t, "a")
		var clients []*pusherSocket
		for i, m := range f.nodes {
			clients = append(clients, a.dial(t, m.node))
			clients[i].subscribe("news", "")
		}
		for _, s := range clients {
			for s.await("pusher_internal:subscription_count").text("data") != `{"subscription_count":3}` {
			}
		}
	})
}

// TestPushersOutliveTheirNode kills the node of clients. A user who has another connection, or comes back in time, is never seen leaving; one
// who does not is, once, after the grace.
func TestPushersOutliveTheirNode(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		a := f.newPusherApp(t, "a")
		watcher := a.dial(t, f.nodes[2].node)
		watcher.subscribe("presence-room", "watcher")
		for _, user := range []string{"gone", "back", "twice"} {
			a.dial(t, f.nodes[0].node).subscribe("presence-room", user)
			watcher.await("pusher_internal:member_added")
		}
		a.dial(t, f.nodes[1].node).subscribe("presence-room", "twice")
		synctest.Wait()
		f.nodes[0].kill()
		pass(5 * time.Second)
		if got := a.dial(t, f.nodes[1].node).subscribe("presence-room", "back"); !strings.Contains(got.text("data"), `"count":4`) {
			t.Errorf("who comes back is told %v", got)
		}
		at := a.on(f.nodes[1])
		at.trigger(t, `{"name":"news","channel":"presence-room","data":"1"}`)
		if got := watcher.await("news"); got.text("data") != "1" {
			t.Errorf("got %v", got)
		}
		pass(channel.LostGrace - 10*time.Second)
		if got := watcher.waiting(); got != "" {
			t.Errorf("within the grace: %s", got)
		}
		pass(30 * time.Second)
		if got := watcher.waiting(); got != `member_removed {"user_id":"gone"}` {
			t.Errorf("after the grace: %s", got)
		}
		got := at.ask(t, http.MethodGet, "/channels/presence-room/users", "", "")
		if got.Text != `{"users":[{"id":"back"},{"id":"twice"},{"id":"watcher"}]}` {
			t.Errorf("there are %s", got.Text)
		}
	})
}

// A client of a node that drains is told to come back. A user who does is not seen leaving, and one who does not is, after the grace.
func TestPushersLeaveADrainedNode(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		a := f.newPusherApp(t, "a")
		watcher := a.dial(t, f.nodes[2].node)
		watcher.subscribe("presence-room", "watcher")
		for _, user := range []string{"back", "gone"} {
			s := a.dial(t, f.nodes[0].node)
			s.subscribe("presence-room", user)
			watcher.await("pusher_internal:member_added")
			defer func() {
				if code := s.awaitClose(); code != 4200 {
					t.Errorf("closed with %d", code)
				}
			}()
		}
		if err := f.nodes[0].Drain(t.Context()); err != nil {
			t.Error(err)
		}
		if got := a.dial(t, f.nodes[1].node).subscribe("presence-room", "back"); !strings.Contains(got.text("data"), `"count":3`) {
			t.Errorf("who comes back is told %v", got)
		}
		pass(channel.PresenceGrace - 5*time.Second)
		if got := watcher.waiting(); got != "" {
			t.Errorf("within the grace: %s", got)
		}
		pass(15 * time.Second)
		if got := watcher.waiting(); got != `member_removed {"user_id":"gone"}` {
			t.Errorf("after the grace: %s", got)
		}
	})
}
