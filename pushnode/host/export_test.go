package host

import (
	"encoding/binary"

	"halley/pushnode/channel"
	"halley/pushnode/slot"
)

// What only tests may see. It takes no locks: the simulation is one goroutine, and looks while a slot is locked.

// CopiesOf returns the copies in force of a slot, as this node's own copy has them.
func (h *Host) CopiesOf(index int) (copies slot.Copies, has bool) {
	if h.seats[index].copy == nil {
		return slot.Copies{}, false
	}
	return h.seats[index].copy.Copies(), true
}

// LastOf returns up to where this node's copy of a slot holds the log.
func (h *Host) LastOf(index int) (generation uint32, last uint64) {
	s := &h.seats[index]
	if s.copy == nil {
		return 0, 0
	}
	_, last = s.copy.Last()
	return s.status.Generation, last
}

// IsRoutes reports whether a frame tells who leads slots.
func IsRoutes(frame []byte) bool { return kind(frame[0]) == kindRoutes }

// IsPart reports whether a frame is a part of a whole state, and begins it.
func IsPart(frame []byte) (part, begins bool) {
	if kind(frame[0]) != kindPart {
		return false, false
	}
	_, head := binary.Uvarint(frame[1:])
	return true, frame[1+head]&1 != 0
}

// IsRaft reports whether a frame is a message between copies.
func IsRaft(frame []byte) bool { return kind(frame[0]) == kindRaft }

// IsPulse reports whether a frame holds pulses, or the answers to some.
func IsPulse(frame []byte) bool { return kind(frame[0]) == kindPulse || kind(frame[0]) == kindPulsed }

// LifeOf returns which of its lives this node's copy of a slot is in.
func (h *Host) LifeOf(index int) uint32 { return h.seats[index].status.Life }

// AppliedOf returns up to where this node's copy of a slot has applied the log.
func (h *Host) AppliedOf(index int) (generation uint32, applied uint64) {
	s := &h.seats[index]
	if s.copy == nil {
		return 0, 0
	}
	status := s.copy.Status()
	return status.Generation, status.Applied
}

// Agreed reports whether this node leads a slot and nobody can lead it any more who knows other copies: until then the old ones, too,
// have to keep a majority.
func (h *Host) Agreed(index int) bool { return h.seats[index].status.Agreed }

// Waiting is how many requests have no outcome.
func (h *Host) Waiting() int { return int(h.waiting.Load()) }

// MaxWaiting is its bound.
const MaxWaiting = maxWaiting

// Place is where slots belong, the one that should lead first.
func Place(nodes []Node, slots, copies int) [][]uint64 { return place(nodes, slots, copies) }

// HistoryOf returns all that a slot's copy here keeps of a channel.
func (h *Host) HistoryOf(index int, id channel.ID) []channel.Remaining {
	remains, _ := h.seats[index].copy.State().Remains(id)
	return remains
}

// AnswerHere answers a query from this node's own copy; nil, if it has none.
func (h *Host) AnswerHere(index int, query channel.Query) channel.Answer {
	s := &h.seats[index]
	if s.copy == nil || s.status.Empty {
		return nil
	}
	return s.copy.State().Answer(query)
}

// BoundTo is the instance that this node has stopped for in a slot; 0: none.
func (h *Host) BoundTo(index int) uint64 { return h.seats[index].recovery.bound }

// MaxCalls is the bound of calls without an answer.
const MaxCalls = maxCalls

// AnswerFrame is an answer to a call.
func AnswerFrame(id uint64, answer []byte) []byte { return appendCall(kindAnswer, id, answer) }

// FallenFrame is the word that a copy fell.
func FallenFrame(index int, generation, life uint32) []byte {
	return lived{generation: generation, life: life}.append(beginFrame(kindFallen, index, frameRoom))
}
