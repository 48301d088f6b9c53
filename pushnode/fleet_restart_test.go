package pushnode_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"halley/pushnode/channel"
)

// restart drains a node, ends it and starts it again, as a planned restart does. moved is called while it drains.
func (m *member) restart(t *testing.T, moved func()) *member {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	drained := make(chan error, 1)
	var draining sync.WaitGroup
	draining.Go(func() { drained <- m.Drain(ctx) })
	moved()
	draining.Wait()
	if err := <-drained; err != nil {
		t.Errorf("drain: %v", err)
	}
	if err := m.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := m.cluster.Leave(ctx); err != nil {
		t.Errorf("leave: %v", err)
	}
	m.kill()
	again := m.fleet.start(t, m.name)
	m.fleet.awaitLevel(t)
	return again
}

// load publishes on rooms, through whichever node a balancer would choose, until it is stopped.
type load struct {
	nodes     atomic.Pointer[[]*member]
	published map[string]*atomic.Int64 // by room
	read      map[string]int           // by room, up to where its guest has read
	stop      func()
}

func publishOn(t *testing.T, f *fleet, rooms map[string]*room) *load {
	t.Helper()
	l := &load{published: make(map[string]*atomic.Int64), read: make(map[string]int)}
	nodes := f.living()
	l.nodes.Store(&nodes)
	ctx, stop := context.WithCancel(t.Context())
	var publishing sync.WaitGroup
	for name, r := range rooms {
		count := new(atomic.Int64)
		l.published[name] = count
		publishing.Go(func() {
			for turn := 0; ctx.Err() == nil; turn++ {
				pass(500 * time.Millisecond)
				all := *l.nodes.Load()
				m := all[turn%len(all)]
				if m.Ready() != nil {
					continue
				}
				got := r.on(m).call(t, http.MethodPost, "/v1/channels/room/messages", fmt.Sprintf(`{"data":"%d"}`, count.Load()+1))
				if got.Status != http.StatusCreated {
					t.Errorf("%s: publish: %d %s", name, got.Status, got.Text)
					return
				}
				count.Add(1)
			}
		})
	}
	l.stop = sync.OnceFunc(func() {
		stop()
		publishing.Wait()
	})
	t.Cleanup(l.stop)
	return l
}

// on is how many messages have been published on a room.
func (l *load) on(room string) int { return int(l.published[room].Load()) }

// comeBack has a guest go on at a node from where its cursor says that it is; it must have its session.
func (l *load) comeBack(t *testing.T, r *room, at *member, transport string, g *guest) *guest {
	t.Helper()
	l.read[transport] = must(strconv.Atoi(g.cursor()[strings.LastIndexByte(g.cursor(), ':')+1:]))(t)
	back := guests[transport](t, r, at, g)
	if back.resumed != true || back.session != g.session {
		t.Errorf("%s: comes back as %s, resumed %v, and was %s", transport, back.session, back.resumed, g.session)
	}
	return back
}

// catchUp reads what a guest has not got, which begins right after what it read last, up to what is published by now.
func (l *load) catchUp(t *testing.T, room string, g *guest) {
	t.Helper()
	for published := l.on(room); l.read[room] < published; l.read[room]++ {
		if got := g.message(); got.number("offset") != l.read[room]+1 {
			t.Fatalf("%s: got %v where offset %d was due", room, got, l.read[room]+1)
		}
	}
}

// TestPlannedRestartMovesEachClientOnce restarts two nodes of three in an orderly way, under load. Every client of a node is sent away
// once, over each transport, and goes on at the next message with its session; no other client is moved; no publish fails where a
// balancer sends it; and nobody is seen to come or go.
func TestPlannedRestartMovesEachClientOnce(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		rooms, movers, stayers := make(map[string]*room), make(map[string]*guest), make(map[string]<-chan int)
		for transport, connect := range guests {
			r := newRoom(t, f, "app-"+transport[:2])
			rooms[transport], movers[transport] = r, connect(t, r, f.nodes[0], nil)
			stayers[transport] = connect(t, r, f.nodes[2], nil).linger()
			r.watcher.told(t, transport, "enter", "enter")
		}
		load := publishOn(t, f, rooms)
		pass(2 * time.Second)
		for transport, g := range movers {
			load.catchUp(t, transport, g)
		}
		from, to := f.nodes[0], f.nodes[1]
		for range 2 {
			ended := make(map[string]<-chan int)
			for transport, g := range movers {
				ended[transport] = g.linger()
			}
			again := from.restart(t, func() {
				for transport, g := range movers {
					if code := <-ended[transport]; code != 4200 && (transport != "event stream" || code != 0) {
						t.Errorf("%s: its connection ends with %d, want that of a drain", transport, code)
					}
					movers[transport] = load.comeBack(t, rooms[transport], to, transport, g)
					load.catchUp(t, transport, movers[transport])
				}
			})
			nodes := f.living()
			load.nodes.Store(&nodes)
			from, to = to, again
		}
		load.stop()
		for transport, g := range movers {
			load.catchUp(t, transport, g)
			if published := load.on(transport); published < 20 {
				t.Errorf("%s: %d messages are no load", transport, published)
			}
			select {
			case code := <-stayers[transport]:
				t.Errorf("%s: the client of a node that stayed was sent away with %d", transport, code)
			default:
			}
			g.linger()
		}
		pass(channel.PresenceGrace + 5*time.Second)
		for transport, r := range rooms {
			r.watcher.told(t, transport)
		}
	})
}
