package host_test

import (
	"fmt"
	"strings"
)

// fault is one thing that goes wrong, or is done on purpose, at a place.
type fault struct {
	kind   string
	at     moment // when it begins
	lasts  moment
	place  int
	places int // bits: the other side of a cut
}

func (f fault) String() string {
	return fmt.Sprintf("%s at %.3fs for %.3fs, place %d, others %03b", f.kind, float64(f.at)/float64(second), float64(f.lasts)/float64(second), f.place, f.places)
}

// plan is the faults of one run. It follows from the seed, and what happens follows from plan and seed, so that faults can be left
// out to find those that matter.
type plan struct {
	places int
	faults []fault
	length moment
}

func (p plan) String() string {
	var lines []string
	for _, f := range p.faults {
		lines = append(lines, "  "+f.String())
	}
	return fmt.Sprintf("%d places\n%s", p.places, strings.Join(lines, "\n"))
}

// faultKinds is what is drawn from: what stands there twice comes twice as often.
var faultKinds = []string{
	"kill", "kill", "kill", "pair of kills", "pause", "pause", "cut", "cut", "pair", "oneway", "isolate", "slow", "leave", "leave",
	"move", "join", "reset", "reset all", "full", "long pause",
}

// longPause is longer than it takes until a node is given up and its copies are replaced.
const longPause = 20 * second

// mostPlaces bounds how many places there are with those that join.
const mostPlaces = 6

func makePlan(seed uint64, length moment) plan {
	t := newTimeline(seed ^ 0xfa)
	p := plan{places: 2 + t.chance.IntN(4), length: length}
	for at := t.between(8*second, 12*second); at < length-2*second; at += t.between(second, 9*second) {
		p.faults = append(p.faults, fault{
			kind: pick(t, faultKinds), at: at, place: t.chance.IntN(p.places), places: 1 + t.chance.IntN(1<<p.places-1),
			lasts: pick(t, []moment{t.between(50*millisecond, 900*millisecond), t.between(second, 4*second), t.between(4*second, 15*second)}),
		})
	}
	return p
}

// at is the living node at a place.
func (w *world) at(place int) *node {
	for _, n := range w.all {
		if n.alive && n.number == place {
			return n
		}
	}
	return nil
}

// strike does a fault.
func (w *world) strike(f fault) {
	n := w.at(f.place)
	if n == nil {
		return
	}
	w.strikes++
	switch f.kind {
	case "kill":
		if w.mayLose(n) {
			w.probe(f, n, killPause)
			n.kill()
			w.after(f.lasts, func() { w.restart(f.place) })
		}
	case "pair of kills":
		if w.mayLose(n) {
			n.kill()
			w.after(f.lasts, func() { w.restart(f.place) })
			w.after(tickTime, func() { w.killNext(f, 200) })
		}
	case "leave":
		if w.mayLose(n) {
			w.leave(n, func() { w.after(f.lasts, func() { w.restart(f.place) }) })
		}
	case "pause":
		if !n.paused {
			w.probe(f, n, silencePause)
			n.pause()
			w.after(f.lasts, n.resume)
		}
	case "long pause":
		if !n.paused {
			n.pause()
			w.after(longPause+f.lasts, n.resume)
		}
	case "cut":
		w.cutBetween(f, func(a, b int) bool { return (f.places>>a)&1 != (f.places>>b)&1 })
	case "isolate":
		w.probe(f, n, silencePause)
		w.cutBetween(f, func(a, b int) bool { return (a == f.place) != (b == f.place) })
	case "oneway":
		w.cutBetween(f, func(a, b int) bool { return a == f.place && b == w.neighbour(f) })
	case "pair":
		w.cutBetween(f, func(a, b int) bool { return a == f.place && b == w.neighbour(f) || b == f.place && a == w.neighbour(f) })
	case "join":
		if w.places < mostPlaces {
			w.places++
			w.restart(w.places - 1)
		}
	case "full":
		w.log("%s is full", n)
		n.full = true
		w.after(f.lasts, func() { n.full = false })
	case "reset":
		w.reset(n, func(other *node) bool { return other.number == w.neighbour(f) })
	case "reset all":
		w.reset(n, func(*node) bool { return true })
	case "slow":
		w.log("slow")
		w.network.slow = w.between(millisecond, 60*millisecond)
		w.after(f.lasts, func() { w.network.slow = 0 })
	case "move":
		for _, s := range w.subscribers {
			if w.oneIn(2) {
				s.move()
			}
		}
	}
}

