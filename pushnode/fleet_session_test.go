package pushnode_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"halley/pushnode/channel"
)

// room is a presence channel of a fleet: a watcher sits on the last node, and ada's clients come and go on the others.
type room struct {
	*app
	fleet   *fleet
	watcher *watcher
	token   string // of ada
}

func newRoom(t *testing.T, f *fleet, name string) *room {
	t.Helper()
	r := &room{app: f.newApp(t, name, nil), fleet: f}
	f.rule(t, r.app, channel.Rule{Prefix: "room", Public: true, Presence: true})
	r.watcher = f.nodes[len(f.nodes)-1].watch(t, r.publishable, "room")
	r.token = r.app.token(t, `{"client_id":"ada","capabilities":{"room":["subscribe","presence","publish","history"]}}`)
	return r
}

// watcher is a client who follows the presence of a channel and reads all that comes, at once.
type watcher struct {
	mu     sync.Mutex
	events []object // of presence; guarded by mu
}

func (n *node) watch(t *testing.T, credential, name string) *watcher {
	t.Helper()
	s, _ := n.dial(t, credential)
	s.ask("subscribe", fmt.Sprintf(`"channel":%q,"presence":true`, name)).expect(t, "subscribe", "", "")
	w := new(watcher)
	var reading sync.WaitGroup
	ctx, end := context.WithCancel(t.Context())
	reading.Go(func() {
		for {
			_, data, err := s.conn.Read(ctx)
			if err != nil {
				return
			}
			if push := decode(t, data); push.text("op") == "presence" {
				w.mu.Lock()
				w.events = append(w.events, push)
				w.mu.Unlock()
			}
		}
	})
	t.Cleanup(func() {
		end()
		reading.Wait()
	})
	return w
}

// actions is what has been told of presence up to now, and not asked for before.
func (w *watcher) actions() (actions []string) {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, event := range w.events {
		actions = append(actions, event.text("action"))
	}
	w.events = nil
	return actions
}

// told fails the test unless exactly this has been told of presence since it was last called.
func (w *watcher) told(t *testing.T, when string, want ...string) {
	t.Helper()
	if got := w.actions(); !slices.Equal(got, want) {
		t.Errorf("%s: the watcher is told %v, want %v", when, got, want)
	}
}

// guest is ada over some transport, in the room.
type guest struct {
	session string // its public id
	resume  string // what resumes it
	resumed any    // whether it was
	cursor  func() string
	message func() object
	// linger leaves the client to itself: it waits for what comes, and tells how its connection ends; 0: without a word.
	linger func() <-chan int
}

// guests connect ada to a node: of a guest who was there before, as its client goes on.
var guests = map[string]func(t *testing.T, r *room, at *member, before *guest) *guest{
	"WebSocket": func(t *testing.T, r *room, at *member, before *guest) *guest {
		query := "token=" + r.token
		if before != nil {
			query += "&session=" + url.QueryEscape(before.resume) + "&cursor=" + url.QueryEscape(before.cursor())
		}
		s := at.handshake(t, nil, query)
		connected := s.next("connected")
		position := ""
		if before == nil {
			answer := s.ask("subscribe", `"channel":"room"`)
			position = fmt.Sprintf("room*%s:%d", answer.text("epoch"), answer.number("offset"))
			s.ask("enter", `"channel":"room","data":1`).expect(t, "enter", "", "")
		}
		return &guest{
			session: connected.text("session"), resume: connected.text("resume"), resumed: connected["resumed"],
			cursor: func() string { return position },
			message: func() object {
				got := s.message()
				position = fmt.Sprintf("room*%s:%d", got.text("epoch"), got.number("offset"))
				return got
			},
			linger: func() <-chan int { return inBackground(t, s.end) },
		}
	},
	"event stream": func(t *testing.T, r *room, at *member, before *guest) *guest {
		session, last := "", ""
		if before != nil {
			session, last = before.resume, before.cursor()
		}
		s := at.followAfter(t, r.token, "channel=room&session="+orNew(session), last)
		s.next("subscribed") // before that nobody knows where it begins
		g := &guest{
			session: s.first.text("session"), resume: s.first.text("resume"), resumed: s.first["resumed"],
			cursor: func() string { return s.id }, message: s.message,
			linger: func() <-chan int { return inBackground(t, s.code) },
		}
		r.enterOn(t, at, g.resume, before)
		return g
	},
	"long poll": func(t *testing.T, r *room, at *member, before *guest) *guest {
		p := &poller{node: at.node, tb: t, base: "/v1/poll?channel=room&token=" + r.token}
		session := ""
		if before != nil {
			p.cursor, session = before.cursor(), before.resume
		}
		p.base += "&session=" + orNew(session)
		answer := p.once("0s")
		connected := answer.in("connected")
		p.base = "/v1/poll?channel=room&token=" + r.token + "&session=" + url.QueryEscape(connected.text("resume"))
		p.kept = ordered(answer)
		g := &guest{
			session: connected.text("session"), resume: connected.text("resume"), resumed: connected["resumed"],
			cursor: func() string { return p.cursor }, message: p.message,
			linger: func() <-chan int { return inBackground(t, p.end) },
		}
		r.enterOn(t, at, g.resume, before)
		return g
	},
}

// inBackground runs what a client waits for beside the test, which it does not outlive.
func inBackground(t *testing.T, wait func() int) <-chan int {
	t.Helper()
	ended := make(chan int, 1)
	var waiting sync.WaitGroup
	waiting.Go(func() { ended <- wait() })
	t.Cleanup(waiting.Wait)
	return ended
}

