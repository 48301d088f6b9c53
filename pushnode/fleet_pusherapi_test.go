package pushnode_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// TestFleetAnswersPusher asks every node of a cluster what only another one holds: channels, counts, the cached event. It is the same
// when the node that leads a channel is gone.
func TestFleetAnswersPusher(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		a := f.newApp(t, "pusher", nil)
		p := a.pusher(t)
		for _, m := range f.nodes {
			f.await(t, "a node does not know the app", func() bool { _, err := m.Directory.PusherOf(a.id); return err == nil })
		}
		news := f.named(t, a, "news", f.nodes[0])
		s, _ := f.nodes[1].dial(t, p.secret)
		s.ask("subscribe", fmt.Sprintf(`"channel":%q`, news))
		for _, client := range []string{"ada", "bob"} {
			s, _ := f.nodes[2].dial(t, p.token(t, `{"client_id":"`+client+`","capabilities":{"*":["subscribe","presence"]}}`))
			s.ask("subscribe", `"channel":"presence-room"`)
			s.ask("enter", `"channel":"presence-room"`)
		}
		p.trigger(t, `{"name":"e","data":"kept","channels":["cache-room","`+news+`"]}`)
		s.message()

		f.answerPusher(t, p, news)
		f.leads(t, a, news).kill()
		pass(30 * time.Second)
		f.answerPusher(t, p, news)
		for i, m := range f.living() {
			p.on(m).trigger(t, fmt.Sprintf(`{"name":"e","data":"%d","channel":%q}`, i, news))
			if got := s.message(); got.number("data") != i {
				t.Errorf("by %s: got %v, want %d", m.name, got, i)
			}
		}
	})
}

// on is the app as a server sees it that calls another node.
func (p *pusherApp) on(m *member) *pusherApp { return &pusherApp{p.app.on(m), p.Pusher} }

func (f *fleet) answerPusher(t *testing.T, p *pusherApp, news string) {
	t.Helper()
	for _, m := range f.living() {
		for _, row := range []struct{ path, query, want string }{
			{"/channels", "info=subscription_count",
				`{"channels":{"` + news + `":{"subscription_count":1},"presence-room":{"subscription_count":2}}}`},
			{"/channels/presence-room", "info=user_count", `{"occupied":true,"user_count":2}`},
			{"/channels/presence-room/users", "", `{"users":[{"id":"ada"},{"id":"bob"}]}`},
		} {
			f.await(t, m.name+" "+row.path, func() bool { // nodes tell each other how many follow, a moment later
				return p.on(m).ask(t, http.MethodGet, row.path, row.query, "").Text == row.want
			})
		}
		if got := p.on(m).ask(t, http.MethodGet, "/channels/cache-room", "info=cache", ""); got.JSON.in("cache").text("data") != "kept" {
			t.Errorf("%s: the cache is %s", m.name, got.Text)
		}
	}
}
