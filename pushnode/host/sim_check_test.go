package host_test

import (
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
	terms                             map[*node][simSlots]uint64
	frames, bytes, refused, delivered int
}

type leadership struct {
	slot       int
	generation uint32
	term       uint64
}

type applied struct {
	slot       int
	generation uint32
	index      uint64
}

func (h *history) init() {
	h.at, h.places, h.epochs = map[place]string{}, map[string]channel.Position{}, map[channel.ID]channel.Epoch{}
	h.leaders, h.hashes, h.terms = map[leadership]uint64{}, map[applied]uint64{}, map[*node][simSlots]uint64{}
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
	w.seen(m.channel, reply.Result.Position, m.id)
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
	w.fail("I1", "%s is told of a gap in %s: %+v, it stands at %v", s.name, id.Name, *backlog.Gap, s.last[id])
}

// inspect holds what must be so at every moment, at one node: I7, I8, I10.
func (w *world) inspect(n *node) {
	terms := w.history.terms[n]
	for slot := range simSlots {
		status := n.host.Status(slot)
		if !status.Copy {
			terms[slot] = 0
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
		if status.Term < terms[slot] {
			w.fail("I8", "%s saw term %d of slot %d after %d", n, status.Term, slot, terms[slot])
		}
		terms[slot] = status.Term
		key := applied{slot, status.Generation, status.Applied}
		if other, known := w.history.hashes[key]; known && other != status.Hash {
			w.fail("I10", "%v has hash %x and, at %s, %x", key, other, n, status.Hash)
		}
		w.history.hashes[key] = status.Hash
	}
	w.history.terms[n] = terms
}

// checkOrder holds I5: what was acknowledged before another was begun stands before it.
func (w *world) checkOrder() {
	for i, a := range w.sentMessages {
		if a.acked == 0 {
			continue
		}
		for _, b := range w.sentMessages[i+1:] {
			if b.channel == a.channel && b.acked != 0 && b.begun > a.acked {
				if !earlier(a.position.Epoch, b.position.Epoch) && a.position.Offset >= b.position.Offset {
					w.fail("I5", "%s (%v) was acknowledged before %s (%v) was begun", a.id, a.position, b.id, b.position)
				}
				break
			}
		}
	}
}

// checkEnd holds what must be so when the cluster has come to rest: I1, I13, I19.
func (w *world) checkEnd() {
	w.checkOrder()
	w.checkMembers()
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

// checkRest holds I19 for a slot: one leader, as many voters as there can be, all level.
func (w *world) checkRest(slot int) {
	living, leaders := 0, 0
	for _, n := range w.all {
		if n.alive {
			living++
		}
	}
	want := min(living, simCopies)
	for _, n := range w.all {
		if !n.alive {
			continue
		}
		status := n.host.Status(slot)
		if status.Leads {
			leaders++
			alive := 0
			for _, voter := range status.Voters {
				if w.nodes[voter].alive {
					alive++
				}
			}
			if alive != want || len(status.Voters) != want || len(status.Learners) != 0 {
				w.fail("I19", "slot %d has voters %x and learners %x at rest, %d nodes live", slot, status.Voters, status.Learners, living)
			}
		}
	}
	if leaders != 1 {
		for _, n := range w.all {
			if n.alive {
				w.log("%s: %+v", n, n.host.Status(slot))
			}
		}
		w.fail("I19", "slot %d has %d leaders at rest", slot, leaders)
	}
}
