package host

import (
	"cmp"
	"encoding/binary"
)

// claim is how much of a slot a copy holds: of two copies of a generation the one with the later term, in the same term with the
// higher index, has the more complete log. The zero claim is that of a node without a copy.
type claim struct {
	term  uint64
	index uint64
}

func (c claim) compare(other claim) int {
	return cmp.Or(cmp.Compare(c.term, other.term), cmp.Compare(c.index, other.index))
}

// askFrame is what a copy sends that wants to recover the slot by force: take nothing of this generation in any more, and tell what you
// hold. ends: never mind, go on.
type askFrame struct {
	round      uint64 // the asker's number of the attempt; rises
	generation uint32 // that is to end
	claim      claim
	ends       bool
	dead       []uint64 // that the asker has proof of
}

func (f *askFrame) append(slot int) []byte {
	dst := binary.AppendUvarint(beginFrame(kindAsk, slot, frameRoom), f.round)
	dst = binary.AppendUvarint(dst, uint64(f.generation))
	dst = append(f.claim.append(dst), flag(f.ends))
	return appendInstances(dst, f.dead)
}

func (r *frameReader) ask() askFrame {
	return askFrame{round: r.Number(), generation: r.generation(), claim: r.claim(), ends: r.Byte() != 0, dead: r.Fixeds()}
}

// stance is how a node answers an ask.
type stance uint8

const (
	stanceStopped stance = iota // it takes nothing in any more
	stanceFuller                // it holds more itself, or as much and goes first: it will ask
	stanceBound                 // it has stopped for another
	stanceLed                   // there is a leader, or somebody lives who is taken for dead
	stanceLater                 // the generation has ended
	stanceCount
)

// tellFrame answers an askFrame.
type tellFrame struct {
	round  uint64
	stance stance
	claim  claim
	route  route
}

func (f *tellFrame) append(slot int) []byte {
	dst := binary.AppendUvarint(beginFrame(kindTell, slot, frameRoom), f.round)
	return f.route.append(f.claim.append(append(dst, byte(f.stance))))
}

func (r *frameReader) tell() tellFrame {
	f := tellFrame{round: r.Number(), stance: stance(r.Byte()), claim: r.claim(), route: r.route()}
	if f.stance >= stanceCount {
		r.Fail("unknown stance")
	}
	return f
}

// appendDead is the frame of instances that are proven dead, and of how many milliseconds ago more than two members were seen: it is of
// no slot.
func appendDead(list []uint64, crowded int64) []byte {
	return appendInstances(binary.AppendUvarint([]byte{byte(kindDead)}, uint64(crowded)), list)
}

func (c claim) append(dst []byte) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(dst, c.term), c.index)
}

func (r *frameReader) claim() claim { return claim{term: r.Number(), index: r.Number()} }

func (r *frameReader) generation() uint32 {
	generation := r.Number()
	if generation > maxGeneration {
		r.Fail("a generation is too high")
	}
	return uint32(generation)
}
