package pushnode_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode"
	"halley/pushnode/channel"
	"halley/pushnode/cluster"
	"halley/pushnode/session"
	"halley/tenant"
)

// fleet is a cluster of whole nodes in this process, on one store.
type fleet struct {
	tb     testing.TB
	wires  *wires
	folder string // of the store
	nodes  []*member
	log    slog.Handler
	posts  posts // what webhooks are sent, by any node
}

// member is one node of a fleet.
type member struct {
	*node
	name     string
	fleet    *fleet
	cluster  *cluster.Cluster
	clients  clients
	silence  func() // ends its gossip without a word
	killed   bool
	departed sync.WaitGroup
}

// newFleet starts a cluster whose every slot has three copies, or as many as there are nodes.
func newFleet(t testing.TB, size int, memory bool) *fleet {
	t.Helper()
	f := &fleet{tb: t, wires: newWires(memory), folder: freshFolder(t), log: slog.DiscardHandler}
	for i := range size {
		f.start(t, fmt.Sprint("n", i+1))
	}
	f.awaitLevel(t)
	return f
}

// fleetInBubble runs a test on a fleet whose wires and clock are those of a bubble: its clock goes on only when everybody waits.
func fleetInBubble(t *testing.T, size int, test func(t *testing.T, f *fleet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { pass(gossipEnds) }) // after all nodes have stopped: time ends with the bubble's main goroutine
		test(t, newFleet(t, size, true))
	})
}

// gossipEnds is how long memberlist goes on with what it was at when it ended.
const gossipEnds = 10 * time.Second

// start adds a node that knows all others, and waits until it knows its cluster.
func (f *fleet) start(t testing.TB, name string) *member {
	t.Helper()
	var known []string
	for _, m := range f.living() {
		known = append(known, m.cluster.Self().Gossip.String())
	}
	return f.begin(t, name, known, nil)
}

// begin adds a node that is given some peers, and perhaps what it held in another cluster.
func (f *fleet) begin(t testing.TB, name string, peers []string, legacy *pushnode.Legacy) *member {
	t.Helper()
	instance := pushnode.NewInstance()
	links, address := f.wires.listen(t, name)
	config := cluster.Config{
		Name: name, Instance: instance, Bind: netip.MustParseAddrPort("127.0.0.1:0"), Links: address, Label: "test",
		Transport: f.wires.gossip(name), Logger: slog.New(f.log), Seeds: peers,
	}
	m := &member{name: name, fleet: f, cluster: must(cluster.New(config))(t)}
	ctx, silence := context.WithCancel(context.WithoutCancel(t.Context()))
	var gossip sync.WaitGroup
	gossip.Go(func() { _ = m.cluster.Run(ctx) })
	m.silence = func() {
		silence()
		gossip.Wait()
	}
	t.Cleanup(m.silence)
	id, founder := must2(m.cluster.Await(t.Context()))(t)
	with := setup{
		session: session.Config{DrainSpread: 50 * time.Millisecond, PingInterval: time.Hour}, log: f.log, clients: &m.clients,
		store: tenant.Config{DataDir: f.folder}, posts: &f.posts,
		seat: seat{instance: instance, cluster: id, peering: &pushnode.Peering{
			Members: m.cluster, Listener: links, Label: "test", Founder: founder, Dial: f.wires.dialer(name),
		}, legacy: legacy},
	}
	if with.listener = listener(newPipes()); !f.wires.memory {
		with.listener = listenTCP(t)
	}
	m.node = with.start(t)
	f.nodes = append(f.nodes, m)
	t.Cleanup(m.departed.Wait)
	return m
}

// living are the nodes that were not killed.
func (f *fleet) living() []*member {
	var list []*member
	for _, m := range f.nodes {
		if !m.killed {
			list = append(list, m)
		}
	}
	return list
}

// others are the living nodes but one.
func (f *fleet) others(but *member) []*member {
	var list []*member
	for _, m := range f.living() {
		if m != but {
			list = append(list, m)
		}
	}
	return list
}

