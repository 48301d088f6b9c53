package host_test

import (
	"cmp"
	"fmt"
	"slices"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

// place is one offset of a channel's numbering.
type place struct {
	id       channel.ID
	position channel.Position
}

// history is what the checker knows.
type history struct {
	at                                map[place]string             // message at a place, whoever saw it
	places                            map[string]channel.Position  // of a message
	epochs                            map[channel.ID]channel.Epoch // the latest seen
	leaders                           map[leadership]uint64
	hashes                            map[applied]uint64
	terms                             map[*node][simSlots]lifeTerm
	frames, bytes, refused, delivered int
	again                             int // copies that began on a node that had one of the slot before
	fullest                           int // messages that a copy kept of the ring
	begun, gaps                       []followedAt
}

// followedAt is a moment of a subscription.
type followedAt struct {
	by *subscriber
	id channel.ID
	at moment
}

type leadership struct {
	slot       int
	generation uint32
	term       uint64
}

// lifeTerm is the latest term that a node's copy has seen in one of its lives.
type lifeTerm struct {
	begun bool
	life  uint32
	term  uint64
}

type applied struct {
	slot       int
	generation uint32
	index      uint64
}

func (h *history) init() {
	h.at, h.places, h.epochs = map[place]string{}, map[string]channel.Position{}, map[channel.ID]channel.Epoch{}
	h.leaders, h.hashes, h.terms = map[leadership]uint64{}, map[applied]uint64{}, map[*node][simSlots]lifeTerm{}
}

// seen holds I2 and I4: a place has one message, a message one place.
func (w *world) seen(id channel.ID, position channel.Position, message string) {
	here := place{id, position}
	if other, known := w.history.at[here]; known && other != message {
		w.fail("I2", "%s has %s at %v, and %s", id.Name, other, position, message)
	}
	w.history.at[here] = message
	if other, known := w.history.places[message]; known && other != position {
		w.fail("I4", "%s is at %v and at %v", message, other, position)
	}
	w.history.places[message] = position
	if latest, known := w.history.epochs[id]; known && earlier(position.Epoch, latest) {
		w.fail("I6", "%s goes from epoch %v back to %v", id.Name, latest, position.Epoch)
	}
	w.history.epochs[id] = position.Epoch
}

func earlier(a, b channel.Epoch) bool {
	return a.Generation < b.Generation || a.Generation == b.Generation && a.Incarnation < b.Incarnation
}

// checkAck holds I2, I12 and I18 for an acknowledgement.
func (w *world) checkAck(m *sent, reply host.Reply) {
	if reply.Result.Position != m.position {
		w.fail("I18", "%s was acknowledged at %v, and again at %v", m.id, m.position, reply.Result.Position)
	}
	if reply.Copies < 1 || reply.Copies < simCopies/2+1 && m.grown && w.grown(m.channel) {
		w.fail("I12", "%s was acknowledged with %d copies", m.id, reply.Copies)
	}
	w.seen(m.channel, reply.Result.Position, m.id)
	w.acks(m.channel, reply.Result.Position, 0)
}

// checkDelivery holds I3: every subscriber sees offsets rise by one.
func (w *world) checkDelivery(s *subscriber, id channel.ID, position channel.Position, message string) {
	w.history.delivered++
	last := s.last[id]
	if position.Epoch != last.Epoch || position.Offset != last.Offset+1 {
		w.fail("I3", "%s gets %s %v after %v", s.name, id.Name, position, last)
	}
	w.seen(id, position, message)
	if s.ids[id] == nil {
		s.ids[id] = map[string]bool{}
	}
	if s.ids[id][message] {
		w.fail("I4", "%s gets %s twice", s.name, message)
	}
	s.ids[id][message] = true
}

// gapTold takes note of a gap. Where no slot was recovered by force, there is no reason for one.
func (w *world) gapTold(s *subscriber, id channel.ID, backlog channel.Backlog) {
	s.gaps++
	w.history.gaps = append(w.history.gaps, followedAt{s, id, w.now})
	w.fail("I1", "%s is told of a gap in %s: %+v, it stands at %v", s.name, id.Name, *backlog.Gap, s.last[id])
}

// inspect holds what must be so at every moment, at one node: I7, I8, I10, I22.
func (w *world) inspect(n *node) {
	terms := w.history.terms[n]
	for slot := range simSlots {
		status := n.host.Status(slot)
		if !status.Copy {
			terms[slot].term = 0
			continue
		}
		if status.Leads {
			key := leadership{slot, status.Generation, status.Term}
			if other, known := w.history.leaders[key]; known && other != n.instance {
				w.fail("I7", "%v is led by %x and by %x", key, other, n.instance)
			}
			if w.history.leaders[key] == 0 {
				w.led = w.now
			}
			w.history.leaders[key] = n.instance
		}
		seen := lifeTerm{begun: true, life: n.host.LifeOf(slot), term: status.Term}
		switch before := terms[slot]; {
		case before.begun && seen.life != before.life:
			w.history.again++
		case seen.term < before.term:
			w.fail("I8", "%s saw term %d of slot %d after %d", n, seen.term, slot, before.term)
		}
		terms[slot] = seen
		key := applied{slot, status.Generation, status.Applied}
		if other, known := w.history.hashes[key]; known && other != status.Hash {
			w.fail("I10", "%v has hash %x and, at %s, %x", key, other, n, status.Hash)
		}
		w.history.hashes[key] = status.Hash
	}
	w.history.terms[n] = terms
	w.checkBounds(n)
}

// checkOrder holds I5: what was acknowledged before another was begun stands before it. Per channel it walks once through acks and
// begins, in the order of their times.
func (w *world) checkOrder() {
	type step struct {
		at  moment
		ack bool
		m   *sent
	}
	steps := map[channel.ID][]step{}
	for _, m := range w.sentMessages {
		if m.acked != 0 {
			steps[m.channel] = append(steps[m.channel], step{m.begun, false, m}, step{m.acked, true, m})
		}
	}
	for _, id := range w.channels {
		list := steps[id]
		slices.SortStableFunc(list, func(a, b step) int { return cmp.Compare(a.at, b.at) })
		var furthest channel.Position
		for _, one := range list {
			switch {
			case one.ack && reaches(one.m.position, furthest):
				furthest = one.m.position
			case !one.ack && reaches(furthest, one.m.position):
				w.fail("I5", "%s at %v was begun when %v was acknowledged", one.m.id, one.m.position, furthest)
			}
		}
	}
}

// checkEnd holds what must be so when the cluster has come to rest: I1, I13, I19.
func (w *world) checkEnd() {
	w.checkOrder()
	w.checkMembers()
	w.checkHooks()
	for _, m := range w.sentMessages {
		position, appeared := w.history.places[m.id]
		if m.over && !m.doubt && m.acked == 0 && appeared {
			w.fail("I13", "%s was not stored, and is at %v", m.id, position)
		}
		if m.acked == 0 {
			continue
		}
		for _, s := range w.subscribers {
			first, begun := s.first[m.channel]
			if begun && m.position.Epoch == first.Epoch && m.position.Offset > first.Offset && !s.ids[m.channel][m.id] {
				w.fail("I1", "%s never got %s, acknowledged at %v; it stands at %v", s.name, m.id, m.position, s.last[m.channel])
			}
		}
	}
	for slot := range simSlots {
		w.checkRest(slot)
	}
}

// leaderAtRest is who should lead a slot: who was meant to, unless that one is shy, or whoever leads has seen it lose the lead.
func (w *world) leaderAtRest(slot int, meant uint64) uint64 {
	leader, excused := meant, false
	for _, n := range w.all {
		status := n.host.Status(slot)
		if !n.alive {
			continue
		}
		if status.Leads {
			leader = n.instance
		}
		excused = excused || n.instance == meant && status.Shy || status.Shuns == meant
	}
	if excused {
		return leader
	}
	return meant
}

// checkRest holds I19 for a slot.
func (w *world) checkRest(slot int) {
	if wrong := w.unrest(slot); wrong != "" {
		for _, n := range w.all {
			if n.alive {
				w.log("%s: %+v", n, n.host.Status(slot))
			}
		}
		w.fail("I19", "slot %d at rest: %s", slot, wrong)
	}
}

// unrest says what keeps a slot from being as it should be: one leader, where placement wants it, with the voters that placement wants,
// and known to all.
func (w *world) unrest(slot int) string {
	var members []host.Node
	for _, n := range w.all {
		if n.alive {
			members = append(members, host.Node{Instance: n.instance, Name: n.name, Draining: n.draining})
		}
	}
	target := host.Place(members, simSlots, simCopies)[slot]
	leader := w.leaderAtRest(slot, target[0])
	for _, n := range w.all {
		if !n.alive {
			continue
		}
		status := n.host.Status(slot)
		switch {
		case status.Leads != (n.instance == leader):
			return fmt.Sprintf("%s leads: %v, should: %x", n, status.Leads, leader)
		case status.Leads && (!status.Settled || status.Changing):
			return fmt.Sprintf("%s is changing", n)
		case status.Leader != leader || !w.fits(status.Voters, target) || len(status.Learners) > 0:
			return fmt.Sprintf("%s takes %x for the leader, %x for voters, %x for learners", n, status.Leader, status.Voters, status.Learners)
		case status.Copy != slices.Contains(target, n.instance):
			return fmt.Sprintf("%s has a copy: %v", n, status.Copy)
		}
	}
	return ""
}

// fits reports whether voters are those wanted. Where there are too few nodes, lost ones may stay beside them.
func (w *world) fits(voters, target []uint64) bool {
	for _, instance := range target {
		if !slices.Contains(voters, instance) {
			return false
		}
	}
	for _, instance := range voters {
		if !slices.Contains(target, instance) && (w.nodes[instance].alive || len(voters) > simCopies) {
			return false
		}
	}
	return true
}
