package pushnode_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// TestAnyNodeAnswers asks each node of a fleet the same, and has the commands of a session and the next poll of a client reach another
// node each time.
func TestAnyNodeAnswers(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		r := newRoom(t, f, "ada")
		first := guests["long poll"](t, r, f.nodes[0], nil)
		r.watcher.told(t, "from the node that polls", "enter")
		other := fmt.Sprintf(`"op":"subscribe","channel":%q`, "room")
		r.command(t, f.nodes[1], first.resume, other).expect(t, "a command to another node", "", "")
		r.command(t, f.nodes[2], first.resume, `"op":"update","channel":"room","data":2`).expect(t, "an update by another node", "", "")
		r.watcher.told(t, "by another node", "update")
		wrong := fmt.Sprintf(`{"session":%q,"commands":[{"op":"ping","ref":1}]}`, first.resume[:len(first.resume)-2]+"AA")
		f.nodes[1].call(t, http.MethodPost, "/v1/commands", wrong, "Bearer "+r.token).expect(t, "a wrong secret", "session_not_found", "")
		follower := r.on(f.nodes[1]).subscriber(t, "room")
		for turn := range 6 {
			r.on(f.nodes[(turn+1)%3]).publish(t, "room", turn)
			next := guests["long poll"](t, r, f.nodes[turn%3], first)
			if got := next.message(); got.number("data") != turn || next.session != first.session {
				t.Fatalf("turn %d: got %v in session %s", turn, got, next.session)
			}
			first = next
		}
		r.watcher.told(t, "while it goes from node to node")
		for i := range 6 {
			if got := follower.message(); got.number("data") != i {
				t.Fatalf("got %v where %d was due", got, i)
			}
		}
		pass(5 * time.Second) // nodes tell each other how many follow
		answers := make(map[string]bool)
		for _, m := range f.nodes {
			text := ""
			for _, path := range []string{
				"/v1/channels", "/v1/channels/room", "/v1/channels/room/presence", "/v1/channels/room/messages?direction=forward",
			} {
				text += r.on(m).call(t, http.MethodGet, path, "").Text
			}
			answers[text] = true
		}
		if len(answers) != 1 {
			t.Errorf("nodes answer differently: %v", answers)
		}
		channel := r.on(f.nodes[0]).call(t, http.MethodGet, "/v1/channels/room", "").JSON.in("occupancy")
		if channel.number("subscribers") != 3 || channel.number("members") != 1 {
			t.Errorf("occupancy is %v, want 3 subscribers and 1 member", channel)
		}
	})
}

// TestDisconnectAnywhere ends sessions by a call to any node: those that are connected to others, those without a record, one that is
// away, and one whose node died. Each counts once.
func TestDisconnectAnywhere(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 4, func(t *testing.T, f *fleet) {
		r := newRoom(t, f, "ada")
		endings := make(map[string]<-chan int)
		for transport, connect := range guests {
			endings[transport] = connect(t, r, f.nodes[0], nil).linger()
		}
		single := f.nodes[0].follow(t, r.token, "channel=room")
		endings["a stream without a record"] = inBackground(t, single.code)
		connect := guests["event stream"]
		orphan := connect(t, r, f.nodes[1], nil)
		orphan.linger()
		away := f.nodes[2].follow(t, r.token, "channel=room&session=new")
		away.end()
		synctest.Wait()
		f.nodes[1].kill()
		f.await(t, "the dead node is a member", func() bool { return len(f.nodes[0].cluster.View()) == 3 })
		r.watcher.told(t, "before", "enter", "enter", "enter", "enter")

		got := r.on(f.nodes[3]).call(t, http.MethodDelete, "/v1/sessions?client_id=ada", "")
		if got.Text != `{"disconnected":6}` {
			t.Errorf("got %d %s, want 6", got.Status, got.Text)
		}
		for kind, ended := range endings {
			if code := <-ended; code != 4016 {
				t.Errorf("%s ends with %d, want 4016", kind, code)
			}
		}
		pass(time.Second)
		r.watcher.told(t, "afterwards", "leave", "leave", "leave", "leave")
		again := r.on(f.nodes[2]).call(t, http.MethodDelete, "/v1/sessions?client_id=ada", "")
		if again.Text != `{"disconnected":0}` {
			t.Errorf("the second time: %d %s", again.Status, again.Text)
		}
	})
}

// TestDisconnectOfTheDead ends sessions of a node that has just died, before the others agree that it has: one by its id at once, and those
// of a client as soon as they do.
func TestDisconnectOfTheDead(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 4, func(t *testing.T, f *fleet) {
		r := newRoom(t, f, "ada")
		connect := guests["event stream"]
		one, other := connect(t, r, f.nodes[1], nil), connect(t, r, f.nodes[1], nil)
		one.linger()
		other.linger()
		synctest.Wait()
		f.nodes[1].kill()
		pass(2 * time.Second) // slots have other leaders
		if members := len(f.nodes[0].cluster.View()); members != 4 {
			t.Fatalf("%d members are left: the test comes too late", members)
		}
		began := time.Now()
		got := r.on(f.nodes[3]).call(t, http.MethodDelete, "/v1/sessions?session="+one.session, "")
		if took := time.Since(began); got.Text != `{"disconnected":1}` || took > time.Second {
			t.Errorf("one session: got %d %s after %v, want it ended at once", got.Status, got.Text, took)
		}
		got = r.on(f.nodes[3]).call(t, http.MethodDelete, "/v1/sessions?client_id=ada", "")
		if got.Text != `{"disconnected":1}` {
			t.Errorf("the client's other session: got %d %s", got.Status, got.Text)
		}
	})
}