// awaitLevel waits until every living node is ready and every slot has the copies that it can have.
func (f *fleet) awaitLevel(t testing.TB) {
	t.Helper()
	defer func() {
		for _, m := range f.living() {
			if t.Failed() {
				t.Logf("%s: %d members, level %v, ready %v: %+v", m.name, len(m.cluster.View()), m.Level(), m.Ready(), m.Report().Report)
			}
		}
	}()
	f.await(t, "the nodes are not level", func() bool {
		living := f.living()
		for _, m := range living {
			if len(m.cluster.View()) != len(living) || !m.Level() || m.Ready() != nil {
				return false
			}
		}
		return true
	})
}

// glance is how often await looks: to look at all slots of all nodes is work.
const glance = 100 * time.Millisecond

// await fails the test with a complaint where something does not come true within a minute.
func (f *fleet) await(t testing.TB, complaint string, condition func() bool) {
	t.Helper()
	ticks := time.NewTicker(glance)
	defer ticks.Stop()
	for end := time.Now().Add(time.Minute); !condition(); <-ticks.C {
		if time.Now().After(end) {
			t.Fatal(complaint)
		}
	}
}

// kill ends a node at once: nobody is told.
func (m *member) kill() {
	m.killed = true
	m.fleet.wires.unplug(m.name)
	m.clients.cut()
	m.silence()
	m.departed.Go(func() { _ = m.stop() }) // what is left of it talks to nobody
}

// newApp makes an account with an app that every node knows.
func (f *fleet) newApp(t testing.TB, name string, limits tenant.Overrides) *app {
	t.Helper()
	a := f.living()[0].newApp(t, name, limits)
	for _, m := range f.living() {
		f.await(t, "the app did not reach a node", func() bool { _, err := m.Directory.App(a.id); return err == nil })
	}
	return a
}

// rule gives the app a channel rule and waits until every node has it.
func (f *fleet) rule(t testing.TB, a *app, rule channel.Rule) {
	t.Helper()
	a.rule(t, rule)
	revision := must(a.node.Directory.App(a.id))(t).Revision
	for _, m := range f.living() {
		f.await(t, "the rule did not reach a node", func() bool { return must(m.Directory.App(a.id))(t).Revision >= revision })
	}
}

// on is the app as a client of another node sees it.
func (a *app) on(m *member) *app {
	there := *a
	there.node = m.node
	return &there
}

// leader is the node that leads the slot of an app's channel or session; nil while nobody does for all to see.
func (f *fleet) leader(app, name string) *member {
	for _, m := range f.living() {
		if status := m.Slot(app, name); status.Leads && status.Settled {
			return m
		}
	}
	return nil
}

// leads waits until some node leads the slot of an app's channel or session.
func (f *fleet) leads(t testing.TB, a *app, name string) (leader *member) {
	t.Helper()
	f.await(t, "nobody leads "+name, func() bool {
		leader = f.leader(a.id, name)
		return leader != nil
	})
	return leader
}

// named waits for a name, beginning with prefix, whose slot a node leads.
func (f *fleet) named(t testing.TB, a *app, prefix string, leads *member) (name string) {
	t.Helper()
	f.await(t, leads.name+" leads nothing", func() bool {
		for i := range 200 {
			name = fmt.Sprint(prefix, i)
			if f.leader(a.id, name) == leads {
				return true
			}
		}
		return false
	})
	return name
}

// clients are the connections that a node has from them.
type clients struct {
	mu   sync.Mutex
	open map[net.Conn]struct{} // guarded by mu, as dead is
	dead bool
}

// state is for http.Server.ConnState. A WebSocket counts until the end.
func (c *clients) state(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.open == nil:
		c.open = make(map[net.Conn]struct{})
		fallthrough
	case state == http.StateNew:
		c.open[conn] = struct{}{}
	case state == http.StateClosed:
		delete(c.open, conn)
	}
	if c.dead {
		_ = conn.Close()
	}
}

// cut closes all connections, and those to come.
func (c *clients) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = true
	for conn := range c.open {
		_ = conn.Close()
	}
}
