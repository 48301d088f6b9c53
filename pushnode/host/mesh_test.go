package host_test

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

// mesh is a few hosts of one slot whose links a test brings up and breaks, and whose frames arrive when it says so. Instance i+1 is the
// host at i.
type mesh struct {
	t     *testing.T
	size  int
	mode  host.TwoNodes
	now   int64
	hosts []*host.Host
	down  map[uint64]bool
	apart map[[2]uint64]bool
	queue []meshFrame
	drop  func(from, to uint64, frame []byte) bool
}

type meshFrame struct {
	from, to uint64
	frame    []byte
}

// meshEnd is the surroundings of one host.
type meshEnd struct {
	untold
	*mesh
	self uint64
}

func (e meshEnd) Send(to uint64, class host.Class, frame []byte) bool {
	if !e.linked(e.self, to) {
		return false
	}
	e.queue = append(e.queue, meshFrame{e.self, to, frame})
	return true
}
func (meshEnd) Deliver(int, []channel.Effect, bool)         {}
func (meshEnd) Behind(channel.ID, channel.Position, uint64) {}
func (meshEnd) Missed(int)                                  {}
func (meshEnd) Queued(uint64, host.Class) int               { return 0 }
func (meshEnd) Called(uint64, uint64, []byte)               {}
func (meshEnd) Overloaded(int) bool                         { return false }

// newMesh founds a slot at the first of so many hosts, and waits until all of them hold it.
func newMesh(t *testing.T, size int, mode host.TwoNodes) *mesh {
	t.Helper()
	m := &mesh{t: t, size: size, mode: mode, now: 1_000_000, down: map[uint64]bool{}, apart: map[[2]uint64]bool{}}
	var nodes []host.Node
	for i := range size {
		self := uint64(i + 1)
		nodes = append(nodes, host.Node{Instance: self, Name: fmt.Sprint("node", self), Started: int64(i)})
		m.hosts = append(m.hosts, host.New(m.config(self), meshEnd{mesh: m, self: self}))
	}
	if err := m.at(1).Found(m.now); err != nil {
		t.Fatal(err)
	}
	for _, h := range m.hosts {
		h.SetView(m.now, nodes)
	}
	for a := range m.hosts {
		for b := range m.hosts[:a] {
			m.at(uint64(a+1)).PeerUp(m.now, uint64(b+1))
			m.at(uint64(b+1)).PeerUp(m.now, uint64(a+1))
		}
	}
	m.pass(20_000)
	for i := range m.hosts {
		if status := m.hosts[i].Status(0); len(status.Voters) != size || !status.Copy {
			t.Fatalf("at %d the slot is %+v, want %d voters", i+1, status, size)
		}
	}
	return m
}

func (m *mesh) config(self uint64) host.Config {
	return host.Config{
		Self: self, Cluster: 1, Slots: 1, Copies: m.size, Seed: self, TwoNodes: m.mode, Logger: slog.New(slog.DiscardHandler),
	}
}

func (m *mesh) at(instance uint64) *host.Host { return m.hosts[instance-1] }

func (m *mesh) linked(a, b uint64) bool {
	return !m.down[a] && !m.down[b] && !m.apart[[2]uint64{min(a, b), max(a, b)}]
}

// deliver lets all frames arrive, and those that they cause.
func (m *mesh) deliver() {
	for len(m.queue) > 0 {
		next := m.queue[0]
		m.queue = m.queue[1:]
		if m.linked(next.from, next.to) && (m.drop == nil || !m.drop(next.from, next.to, next.frame)) {
			if err := m.at(next.to).Receive(m.now, next.from, next.frame); err != nil {
				m.t.Fatalf("from %d to %d: %v", next.from, next.to, err)
			}
		}
	}
}

// pass lets so many milliseconds pass.
func (m *mesh) pass(milliseconds int64) {
	for end := m.now + milliseconds; m.now < end; m.now += 50 {
		for i, h := range m.hosts {
			if !m.down[uint64(i+1)] {
				h.Tick(m.now)
			}
		}
		m.deliver()
	}
}

// cut breaks a link.
func (m *mesh) cut(a, b uint64) {
	m.apart[[2]uint64{min(a, b), max(a, b)}] = true
	m.at(a).PeerDown(m.now, b, true)
	m.at(b).PeerDown(m.now, a, true)
}

func (m *mesh) mend(a, b uint64) {
	delete(m.apart, [2]uint64{min(a, b), max(a, b)})
	m.at(a).PeerUp(m.now, b)
	m.at(b).PeerUp(m.now, a)
	m.deliver()
}

// kill ends hosts. Nobody has proof of it.
func (m *mesh) kill(dead ...uint64) {
	for _, instance := range dead {
		m.down[instance] = true
	}
	for i, h := range m.hosts {
		for _, instance := range dead {
			if !m.down[uint64(i+1)] && !m.apart[[2]uint64{min(instance, uint64(i+1)), max(instance, uint64(i+1))}] {
				h.PeerDown(m.now, instance, true)
			}
		}
	}
}

func (m *mesh) bury(witness uint64, dead ...uint64) {
	for _, instance := range dead {
		m.at(witness).Buried(m.now, instance)
	}
}

var meshRoom = channel.ID{App: "app", Name: "room"}

// publish publishes at a host, and waits for the outcome for up to 3 seconds.
func (m *mesh) publish(at uint64, id string) host.Reply {
	m.t.Helper()
	return m.request(func(done func(host.Reply)) {
		m.at(at).Propose(m.now, 0, channel.Publish{Channel: meshRoom, ID: id, Data: []byte("1"), Retention: channel.DefaultRetention}, m.now+3000, done)
	})
}

func (m *mesh) mustPublish(at uint64, id string) channel.Position {
	m.t.Helper()
	reply := m.publish(at, id)
	if reply.Err != nil {
		m.t.Fatalf("publish %s at %d: %v", id, at, reply.Err)
	}
	return reply.Result.Position
}

// backlog asks a host what follows a position.
func (m *mesh) backlog(at uint64, since channel.Position) channel.Backlog {
	m.t.Helper()
	reply := m.request(func(done func(host.Reply)) {
		query := channel.BacklogQuery{Channel: meshRoom, Start: channel.Start{Since: &since}, Limit: 1000}
		m.at(at).Query(m.now, 0, query, m.now+3000, done)
	})
	if reply.Err != nil {
		m.t.Fatalf("backlog at %d: %v", at, reply.Err)
	}
	return reply.Answer.(channel.Backlog)
}

func (m *mesh) request(begin func(done func(host.Reply))) (reply host.Reply) {
	answered := false
	begin(func(r host.Reply) { reply, answered = r, true })
	m.deliver()
	for range 70 {
		if answered {
			return reply
		}
		m.pass(50)
	}
	m.t.Fatal("no answer, not even that there is none")
	return reply
}

// leads wants one of the hosts that are up to lead, in a generation of its own or in the first.
func (m *mesh) leads(instance uint64, recovered bool) host.Status {
	m.t.Helper()
	for i, h := range m.hosts {
		status := h.Status(0)
		if self := uint64(i + 1); !m.down[self] && status.Leads != (self == instance) {
			m.t.Fatalf("%d leads: %v, want %d to: %+v", self, status.Leads, instance, status)
		}
	}
	status := m.at(instance).Status(0)
	if (status.Generation > 0) != recovered {
		m.t.Fatalf("%d leads generation %d, recovered should be %v", instance, status.Generation, recovered)
	}
	return status
}

func ids(backlog channel.Backlog) (list []string) {
	for _, publication := range backlog.Publications {
		list = append(list, publication.ID)
	}
	slices.Sort(list)
	return list
}
