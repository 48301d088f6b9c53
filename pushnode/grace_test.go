package pushnode_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/channel"
)

// presence is the channel room of an app with who watches it.
type presence struct {
	*app
	watcher *socket
	token   string // of the client ada, who comes and goes
}

func newPresence(t *testing.T, n *node, name string) *presence {
	t.Helper()
	p := &presence{app: n.newApp(t, name, nil)}
	p.rule(t, channel.Rule{Prefix: "room", Public: true, Presence: true})
	p.watcher, _ = n.dial(t, p.publishable)
	p.watcher.ask("subscribe", `"channel":"room","presence":true`).expect(t, "subscribe", "", "")
	p.token = p.app.token(t, `{"client_id":"ada","capabilities":{"room":["subscribe","presence"]}}`)
	return p
}

// client is a session of ada over some transport, who is present: how to end its connection, and what resumes it.
type client struct {
	drop   func()
	resume string
	closed func() string // waits for the end that the server brings about, and says how it came
}

// transports make such a client; of a resume token, the one whom it resumes.
var transports = map[string]func(t *testing.T, p *presence, resume string) *client{
	"WebSocket": func(t *testing.T, p *presence, resume string) *client {
		s := p.node.handshake(t, nil, "token="+p.token+"&session="+url.QueryEscape(resume))
		connected := s.next("connected")
		if resume == "" {
			s.ask("enter", `"channel":"room"`).expect(t, "enter", "", "")
		}
		return &client{
			drop: func() { _ = s.conn.CloseNow() }, resume: connected.text("resume"),
			closed: func() string { return fmt.Sprint(s.closing()) },
		}
	},
	"event stream": func(t *testing.T, p *presence, resume string) *client {
		s := p.node.follow(t, p.token, "channel=room&session="+orNew(resume))
		c := &client{drop: s.end, resume: s.first.text("resume"), closed: func() string {
			return fmt.Sprint(s.next("error").in("error").number("code"))
		}}
		p.enter(t, c.resume, resume)
		return c
	},
	"long poll": func(t *testing.T, p *presence, resume string) *client {
		poll := func(wait, session string) reply {
			path := "/v1/poll?channel=room&token=" + p.token + "&wait=" + wait + "&session=" + orNew(session)
			return p.node.call(t, http.MethodGet, path, "", "")
		}
		got := poll("0s", resume)
		c := &client{drop: func() {}, resume: got.JSON.in("connected").text("resume")}
		p.enter(t, c.resume, resume)
		c.closed = func() string {
			got := poll("50s", c.resume)
			return fmt.Sprint(got.JSON.in("error").number("code"))
		}
		return c
	},
}

func orNew(resume string) string {
	if resume == "" {
		return "new"
	}
	return url.QueryEscape(resume)
}

// enter makes a new session present; one that is resumed is.
func (p *presence) enter(t *testing.T, session, resumed string) {
	t.Helper()
	if resumed != "" {
		return
	}
	body := fmt.Sprintf(`{"session":%q,"commands":[{"op":"enter","ref":1,"channel":"room"}]}`, session)
	got := p.node.call(t, http.MethodPost, "/v1/commands", body, "Bearer "+p.token)
	got.expect(t, "enter", "", "")
}

// members is how many are present, and the version of the set.
func (p *presence) members(t *testing.T) string {
	t.Helper()
	got := p.call(t, http.MethodGet, "/v1/channels/room/presence", "")
	return fmt.Sprint(len(got.JSON.list("members")), " at ", got.JSON.number("version"))
}

// still reports whether nothing was told of presence up to now.
func (p *presence) still() bool {
	p.watcher.ask("ping", "")
	kept := fmt.Sprint(p.watcher.kept)
	return !strings.Contains(kept, "presence")
}

