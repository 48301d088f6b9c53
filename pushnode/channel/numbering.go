package channel

import "github.com/cespare/xxhash/v2"

// numbering is what an epoch and its offsets need: all that a dropped channel leaves behind.
type numbering struct {
	generation  uint32
	incarnation uint64
	head        uint64       // the last offset given
	breaks      []epochBreak // oldest first, at most maxBreaks
}

// epochBreak says which offset was the last that survived when a generation of the slot ended.
type epochBreak struct {
	generation uint32
	head       uint64
}

// maxBreaks bounds the breaks that a channel remembers. Each is a recovery of its slot by force.
const maxBreaks = 8

// broken is the numbering in a later generation. Offsets go on: what was held stays readable under the new epoch.
func (n numbering) broken(generation uint32) numbering {
	kept := n.breaks
	if len(kept) == maxBreaks {
		kept = kept[1:]
	}
	n.breaks = append(kept[:len(kept):len(kept)], epochBreak{generation: n.generation, head: n.head})
	n.generation = generation
	return n
}

// survived reports whether everything up to the position is known to be part of this numbering, although the slot was recovered
// by force since. Where no break is remembered, the channel began later: only the position before the first message counts.
func (n numbering) survived(since Position) bool {
	if since.Epoch.Incarnation != n.incarnation || since.Epoch.Generation >= n.generation {
		return false
	}
	var last uint64
	for _, b := range n.breaks {
		if b.generation == since.Epoch.Generation {
			last = b.head
		}
	}
	return since.Offset <= last
}

// given is the generation in which an offset was given.
func (n *numbering) given(offset uint64) uint32 {
	for _, b := range n.breaks {
		if offset <= b.head {
			return b.generation
		}
	}
	return n.generation
}

// lineage is the earlier generations of a slot since which nothing acknowledged can have been lost: oldest first, at most maxBreaks.
type lineage []uint32

// broken is the lineage after a generation has ended, whole or not.
func (l lineage) broken(generation uint32, whole bool) lineage {
	if !whole {
		return nil
	}
	if len(l) == maxBreaks {
		l = l[1:]
	}
	return append(l[:len(l):len(l)], generation)
}

// eraCount is the number of eras of a slot: the more, the fewer channels share one.
const eraCount = 256

// eras gives channels their incarnations. A channel takes the present number of its era when it begins; when a channel with that
// number is forgotten for good, the number rises. So the same channel never gets a number twice, and the number that a reader is
// told before the channel's first message is the one that the message will have.
type eras [eraCount]uint64

func newEras() (e eras) {
	for i := range e {
		e[i] = 1
	}
	return e
}

func (e *eras) of(id ID) *uint64 { return &e[xxhash.Sum64String(id.Name)%eraCount] }

// forget takes note that a channel with this incarnation is forgotten.
func (e *eras) forget(id ID, incarnation uint64) {
	era := e.of(id)
	*era = max(*era, incarnation+1)
}
