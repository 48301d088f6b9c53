package channel

import (
	"maps"
	"slices"
)

// edges counts the attached sessions of each node, by its instance id, so that the loss of a node that has none costs nothing.
type edges map[uint64]int

func (e edges) add(edge uint64) { e[edge]++ }

func (e edges) remove(edge uint64) {
	if e[edge]--; e[edge] == 0 {
		delete(e, edge)
	}
}

// Edges returns the instance ids of the nodes that sessions are attached to, in order. The leader compares them with the nodes that
// there are, for an AttachSession that was under way may be applied after the EdgeLost of its node.
func (s *State) Edges() []uint64 { return slices.Sorted(maps.Keys(s.edges)) }

// edgeLost detaches what is attached to a node that died. Where there is something, it looks at every session of the slot.
func (s *State) edgeLost(c EdgeLost) Result {
	s.digest.number(c.Edge)
	if s.edges[c.Edge] == 0 {
		return Result{}
	}
	for _, known := range s.sessions {
		if known.record.attached && known.record.edge == c.Edge {
			known.lost = true
			s.detached(known)
		}
	}
	return Result{}
}

// restartGrace gives every detached session its whole time again. Timers that are early now are put right when they ring.
func (s *State) restartGrace() {
	s.digest.number(codeRestartGrace)
	for _, known := range s.sessions {
		if !known.record.attached && !known.ended {
			known.record.since = s.now
		}
	}
}
