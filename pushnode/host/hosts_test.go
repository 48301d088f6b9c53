package host_test

import (
	"log/slog"
	"slices"
	"testing"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

// hosts is a few hosts whose frames arrive at once, in order, unless a link is cut: for tests that need no chance.
type hosts struct {
	t      testing.TB
	now    int64
	nodes  []*end
	line   []carried
	frames [][]byte // all that were sent
	cut    map[[2]uint64]bool
	after  func(carried) // is told of each frame that has arrived; may be nil
}

// end is one of the hosts. Its instance id is its place, from 1.
type end struct {
	*host.Host
	watches  bool           // apps want to be told who comes and goes
	deafTo   bool           // hooks are not taken
	hooks    []channel.Hook // that were taken
	counted  []int          // of subscribers
	all      *hosts
	instance uint64
	full     bool           // what it is told to deliver is too much
	slow     map[uint64]int // bytes that wait for others
	waits    func() int     // says it instead of slow; may be nil
	behind   []channel.ID
	stands   channel.Position // of the last of behind
	effects  []channel.Effect
}

type carried struct {
	from, to uint64
	frame    []byte
}

func (e *end) Send(to uint64, _ host.Class, frame []byte) bool {
	e.all.frames = append(e.all.frames, slices.Clone(frame))
	if to > uint64(len(e.all.nodes)) || to == 0 || e.all.cut[[2]uint64{e.instance, to}] {
		return false
	}
	e.all.line = append(e.all.line, carried{e.instance, to, frame})
	return true
}

func (e *end) Deliver(_ int, effects []channel.Effect, _ bool) {
	e.effects = append(e.effects, effects...)
}
func (e *end) Behind(id channel.ID, position channel.Position, _ uint64) {
	e.behind, e.stands = append(e.behind, id), position
}
func (e *end) Queued(to uint64, _ host.Class) int {
	if e.waits != nil {
		return e.waits()
	}
	return e.slow[to]
}
func (e *end) Called(uint64, uint64, []byte) {}
func (e *end) Missed(int)                    {}
func (e *end) Watched(string) bool           { return e.watches }
func (e *end) Counted(_ channel.ID, n int)   { e.counted = append(e.counted, n) }
func (e *end) Hooked(_ int, hooks []channel.Hook) int {
	if e.deafTo {
		return 0
	}
	e.hooks = append(e.hooks, hooks[0])
	return 1
}
func (e *end) Overloaded(int) bool { return e.full }

// newHosts begins so many hosts, linked, of which the first founds the cluster.
func newHosts(t testing.TB, count, copies int) *hosts {
	p := &hosts{t: t, now: 1_000_000, cut: map[[2]uint64]bool{}}
	var view []host.Node
	for i := range count {
		e := &end{all: p, instance: uint64(i + 1)}
		config := host.Config{Self: e.instance, Cluster: 1, Slots: 4, Copies: copies, Seed: 1, Logger: slog.New(slog.DiscardHandler)}
		e.Host = host.New(config, e)
		p.nodes = append(p.nodes, e)
		view = append(view, host.Node{Instance: e.instance, Name: string(rune('a' + i))})
	}
	if err := p.nodes[0].Found(p.now); err != nil {
		t.Fatal(err)
	}
	for _, e := range p.nodes {
		e.SetView(p.now, view)
		for _, other := range p.nodes {
			if other != e {
				e.PeerUp(p.now, other.instance)
			}
		}
	}
	p.settle()
	return p
}

// settle lets every frame arrive.
func (p *hosts) settle() {
	for len(p.line) > 0 {
		next := p.line[0]
		p.line = p.line[1:]
		_ = p.nodes[next.to-1].Receive(p.now, next.from, next.frame) // what is of no use is told by what follows
		if p.after != nil {
			p.after(next)
		}
	}
}

// pass lets time pass, in milliseconds.
func (p *hosts) pass(time int64) {
	for end := p.now + time; p.now < end; p.settle() {
		p.now += 50
		for _, e := range p.nodes {
			e.Tick(p.now)
		}
	}
}

// ask has a host do a request, and says what came of it within a time; nil: nothing.
func (p *hosts) ask(e *end, slot int, command channel.Command, wait int64) (came *host.Reply) {
	e.Propose(p.now, slot, command, p.now+wait, func(reply host.Reply) { came = &reply })
	p.settle()
	return came
}

func (p *hosts) query(e *end, slot int, query channel.Query, wait int64) (came *host.Reply) {
	e.Query(p.now, slot, query, p.now+wait, func(reply host.Reply) { came = &reply })
	p.settle()
	return came
}

// sever cuts a link both ways, and tells both.
func (p *hosts) sever(a, b *end) {
	p.cut[[2]uint64{a.instance, b.instance}], p.cut[[2]uint64{b.instance, a.instance}] = true, true
	a.PeerDown(p.now, b.instance, false)
	b.PeerDown(p.now, a.instance, false)
	p.settle()
}
