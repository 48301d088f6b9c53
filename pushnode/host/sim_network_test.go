package host_test

import "halley/pushnode/host"

// Times of links: what the kernel and package link would take.
const (
	dialTime   = 2 * millisecond
	resetTime  = millisecond        // until a killed process's peers know
	silentTime = 1000 * millisecond // without a heartbeat, until a peer counts as silent
)

// pair names a direction.
type pair struct{ from, to uint64 }

// link is the connections of two nodes, both ways: they break together.
type link struct {
	a, b  *node
	life  int // rises with every break: what was on its way in an earlier life never arrives
	up    bool
	told  map[uint64]bool   // by node: it was told that the link is up
	last  map[lane]moment   // when the latest frame of a lane arrives
	ready map[uint64]moment // by node: when it is told, before which nothing arrives
	held  []heldFrame       // waits for a cut to heal
}

type lane struct {
	from  uint64
	class host.Class
}

type heldFrame struct {
	from, to *node
	class    host.Class
	frame    []byte
}

// network carries frames between the nodes that are alive.
type network struct {
	w     *world
	links map[pair]*link // by ascending instances
	cut   map[pair]bool  // directions, by node names' numbers: see cuts
	slow  moment         // more latency than usual
}

func ordered(a, b *node) pair {
	if a.instance < b.instance {
		return pair{a.instance, b.instance}
	}
	return pair{b.instance, a.instance}
}

func (n *network) between(a, b *node) *link { return n.links[ordered(a, b)] }

// connect plans to bring up the link of two nodes that know of each other, and tries until it works or one is gone.
func (n *network) connect(a, b *node) {
	l := n.between(a, b)
	if l == nil {
		l = &link{a: a, b: b, told: map[uint64]bool{}, last: map[lane]moment{}, ready: map[uint64]moment{}}
		n.links[ordered(a, b)] = l
	}
	if l.up {
		return
	}
	life := l.life
	n.w.after(n.w.between(dialTime, 10*dialTime), func() {
		switch {
		case l.life != life || l.up || !a.alive || !b.alive:
		case a.knows(b) && b.knows(a) && !n.isCut(a, b) && !n.isCut(b, a) && !a.paused && !b.paused:
			n.establish(l)
		default:
			n.w.after(n.w.between(50*millisecond, 500*millisecond), func() {
				if l.life == life && !l.up && a.alive && b.alive {
					n.connect(a, b)
				}
			})
		}
	})
}

func (n *network) establish(l *link) {
	l.up = true
	life := l.life
	for _, ends := range [][2]*node{{l.a, l.b}, {l.b, l.a}} {
		self, peer := ends[0], ends[1]
		wait := n.w.between(0, 2*millisecond)
		l.ready[self.instance] = n.w.now + wait
		n.w.after(wait, func() {
			if l.life == life && self.alive {
				l.told[self.instance] = true
				self.do(func() { self.host.PeerUp(self.clock(), peer.instance) })
			}
		})
	}
}

// snap breaks a link: both ends learn of it in a moment. gone: they have evidence that the other process is dead or stuck.
func (n *network) snap(l *link, gone bool) {
	if !l.up {
		return
	}
	l.up, l.held = false, nil
	l.life++
	told := l.told
	l.told = map[uint64]bool{}
	for _, ends := range [][2]*node{{l.a, l.b}, {l.b, l.a}} {
		self, peer := ends[0], ends[1]
		if !told[self.instance] || !self.alive {
			continue
		}
		n.w.after(n.w.between(0, resetTime), func() {
			if self.alive {
				self.do(func() { self.host.PeerDown(self.clock(), peer.instance, gone) })
			}
		})
	}
	n.w.after(resetTime, func() { // also where it broke before anybody was told that it is up
		if l.a.alive && l.b.alive {
			n.connect(l.a, l.b)
		}
	})
}

// send puts a frame on its way.
func (n *network) send(from *node, to uint64, class host.Class, frame []byte) bool {
	peer := n.w.nodes[to]
	if peer == nil {
		return false
	}
	l := n.between(from, peer)
	if l == nil || !l.up || !l.told[from.instance] {
		return false
	}
	n.w.sent(from, class, frame)
	if !n.w.leaves(from, frame) {
		return true
	}
	if n.isCut(from, peer) || len(l.held) > 0 {
		l.held = append(l.held, heldFrame{from, peer, class, frame})
		return true
	}
	n.fly(l, from, peer, class, frame)
	return true
}

func (n *network) fly(l *link, from, to *node, class host.Class, frame []byte) {
	latency := n.w.between(100, 600) + n.slow
	if n.w.oneIn(200) {
		latency += n.w.between(0, 20*millisecond)
	}
	on := lane{from.instance, class}
	at := max(l.last[on], n.w.now+latency, l.ready[to.instance])
	l.last[on] = at
	life := l.life
	n.w.after(at-n.w.now, func() { n.arrive(l, life, from, to, frame) })
}

func (n *network) arrive(l *link, life int, from, to *node, frame []byte) {
	if l.life != life || !to.alive {
		return
	}
	to.do(func() {
		if l.life != life {
			return
		}
		if err := to.host.Receive(to.clock(), from.instance, n.w.arrives(to, frame)); err != nil {
			n.w.refused(to, from, err)
		}
	})
}

func (n *network) isCut(from, to *node) bool {
	return n.cut[pair{uint64(from.number), uint64(to.number)}]
}

// cutOff stops what goes from one node to another. A cut that lasts breaks the link, both ways.
func (n *network) cutOff(from, to int) {
	n.cut[pair{uint64(from), uint64(to)}] = true
	for _, l := range n.of(from, to) {
		life := l.life
		n.w.after(silentTime+n.w.between(0, 200*millisecond), func() {
			if l.life == life && (n.isCut(l.a, l.b) || n.isCut(l.b, l.a)) {
				n.snap(l, true)
			}
		})
	}
}

// heal lets frames pass again. A link that did not break goes on where it stopped.
func (n *network) heal(from, to int) {
	delete(n.cut, pair{uint64(from), uint64(to)})
	for _, l := range n.of(from, to) {
		if n.isCut(l.a, l.b) || n.isCut(l.b, l.a) {
			continue
		}
		held := l.held
		l.held = nil
		for _, one := range held {
			n.fly(l, one.from, one.to, one.class, one.frame)
		}
	}
}

// forget lets the links of a node go that is dead.
func (n *network) forget(dead *node) {
	for _, other := range n.w.all {
		delete(n.links, ordered(dead, other))
	}
}

// sorted is all links, in the order in which their nodes began.
func (n *network) sorted() (list []*link) {
	for i, a := range n.w.all {
		for _, b := range n.w.all[i+1:] {
			if l := n.between(a, b); l != nil {
				list = append(list, l)
			}
		}
	}
	return list
}

// of is the links between two places, in order.
func (n *network) of(from, to int) (list []*link) {
	for _, a := range n.w.all {
		for _, b := range n.w.all {
			if a.number == from && b.number == to && n.between(a, b) != nil {
				list = append(list, n.between(a, b))
			}
		}
	}
	return list
}