// end reads until the connection ends, for as long as that takes.
func (s *socket) end() int {
	for {
		if _, _, err := s.conn.Read(s.tb.Context()); err != nil {
			return max(int(websocket.CloseStatus(err)), 0)
		}
	}
}

// code reads until the stream ends.
func (s *stream) code() (code int) {
	for s.lines.Scan() {
		if data, found := strings.CutPrefix(s.lines.Text(), "data: "); found {
			code = decode(s.tb, []byte(data)).in("error").number("code")
		}
	}
	return code
}

// end polls again and again, until it is told an error or nothing at all.
func (p *poller) end() int {
	for {
		path := p.node.URL + p.base + "&wait=50s&cursor=" + url.QueryEscape(p.cursor)
		request, err := http.NewRequestWithContext(p.tb.Context(), http.MethodGet, path, nil)
		if err != nil {
			p.tb.Error(err)
			return 0
		}
		response, err := p.node.client.Do(request)
		if err != nil {
			return 0
		}
		data, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil {
			return 0
		}
		answer := decode(p.tb, data)
		if response.StatusCode != http.StatusOK {
			return answer.in("error").number("code")
		}
		p.cursor = answer.text("cursor")
	}
}

// enterOn makes a new session present, by commands to a node.
func (r *room) enterOn(t *testing.T, at *member, resume string, before *guest) {
	t.Helper()
	if before == nil {
		r.command(t, at, resume, `"op":"enter","channel":"room","data":1`).expect(t, "enter", "", "")
	}
}

// command sends a command beside a stream, and returns its reply.
func (r *room) command(t *testing.T, at *member, resume, fields string) object {
	t.Helper()
	body := fmt.Sprintf(`{"session":%q,"commands":[{"ref":1,%s}]}`, resume, fields)
	got := at.call(t, http.MethodPost, "/v1/commands", body, "Bearer "+r.token)
	if got.Status != http.StatusOK {
		t.Fatalf("command: %d %s", got.Status, got.Text)
	}
	return got.JSON.list("replies")[0]
}

// TestSessionsOutliveTheirNode kills the node that clients are connected to over each transport. Those who come back, on another, have
// their session with its subscriptions and presence, and get what was published meanwhile, once and in order: nobody saw them go. Those
// who do not leave once, after their grace.
func TestSessionsOutliveTheirNode(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		rooms, before := make(map[string]*room), make(map[string]*guest)
		for transport, connect := range guests {
			r := newRoom(t, f, "app-"+transport[:2])
			connect(t, r, f.nodes[0], nil).linger()
			r.watcher.told(t, transport+", who does not come back", "enter")
			rooms[transport], before[transport] = r, connect(t, r, f.nodes[0], nil)
			r.watcher.told(t, transport, "enter")
			r.on(f.nodes[1]).publish(t, "room", "1")
			if got := before[transport].message(); got.text("data") != "1" {
				t.Fatalf("%s: got %v", transport, got)
			}
			before[transport].linger()
		}
		synctest.Wait()
		f.nodes[0].kill()
		for _, r := range rooms {
			for _, data := range []string{"2", "3"} {
				r.on(f.nodes[2]).publish(t, "room", data)
			}
		}
		pass(20 * time.Second) // beyond the grace of who left, within that of who lost its node
		for transport, connect := range guests {
			r, old := rooms[transport], before[transport]
			back := connect(t, r, f.nodes[1], old)
			if back.resumed != true || back.session != old.session {
				t.Fatalf("%s: comes back as %s, resumed %v, and was %s", transport, back.session, back.resumed, old.session)
			}
			r.on(f.nodes[2]).publish(t, "room", "4")
			for want := 2; want <= 4; want++ {
				if got := back.message(); got.text("data") != fmt.Sprint(want) || got.number("offset") != want {
					t.Fatalf("%s: got %v where %d was due", transport, got, want)
				}
			}
			back.linger()
		}
		pass(channel.LostGrace - 25*time.Second)
		for transport, r := range rooms {
			r.watcher.told(t, transport+", before the end of the grace")
		}
		pass(15 * time.Second)
		for transport, r := range rooms {
			r.watcher.told(t, transport+", after it", "leave")
			got := r.on(f.nodes[1]).call(t, http.MethodGet, "/v1/channels/room/presence", "")
			if members := got.JSON.list("members"); len(members) != 1 || members[0].text("session") != before[transport].session {
				t.Errorf("%s: members are %s", transport, got.Text)
			}
		}
	})
}

// TestSessionMovesFromALivingNode has clients come back elsewhere while their first node lives: it lets them go, and nobody is told.
func TestSessionMovesFromALivingNode(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		rooms := make(map[string]*room)
		for transport, connect := range guests {
			r := newRoom(t, f, "app-"+transport[:2])
			old := connect(t, r, f.nodes[0], nil)
			rooms[transport] = r
			ended := old.linger()
			synctest.Wait()
			back := connect(t, r, f.nodes[1], old)
			if back.session != old.session {
				t.Errorf("%s: it is another session", transport)
			}
			if code := <-ended; code != 4015 {
				t.Errorf("%s: the old connection ends with %d, want 4015", transport, code)
			}
			f.await(t, "the old node keeps the session", func() bool { return f.nodes[0].Sessions(r.id) == 0 })
			r.on(f.nodes[2]).publish(t, "room", "1")
			if got := back.message(); got.text("data") != "1" {
				t.Errorf("%s: got %v", transport, got)
			}
			back.linger()
		}
		pass(channel.PresenceGrace + 5*time.Second)
		for transport, r := range rooms {
			r.watcher.told(t, transport, "enter")
		}
	})
}
