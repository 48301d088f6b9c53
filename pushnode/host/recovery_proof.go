package host

import (
	"fmt"
	"maps"
	"slices"
)

// TwoNodes says what the survivor of two nodes does without proof that the other one is dead.
type TwoNodes uint8

// The modes of two nodes.
const (
	// Available: where the other node's address refuses connections, the survivor goes on; where the other one is silent, the older
	// of the two goes on after silentProof. If both went on after all, one side's history is merged into the other's, and clients are told.
	Available TwoNodes = iota
	// Strict: the survivor waits for proof, as with more nodes.
	Strict
)

const (
	// silentProof is how long (milliseconds) no link must have reached the younger of two nodes before the older one goes on alone.
	silentProof = 3_000
	// crowdMemory is how long (milliseconds) a cluster that had more than two members does not count as one of two: what is cut into
	// pieces must not take its piece for the whole.
	crowdMemory = 60_000
	// maxDeaths bounds the instances of which something is remembered here.
	maxDeaths = 4096
)

// deaths is what this node knows of instances that are gone. It is replaced as a whole, so that every slot reads it without a lock.
//
// Proof of death (note 3.10) is final: the instance's own word that it ends, its address answering as another instance, an
// operator's word. All else is evidence, and counts in a cluster of two alone.
type deaths struct {
	buried  map[uint64]bool  // proven
	refused map[uint64]bool  // the address takes no connection
	lost    map[uint64]int64 // since when no link reaches it that did before
	apart   map[uint64]int64 // the same, or earlier: since when that may have been so, and this node have slept
	started map[uint64]int64 // when members say that they started
	order   []uint64         // all of them, by when they were first heard of
	crowded int64            // when more than two members were last seen
	count   int              // rises with every change
}

func (d *deaths) clone() *deaths {
	return &deaths{
		buried: maps.Clone(d.buried), refused: maps.Clone(d.refused), lost: maps.Clone(d.lost),
		apart: maps.Clone(d.apart), started: maps.Clone(d.started),
		order: slices.Clone(d.order), crowded: d.crowded, count: d.count + 1,
	}
}

func newDeaths() *deaths {
	return &deaths{
		buried: map[uint64]bool{}, refused: map[uint64]bool{}, lost: map[uint64]int64{}, apart: map[uint64]int64{}, started: map[uint64]int64{},
		crowded: -crowdMemory,
	}
}

// note takes an instance among those that are remembered.
func (d *deaths) note(instance uint64) {
	if slices.Contains(d.order, instance) {
		return
	}
	if len(d.order) == maxDeaths {
		d.forget(d.order[0])
		delete(d.buried, d.order[0])
		delete(d.apart, d.order[0])
		delete(d.started, d.order[0])
		d.order = d.order[1:]
	}
	d.order = append(d.order, instance)
}

// forget takes back what is evidence only.
func (d *deaths) forget(instance uint64) {
	delete(d.refused, instance)
	delete(d.lost, instance)
}

func (h *Host) changeDeaths(change func(*deaths)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := h.deaths.Load().clone()
	change(next)
	h.deaths.Store(next)
}

// Buried tells that an instance is proven to be dead, for ever: it said so itself, its address answered as another instance, or an
// operator knows. Slots that have lost their majority with it are recovered, if all others who may have a say take part.
// Every node that is linked is told: it may never have met the instance, and be unable to find out.
func (h *Host) Buried(now int64, instance uint64) { h.announceDead(now, []uint64{instance}) }

func (h *Host) announceDead(now int64, dead []uint64) {
	h.bury(dead...)
	crowded := h.crowdedFor(now)
	for _, peer := range sortedKeys(h.view.Load().linked) {
		h.outside.Send(peer, Control, appendDead(dead, crowded))
	}
	h.recoverAll(now)
}

// learnCrowd takes another node's word of when more than two members were seen: a process that has just started cannot know.
func (h *Host) learnCrowd(now int64, ago uint64) {
	if ago < crowdMemory && now-int64(ago) > h.deaths.Load().crowded {
		h.changeDeaths(func(d *deaths) { d.crowded = max(d.crowded, now-int64(ago)) })
	}
}

// learnDeaths takes another node's word that instances are proven dead. Whoever is linked lives.
func (h *Host) learnDeaths(now int64, dead []uint64) {
	if h.mourn(dead) {
		h.recoverAll(now)
	}
}