// TestPresenceOutlivesConnections ends the connections of members, one over each transport: they are present for 15 s, and gone
// then, unless they come back, over any transport, which nobody is told of.
func TestPresenceOutlivesConnections(t *testing.T) {
	t.Parallel()
	returns := map[string]string{"WebSocket": "event stream", "event stream": "long poll", "long poll": "WebSocket"}
	inBubble(t, func(t *testing.T, n *node) {
		rooms, clients := make(map[string]*presence), make(map[string]*client)
		for transport, connect := range transports {
			rooms[transport] = newPresence(t, n, strings.ReplaceAll(transport, " ", "-"))
			clients[transport] = connect(t, rooms[transport], "")
			if got := rooms[transport].watcher.next("presence"); got.text("action") != "enter" {
				t.Fatalf("%s: who enters is told as %v", transport, got)
			}
		}
		still := func(when string) {
			t.Helper()
			for transport, p := range rooms {
				if got := p.members(t); got != "1 at 1" || !p.still() {
					t.Fatalf("%s, %s: %s members; told meanwhile: %v", transport, when, got, p.watcher.kept)
				}
			}
		}
		for _, client := range clients {
			client.drop()
		}
		pass(14 * time.Second)
		for transport, p := range rooms {
			clients[transport] = transports[returns[transport]](t, p, clients[transport].resume)
		}
		still("back within the grace")
		for _, client := range clients {
			client.drop()
		}
		dropped := time.Now()
		pass(14900 * time.Millisecond) // beyond the first grace, and within the second
		still("just before the end of the grace")
		for transport, p := range rooms {
			left := p.watcher.next("presence")
			if after := time.Since(dropped); left.text("action") != "leave" || after > 17*time.Second {
				t.Errorf("%s: told %v after %v, want a leave within 15 to 17 s", transport, left, after)
			}
			if got := p.members(t); got != "0 at 2" {
				t.Errorf("%s: after the grace: %s members", transport, got)
			}
		}
	})
}

// TestDisconnectEndsPresenceAtOnce ends ada's sessions by her client id, over each transport.
func TestDisconnectEndsPresenceAtOnce(t *testing.T) {
	t.Parallel()
	for transport, connect := range transports {
		t.Run(transport, func(t *testing.T) {
			inBubble(t, func(t *testing.T, n *node) {
				p := newPresence(t, n, "rooms")
				c, parked := connect(t, p, ""), transports["WebSocket"](t, p, "")
				parked.drop()
				ended := make(chan string, 1)
				go func() {
					defer close(ended)
					ended <- c.closed()
				}()
				synctest.Wait()
				for _, none := range []string{"client_id=nobody", "session=ses_none", "client_id=Ada"} {
					if got := p.call(t, http.MethodDelete, "/v1/sessions?"+none, ""); got.Text != `{"disconnected":0}` {
						t.Errorf("%s: got %d %s", none, got.Status, got.Text)
					}
				}
				if got := p.members(t); got != "2 at 2" {
					t.Errorf("after sessions were ended that are not there: %s members", got)
				}
				began := time.Now()
				if got := p.call(t, http.MethodDelete, "/v1/sessions?client_id=ada", ""); got.Text != `{"disconnected":2}` {
					t.Errorf("got %d %s, want 2 sessions", got.Status, got.Text)
				}
				if got := <-ended; got != "4016" {
					t.Errorf("the connection ends with %s, want 4016", got)
				}
				for left := 0; left < 2; {
					if p.watcher.next("presence").text("action") == "leave" {
						left++
					}
				}
				if after := time.Since(began); after > time.Second {
					t.Errorf("the leaves are told after %v", after)
				}
				again := "/v1/poll?wait=0s&session=" + url.QueryEscape(c.resume) + "&token=" + p.token
				back := n.call(t, http.MethodGet, again, "", "")
				if transport == "long poll" { // nobody knows whether its answer arrived
					if back.JSON.in("error")["code"] != float64(4016) {
						t.Errorf("the next poll is not told: %d %s", back.Status, back.Text)
					}
					back = n.call(t, http.MethodGet, again, "", "")
				}
				if back.JSON.in("connected")["resumed"] != false {
					t.Errorf("a session that was ended comes back: %d %s", back.Status, back.Text)
				}
			})
		})
	}
}

// TestCloseEndsPresenceAtOnce has a client say that it goes.
func TestCloseEndsPresenceAtOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, n *node) {
		p := newPresence(t, n, "rooms")
		c := transports["event stream"](t, p, "")
		p.watcher.next("presence")
		began := time.Now()
		body := fmt.Sprintf(`{"session":%q,"commands":[{"op":"close","ref":1}]}`, c.resume)
		n.call(t, http.MethodPost, "/v1/commands", body, "Bearer "+p.token).expect(t, "close", "", "")
		if got := p.watcher.next("presence"); got.text("action") != "leave" || time.Since(began) > time.Second {
			t.Errorf("told %v after %v", got, time.Since(began))
		}
	})
}
