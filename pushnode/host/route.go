package host

import (
	"cmp"
	"slices"
)

// route is who leads a slot, and who holds it. A later one wins: by generation, term, then how far the leader had applied the log. It
// may be out of date, never wrong about its term.
type route struct {
	leader     uint64 // 0: nobody is known to
	generation uint32
	term       uint64
	voters     []uint64
	learners   []uint64
	agreed     bool   // nobody can lead any more who knows other copies
	applied    uint64 // the entry up to which the leader had applied the log when it said so
}

func (r *route) compare(other *route) int {
	return cmp.Or(cmp.Compare(r.generation, other.generation), cmp.Compare(r.term, other.term), cmp.Compare(r.applied, other.applied))
}

// holds reports whether an instance has a copy, or is being given one.
func (r *route) holds(instance uint64) bool {
	return slices.Contains(r.voters, instance) || slices.Contains(r.learners, instance)
}

func (h *Host) learnRoutes(now int64, led []slotRoute) {
	for _, one := range led {
		if one.slot >= len(h.seats) {
			continue // of a later version's cluster: no slot of ours
		}
		s := &h.seats[one.slot]
		s.enter(now)
		s.learn(one.route)
		s.leave()
	}
}

// learn takes a route that this slot's copies, or another node, told of.
func (s *seat) learn(found route) {
	if found.leader == 0 || found.compare(&s.route) < 0 {
		return
	}
	if s.route.leader != 0 && found.generation > s.route.generation {
		s.host.doubted.Store(s.now)
	}
	moved, anew := found.leader != s.route.leader, found.term != s.route.term || found.generation != s.route.generation
	s.route = found
	if moved {
		s.redirect()
		s.missed = true
	}
	if moved || anew {
		s.reportAll() // who begins to lead knows no counts
	}
	s.dropIfRemoved()
	s.chooseSource()
}

// announce tells every peer that this node leads the slot.
func (s *seat) announce() {
	frame := appendRoutes([]slotRoute{{slot: s.index, route: s.route}})
	v := s.host.view.Load()
	for _, node := range v.nodes {
		if v.linked[node.Instance] {
			s.host.outside.Send(node.Instance, Control, frame)
		}
	}
}