// neighbour is the other place of a fault between two.
func (w *world) neighbour(f fault) int { return (f.place + 1 + f.places%(w.places-1)) % w.places }

// reset breaks links of a node; nobody died. Some are told of it twice.
func (w *world) reset(n *node, which func(*node) bool) {
	w.log("reset links of %s", n)
	for _, l := range w.network.sorted() {
		other := l.a
		if other == n {
			other = l.b
		}
		if (l.a == n || l.b == n) && other.alive && which(other) {
			w.network.snap(l, w.oneIn(3))
			if w.oneIn(3) {
				n.do(func() { n.host.PeerDown(n.clock(), other.instance, w.oneIn(2)) })
				w.network.snap(l, false)
			}
		}
	}
}

// killNext kills the node at the next place as soon as the slots have got over the first loss.
func (w *world) killNext(f fault, tries int) {
	n := w.at(w.neighbour(f))
	switch {
	case tries == 0 || w.quiet:
	case n != nil && n.number != f.place && w.mayLose(n):
		w.log("the second one")
		n.kill()
		w.after(f.lasts, func() { w.restart(n.number) })
	default:
		w.after(tickTime, func() { w.killNext(f, tries-1) })
	}
}

func (w *world) cutBetween(f fault, apart func(a, b int) bool) {
	w.log("cut: %v", f)
	for a := range w.places {
		for b := range w.places {
			if a != b && apart(a, b) && !w.network.cut[pair{uint64(a), uint64(b)}] {
				w.network.cutOff(a, b)
				w.after(f.lasts, func() {
					w.log("heal %d to %d", a, b)
					w.network.heal(a, b)
				})
			}
		}
	}
}

// mayLose reports whether every slot keeps a majority of copies that hold everything if a node goes: what Halley promises to survive
// is the loss of one at a time.
func (w *world) mayLose(lost *node) bool {
	for slot := range simSlots {
		if !w.slotSurvives(slot, lost) {
			return false
		}
	}
	return true
}

func (w *world) slotSurvives(slot int, lost *node) bool {
	for _, n := range w.all {
		if !n.alive {
			continue
		}
		status := n.host.Status(slot)
		if !status.Leads || !status.Settled || !n.host.Agreed(slot) || n.paused {
			continue
		}
		level := 0
		for _, voter := range status.Voters {
			holder := w.nodes[voter]
			if holder.alive && !holder.paused && holder != lost && holder.host.Status(slot).Term == status.Term {
				level++
			}
		}
		return level > len(status.Voters)/2
	}
	return false
}

func (w *world) restart(place int) {
	if w.at(place) == nil {
		w.log("start node%d", place)
		w.start(place)
	}
}

// leave is a planned end: the node hands over what it leads, sends its clients away, and goes. Then something else may happen.
func (w *world) leave(n *node, then func()) {
	w.log("drain %s", n)
	n.draining = true
	w.spread(n)
	for _, s := range w.subscribers {
		if s.at == n {
			w.after(w.between(0, 3*second), s.move)
		}
	}
	for _, m := range w.members {
		if life := m.life; m.at == n {
			w.after(w.between(0, 3*second), func() {
				if m.at == n && m.life == life {
					m.hangUp(0)
				}
			})
		}
	}
	w.drainOn(n, then)
}

// spread has the others see what a node says of itself.
func (w *world) spread(n *node) {
	for _, other := range w.all {
		if other.alive && other.view[n.instance] {
			w.after(w.between(0, 300*millisecond), func() {
				if other.alive {
					other.setView()
				}
			})
		}
	}
}

// idle reports whether no client is left, and none waits.
func (n *node) idle() bool {
	for _, s := range n.w.subscribers {
		if s.at == n {
			return false
		}
	}
	return n.host.Waiting() == 0 && len(n.edge.sessions) == 0
}

// drainOn waits until the node leads nothing and has no clients, and then until nobody counts on it.
func (w *world) drainOn(n *node, then func()) {
	w.after(500*millisecond, func() {
		if !n.alive {
			return
		}
		leads, holds := 1, 1
		if !n.paused {
			leads, holds = n.host.Drain(n.clock())
		}
		switch {
		case leads == 0 && n.idle() && !n.leaving:
			n.leaving = true
			w.spread(n)
		case holds == 0 && n.leaving:
			n.left = true
			n.kill()
			then()
			return
		}
		w.drainOn(n, then)
	})
}
