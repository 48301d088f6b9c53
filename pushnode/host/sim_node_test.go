package host_test

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

const (
	simSlots  = 4
	simCopies = 3
	tickTime  = 50 * millisecond
)

// node is one process life at a place. Another life at the same place is another node with the same name.
type node struct {
	w        *world
	number   int // of its place
	instance uint64
	name     string
	host     *host.Host
	alive    bool
	paused   bool
	draining bool
	leaving  bool     // it waits for nobody to count on its copies
	full     bool     // what happens is delivered too slowly to take more
	left     bool     // it said so itself
	dropped  bool     // another took it for dead once
	waiting  []func() // what happens when it is not paused any more
	skew     int64    // milliseconds by which its clock is off
	view     map[uint64]bool
	changing map[uint64]moment // members that it is about to see come or go, and when
	edge     edge
	visits   map[channel.ID]int // visitors here
	trouble  moment             // when it was last not well
	copies   [simSlots]heldBy   // when they were last looked at
	followed [simSlots]int      // whole lists sent to sources: for a build that skips them
}

// start begins a process life at a place. The first one of a world founds the cluster.
func (w *world) start(number int) *node {
	instance := w.instanceAt(number)
	n := &node{
		w: w, number: number, instance: instance, name: fmt.Sprint("node", number), alive: true,
		skew: w.chance.Int64N(400) + w.skew*w.chance.Int64N(6000), view: map[uint64]bool{instance: true}, changing: map[uint64]moment{},
		visits: map[channel.ID]int{},
	}
	n.edge.init(n)
	n.host = host.New(host.Config{
		Self: n.instance, Cluster: 1, TwoNodes: w.twoNodes, Slots: simSlots, Copies: cmp.Or(w.copies, simCopies), Seed: w.chance.Uint64(), Logger: slog.New(slog.DiscardHandler),
	}, n)
	if w.nodes[n.instance] != nil && w.broken == sound {
		w.fail("I9", "%s begins as one that was", n)
	}
	w.nodes[n.instance] = n
	w.all = append(w.all, n)
	n.setView()
	w.after(w.between(0, tickTime), n.tick)
	return n
}

func (n *node) clock() int64 { return clockStart + n.skew + int64(n.w.now/millisecond) }

// do lets something happen at the node now, or when it goes on.
func (n *node) do(what func()) {
	switch {
	case !n.alive:
	case n.paused:
		n.waiting = append(n.waiting, what)
	default:
		what()
	}
}

func (n *node) tick() {
	if !n.alive {
		return
	}
	n.noteTrouble()
	if !n.paused {
		n.host.Tick(n.clock())
		n.w.inspect(n)
		if n.host.Fallen() > 0 {
			n.w.fail("panic", "a copy of %s is broken", n) // why is in the log of the host
		}
	}
	n.w.after(tickTime, n.tick)
}

// kill is kill -9.
func (n *node) kill() {
	n.alive, n.waiting = false, nil
	n.w.log("kill %s", n)
	for _, l := range n.w.network.sorted() {
		if l.a == n || l.b == n {
			n.w.network.snap(l, true)
		}
	}
	n.edge.gone()
}

// pause is SIGSTOP: the kernel keeps what arrives, until peers give up on the silent process.
func (n *node) pause() {
	n.paused = true
	n.w.log("pause %s", n)
	for _, l := range n.w.network.sorted() {
		if l.a != n && l.b != n {
			continue
		}
		life := l.life
		n.w.after(silentTime+n.w.between(0, 200*millisecond), func() {
			if n.paused && n.alive && l.life == life {
				n.w.network.snap(l, true)
			}
		})
	}
	for _, m := range n.w.members { // clients leave by their pings
		if life := m.life; m.at == n {
			n.w.after(n.w.between(3*second, 8*second), func() {
				if n.paused && m.at == n && m.life == life {
					m.hangUp(n.w.between(0, second))
				}
			})
		}
	}
}

func (n *node) resume() {
	if !n.alive || !n.paused {
		return
	}
	n.paused = false
	n.w.log("resume %s", n)
	waiting := n.waiting
	n.waiting = nil
	for _, what := range waiting {
		n.do(what)
	}
}

func (n *node) String() string { return fmt.Sprintf("%s#%04x", n.name, n.instance>>28) }

func (n *node) knows(other *node) bool { return n.view[other.instance] }

// setView tells the host who is a member.
func (n *node) setView() {
	var members []host.Node
	for _, instance := range sortedInstances(n.view) {
		member := n.w.nodes[instance]
		members = append(members, host.Node{Instance: instance, Name: member.name, Draining: member.draining, Leaving: member.leaving})
	}
	n.do(func() { n.host.SetView(n.clock(), members) })
}

func sortedInstances(set map[uint64]bool) []uint64 {
	list := make([]uint64, 0, len(set))
	for instance := range set {
		list = append(list, instance)
	}
	slices.Sort(list)
	return list
}

// Send is host.Surroundings.
func (n *node) Send(to uint64, class host.Class, frame []byte) bool {
	return n.w.network.send(n, to, class, frame)
}

// Queued is host.Surroundings. While the network is very slow, more than is good waits for every other node.
func (n *node) Queued(to uint64, class host.Class) int {
	if class == host.Data && n.w.network.slow > 20*millisecond && to%2 == 0 {
		return 32 << 20
	}
	return 0
}

// Deliver is host.Surroundings.
func (n *node) Deliver(slot int, effects []channel.Effect, leads bool) {
	if leads && n.w.broken == sound {
		n.w.checkCommitted(n, slot, effects)
	}
	for _, effect := range effects {
		n.edge.deliver(effect)
	}
}

// Behind is host.Surroundings.
func (n *node) Behind(id channel.ID, position channel.Position, version uint64) {
	n.edge.behind(id, position, version)
}

// Missed is host.Surroundings.
func (n *node) Missed(slot int) { n.edge.missed(slot) }

// Overloaded is host.Surroundings.
func (n *node) Overloaded(int) bool { return n.full }

// Called is host.Surroundings: nobody calls in a simulation.
func (n *node) Called(uint64, uint64, []byte) {}
