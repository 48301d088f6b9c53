package pushnode_test

import (
	"fmt"
	"net/http"
	"testing"

	"halley/pushnode/channel"
)

// follower is a client that receives, over any transport.
type follower interface{ message() object }

// followAll follows the channel over each transport, from now on.
func (a *app) followAll(t testing.TB, credential, name string) map[string]follower {
	t.Helper()
	socket, _ := a.node.dial(t, credential)
	if got := socket.ask("subscribe", fmt.Sprintf(`"channel":%q`, name)); got.text("op") != "ok" {
		t.Fatalf("subscribe: %v", got)
	}
	return map[string]follower{
		"WebSocket": socket, "event stream": a.node.follow(t, credential, "channel="+name),
		"long poll": a.node.poll(t, credential, "channel="+name),
	}
}

// speakers publish on the channel news over everything that can.
func (a *app) speakers(t testing.TB) map[string]func(data string) {
	socket, _ := a.node.dial(t, a.secret)
	session := a.session(t)
	say := func(path, body string, want int) {
		if got := a.call(t, http.MethodPost, path, body); got.Status != want {
			t.Errorf("%s: got %d %s", path, got.Status, got.Text)
		}
	}
	return map[string]func(data string){
		"publish": func(data string) { a.publish(t, "news", data) },
		"batch": func(data string) {
			say("/v1/messages", fmt.Sprintf(`{"messages":[{"channels":["news","side"],"data":%q}]}`, data), http.StatusOK)
		},
		"commands": func(data string) {
			publish := fmt.Sprintf(`{"op":"publish","ref":1,"channel":"news","data":%q}`, data)
			say("/v1/commands", fmt.Sprintf(`{"session":%q,"commands":[%s]}`, session, publish), http.StatusOK)
		},
		"socket": func(data string) {
			if got := socket.ask("publish", fmt.Sprintf(`"channel":"news","data":%q`, data)); got.text("op") != "ok" {
				t.Errorf("publish: %v", got)
			}
		},
	}
}

// TestChannelsOfTwoAppsNeverCross has two apps use one name for a channel: over every transport each hears itself alone.
func TestChannelsOfTwoAppsNeverCross(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	apps := []*app{n.newApp(t, "ada", nil), n.newApp(t, "bea", nil)}
	followers := make([]map[string]follower, len(apps))
	speakers := make([]map[string]func(string), len(apps))
	for i, a := range apps {
		followers[i], speakers[i] = a.followAll(t, a.publishable, "news"), a.speakers(t)
	}
	said := make([][]string, len(apps))
	for round := range 3 {
		for way := range speakers[0] {
			for i := range apps {
				data := fmt.Sprintf("%d %s %d", i, way, round)
				speakers[i][way](data)
				said[i] = append(said[i], data)
			}
		}
	}
	for i, a := range apps {
		for transport, follower := range followers[i] {
			for at, want := range said[i] {
				if got := follower.message(); got.text("data") != want || got.number("offset") != at+1 {
					t.Fatalf("app %d, %s: got %v where %q was due", i, transport, got, want)
				}
			}
		}
		held := a.history(t, "news")
		for at, want := range said[i] {
			if len(held) != len(said[i]) || held[at].text("data") != want {
				t.Fatalf("app %d: the history is %v, want %v", i, held, said[i])
			}
		}
	}
}

// TestPresenceOfTwoAppsNeverCrosses has the same client id enter a channel of the same name in two apps.
func TestPresenceOfTwoAppsNeverCrosses(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	a, b := n.newApp(t, "ada", nil), n.newApp(t, "bea", nil)
	sockets := make(map[*app]*socket)
	for _, one := range []*app{a, b} {
		one.rule(t, channel.Rule{Prefix: "room", Public: true, Presence: true})
		token := one.token(t, `{"client_id":"same","capabilities":{"room":["subscribe","presence"]}}`)
		sockets[one], _ = n.dial(t, token)
		sockets[one].ask("subscribe", `"channel":"room","presence":true`)
	}
	if got := sockets[a].ask("enter", `"channel":"room","data":"a"`); got.number("version") != 1 {
		t.Fatalf("enter: %v", got)
	}
	if got := sockets[b].ask("members", `"channel":"room"`); len(got.list("members")) != 0 || got.number("version") != 0 {
		t.Errorf("the other app sees %v", got)
	}
	if got := sockets[b].ask("leave", `"channel":"room"`); got.text("op") != "ok" {
		t.Errorf("leave where one is not: %v", got)
	}
	if got := sockets[b].ask("enter", `"channel":"room","data":"b"`); got.number("version") != 1 {
		t.Errorf("enter: %v", got)
	}
	for one, want := range map[*app]string{a: "a", b: "b"} {
		if got := sockets[one].next("presence"); got.in("member").text("data") != want || got.number("version") != 1 {
			t.Errorf("app %s is told %v, want %s", one.id, got, want)
		}
		got := n.call(t, http.MethodGet, "/v1/channels/room/presence?key="+one.publishable, "", "")
		if members := got.JSON.list("members"); len(members) != 1 || members[0].text("data") != want {
			t.Errorf("app %s has the members %s, want %s alone", one.id, got.Text, want)
		}
	}
	if got := a.call(t, http.MethodDelete, "/v1/sessions?client_id=same", ""); got.JSON.number("disconnected") != 1 {
		t.Errorf("disconnect: %s", got.Text)
	}
	if code := sockets[a].closing(); code != 4016 {
		t.Errorf("the session that was ended closes with %d, want 4016", code)
	}
	if got := sockets[b].ask("members", `"channel":"room"`); len(got.list("members")) != 1 {
		t.Errorf("the other app's session of that client id: %v", got)
	}
}
