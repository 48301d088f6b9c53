package pushnode_test

import (
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"
)

// isolate cuts a node off from all others.
func (m *member) isolate() {
	for _, other := range m.fleet.others(m) {
		m.fleet.wires.cut(m.name, other.name)
	}
}

// rejoin undoes isolate.
func (m *member) rejoin() {
	for _, other := range m.fleet.others(m) {
		m.fleet.wires.mend(m.name, other.name)
	}
}

// TestNodeThatWasCutOff cuts a node off for so long that it is taken for dead. Its clients stay connected; they are in their sessions
// again once it is back, nobody is told of them, and they have missed nothing.
func TestNodeThatWasCutOff(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		r := newRoom(t, f, "ada")
		g := guests["WebSocket"](t, r, f.nodes[0], nil)
		r.watcher.told(t, "before", "enter")
		f.nodes[0].isolate()
		f.await(t, "the others still count on the node", func() bool { return len(f.nodes[1].cluster.View()) == 2 })
		r.on(f.nodes[1]).publish(t, "room", "1")
		f.await(t, "its sessions count as attached", func() bool {
			return !r.on(f.nodes[1]).attached(t, g.session)
		})
		f.nodes[0].rejoin()
		f.await(t, "the session is not taken back", func() bool { return r.on(f.nodes[1]).attached(t, g.session) })
		if got := g.message(); got.text("data") != "1" {
			t.Errorf("got %v", got)
		}
		r.watcher.told(t, "afterwards")
		r.on(f.nodes[2]).publish(t, "room", "2")
		if got := g.message(); got.text("data") != "2" {
			t.Errorf("got %v", got)
		}
	})
}

// attached reports whether the record of a session shows a connection.
func (a *app) attached(t *testing.T, session string) bool {
	t.Helper()
	attached, err := a.node.Attached(t.Context(), a.id, session)
	return err == nil && attached
}

// TestAttachmentThatNobodyHeardOf has a client come back to a node that is cut off just when it asks for the record: whether it was
// attached is not known. Nobody is there, so the record is detached.
func TestAttachmentThatNobodyHeardOf(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		r := newRoom(t, f, "ada")
		var g *guest
		for g == nil || f.leader(r.id, g.session) == f.nodes[1] { // the leader is not the node that they come back to
			if g != nil {
				r.on(f.nodes[0]).call(t, http.MethodDelete, "/v1/sessions?session="+g.session, "")
			}
			g = guests["event stream"](t, r, f.nodes[0], nil)
		}
		pass(time.Second)
		r.watcher.actions()
		g.linger()
		asking := make(chan reply, 1)
		for _, other := range f.others(f.nodes[1]) {
			f.wires.deafen(other.name, f.nodes[1].name)
		}
		path := "/v1/poll?wait=0s&token=" + r.token + "&session=" + url.QueryEscape(g.resume)
		go func() { asking <- f.nodes[1].call(t, http.MethodGet, path, "", "") }()
		synctest.Wait()
		if got := <-asking; got.Status == http.StatusOK {
			t.Fatalf("the attachment is known to be done: %s", got.Text)
		}
		if !r.on(f.nodes[0]).attached(t, g.session) {
			t.Fatal("the attachment was not recorded")
		}
		f.nodes[1].rejoin()
		f.await(t, "the record stays attached to nobody", func() bool { return !r.on(f.nodes[0]).attached(t, g.session) })
	})
}
