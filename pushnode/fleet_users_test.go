package pushnode_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/channel"
)

// signIn signs a client in, who watches others.
func (s *pusherSocket) signIn(user string, watches ...string) {
	s.tb.Helper()
	list := ""
	if len(watches) > 0 {
		list = `,"watchlist":["` + strings.Join(watches, `","`) + `"]`
	}
	data := fmt.Sprintf(`{"id":%q%s}`, user, list)
	s.say("pusher:signin", "", map[string]string{"user_data": data, "auth": s.app.Key + ":" + s.app.mac(s.id+"::user::"+data)})
	s.await("pusher:signin_success")
}

// told is what a client has been told of those whom it watches, and nothing else, once the nodes have asked each other.
func (s *pusherSocket) told(t *testing.T, when string, want ...string) {
	t.Helper()
	pass(time.Second)
	synctest.Wait()
	var events []string
	for _, one := range want {
		name, ids, _ := strings.Cut(one, " ")
		events = append(events, `watchlist_events {"events":[{"name":"`+name+`","user_ids":["`+strings.ReplaceAll(ids, " ", `","`)+`"]}]}`)
	}
	if got := s.waiting(); got != strings.Join(events, "\n") {
		t.Errorf("%s: told\n%s\nwant\n%s", when, got, strings.Join(events, "\n"))
	}
}

// Events reach all connections of a user, on every node, whichever node is called; and so does the end of them. Those who watch the user on
// other nodes are told of the first connection and the last.
func TestFleetReachesUsers(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		a := f.newPusherApp(t, "a")
		watcher, present := a.dial(t, f.nodes[2].node), a.dial(t, f.nodes[0].node)
		watcher.signIn("eve", "ann", "bob")
		watcher.told(t, "at first", "offline ann bob")
		present.subscribe("presence-room", "ann")
		var connections []*pusherSocket
		for i, m := range f.nodes {
			connections = append(connections, a.dial(t, m.node))
			connections[i].signIn("ann")
			connections[i].subscribe("#server-to-user-ann", "")
		}
		watcher.told(t, "three connections", "online ann")
		for i, m := range f.nodes {
			a.on(m).trigger(t, fmt.Sprintf(`{"name":"mail","channel":"#server-to-user-ann","data":"%d"}`, i))
			for _, s := range connections {
				if got := s.await("mail"); got.text("data") != fmt.Sprint(i) || got.text("channel") != "#server-to-user-ann" {
					t.Errorf("got %v, want mail %d", got, i)
				}
			}
		}
		_ = connections[0].conn.CloseNow()
		watcher.told(t, "one is gone")
		native, _ := f.nodes[0].dial(t, a.token(t, `{"client_id":"ann","capabilities":{"*":["subscribe"]}}`))
		a.on(f.nodes[1]).ask(t, http.MethodPost, "/users/ann/terminate_connections", "", "{}").says(t, "terminate", http.StatusOK, "{}")
		for _, s := range connections[1:] {
			if code := s.awaitClose(); code != 4009 {
				t.Errorf("closed with %d", code)
			}
		}
		if code := native.closing(); code/100 != 40 {
			t.Errorf("the native session was closed with %d", code)
		}
		watcher.told(t, "all were ended", "offline ann")
		present.told(t, "who is only present")
		if listed := a.call(t, http.MethodGet, "/v1/channels", "").Text; strings.Contains(listed, "#") {
			t.Errorf("channels of users are listed: %s", listed)
		}
	})
}

// A user whose node died is offline after the grace, unless another connection is there or comes back: then nobody hears of it; or at once,
// where the user is terminated. A watcher whose source of news died goes on hearing.
func TestFleetKnowsWhoIsOnline(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		a := f.newPusherApp(t, "a")
		dead := f.nodes[0]
		for _, user := range []string{"gone", "doubled", "back", "banned"} {
			s := a.dial(t, dead.node)
			s.subscribe("presence-room", "guest") // its record is that of a guest
			s.signIn(user)
		}
		a.dial(t, f.nodes[1].node).signIn("doubled")
		watchers := []*pusherSocket{a.dial(t, f.nodes[1].node), a.dial(t, f.nodes[2].node)}
		for _, w := range watchers {
			w.signIn("eve", "gone", "doubled", "back", "banned")
			w.told(t, "at first", "online gone doubled back banned")
		}
		dead.kill()
		pass(20 * time.Second)
		a.dial(t, f.nodes[2].node).signIn("back")
		a.on(f.nodes[1]).ask(t, http.MethodPost, "/users/banned/terminate_connections", "", "{}").says(t, "terminate", http.StatusOK, "{}")
		for _, w := range watchers {
			w.told(t, "of who was terminated", "offline banned")
		}
		pass(channel.LostGrace - 25*time.Second)
		for _, w := range watchers {
			w.told(t, "before the end of the grace")
		}
		pass(30 * time.Second)
		for _, w := range watchers {
			w.told(t, "after it", "offline gone")
		}
		a.dial(t, f.nodes[1].node).signIn("gone")
		for _, w := range watchers {
			w.told(t, "come again", "online gone")
		}
	})
}