// mourn takes those for dead that are not known to live. It reports whether that is news of any.
func (h *Host) mourn(dead []uint64) bool {
	buried, linked := h.deaths.Load().buried, h.view.Load().linked
	news := slices.DeleteFunc(slices.Clone(dead), func(one uint64) bool { return buried[one] || linked[one] || one == h.config.Self })
	if len(news) > 0 {
		h.bury(news...)
	}
	return len(news) > 0
}

func (h *Host) bury(instances ...uint64) {
	h.changeDeaths(func(d *deaths) {
		for _, instance := range instances {
			d.note(instance)
			d.forget(instance)
			d.buried[instance] = true
		}
	})
}

// Refused tells that the address of an instance whose link broke takes no connections: no proof, for a firewall can refuse too.
func (h *Host) Refused(now int64, instance uint64) {
	if h.view.Load().linked[instance] {
		return
	}
	h.changeDeaths(func(d *deaths) {
		d.note(instance)
		d.refused[instance] = true
	})
	h.recoverAll(now)
}

// Recover is an operator's word that instances are dead and never come back. What they alone held is lost, and clients are told. An
// error: one of them is this node, or linked to it, so that nothing was done.
func (h *Host) Recover(now int64, dead []uint64) error {
	for _, instance := range dead {
		if instance == h.config.Self || h.view.Load().linked[instance] {
			return fmt.Errorf("instance %x lives: it is here, or a link reaches it", instance)
		}
	}
	h.announceDead(now, dead)
	return nil
}

// recoverAll looks at every slot: what stood in the way of its recovery may be gone.
func (h *Host) recoverAll(now int64) {
	for i := range h.seats {
		s := &h.seats[i]
		s.enter(now)
		s.recover()
		s.leave()
	}
}

// linkTold takes note that a link came up or went. Whoever is linked lives, whatever was thought.
func (h *Host) linkTold(now int64, instance uint64, up bool) {
	h.changeDeaths(func(d *deaths) {
		d.note(instance)
		if up {
			d.forget(instance)
			delete(d.buried, instance)
			delete(d.apart, instance)
			return
		}
		if !d.buried[instance] {
			d.lost[instance] = now
		}
		d.apart[instance] = h.awakeSince(now)
	})
}

// wentOn reports whether the other one of two voters may have gone on alone before it died, because it is the older one and was silent
// to us for so long that we were to it. What it acknowledged then is lost, and has to be told. (One that was refused connections while
// we lived may have gone on as well, and that cannot be known: it is what Strict is for.)
func (h *Host) wentOn(now int64, other uint64) bool {
	d := h.deaths.Load()
	since, apart := d.apart[other]
	return h.config.TwoNodes == Available && d.older(other, h.config.Self) && (!apart || now >= since+silentProof/2)
}

// viewTold takes note of who is older than whom, and whether there are more than two.
func (h *Host) viewTold(now int64, nodes []Node) {
	h.changeDeaths(func(d *deaths) {
		for _, node := range nodes {
			d.note(node.Instance)
			d.started[node.Instance] = node.Started
		}
		if crowd(nodes, d) || crowd(h.view.Load().nodes, d) {
			d.crowded = now
		}
	})
}

// crowd reports whether nodes are more than two. One that has started again counts once, by its name, while its former self is still
// taken for a member.
func crowd(nodes []Node, d *deaths) bool {
	var names [2]string
	known := 0
	for i := range nodes {
		switch name := nodes[i].Name; {
		case d.buried[nodes[i].Instance] || slices.Contains(names[:known], name):
		case known == len(names):
			return true
		default:
			names[known] = name
			known++
		}
	}
	return false
}

// crowdedFor is how many milliseconds ago more than two members were seen.
func (h *Host) crowdedFor(now int64) int64 {
	d := h.deaths.Load()
	if crowd(h.view.Load().nodes, d) {
		return 0
	}
	return max(now-d.crowded, 0)
}

// dead reports whether an instance counts as dead. two: it is the other of two voters.
func (h *Host) dead(now int64, instance uint64, two bool) bool {
	v, d := h.view.Load(), h.deaths.Load()
	switch {
	case instance == h.config.Self || v.linked[instance]:
		return false
	case d.buried[instance]:
		return true
	case !two || h.config.TwoNodes != Available || h.crowdedFor(now) < crowdMemory:
		return false
	}
	since, lost := d.lost[instance]
	return lost && (d.refused[instance] || now >= since+silentProof && d.older(h.config.Self, instance))
}

// older reports whether a node started before another. Both see it alike.
func (d *deaths) older(a, b uint64) bool {
	if d.started[a] != d.started[b] {
		return d.started[a] < d.started[b]
	}
	return a < b
}
