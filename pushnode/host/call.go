package host

import (
	"encoding/binary"
	"errors"
	"slices"
)

// ErrUnreached means that a node could not be asked, or that its answer did not come: it may have done what it was asked for.
var ErrUnreached = errors.New("the node did not answer")

const (
	// maxCalls bounds the calls of this node that have no answer yet.
	maxCalls = 4096
	// largeCall is from how many bytes on a call or answer goes by the links' class of large frames, and waits for room there: so little
	// that all that are under way at once have room in the other class.
	largeCall = 64 << 10
)

// call is a question to another node, about what no slot knows: its connections, and sessions without a record.
type call struct {
	to       uint64
	deadline int64
	done     func(answer []byte, err error)
}

// Call asks another node, whose Surroundings are given the question, and calls done once: with the answer, or with ErrUnreached where
// no link is there, the link breaks or the deadline (milliseconds) has passed. done is called without any lock.
func (h *Host) Call(to uint64, question []byte, deadline int64, done func(answer []byte, err error)) {
	h.mu.Lock()
	full := len(h.calls) >= maxCalls
	h.lastCall++
	id := h.lastCall
	if !full {
		h.calls[id] = call{to: to, deadline: deadline, done: done}
	}
	h.mu.Unlock()
	if full {
		done(nil, ErrUnreached)
		return
	}
	if !h.outside.Send(to, CallClass(question), appendCall(kindCall, id, question)) {
		h.endCalls(func(known uint64, _ call) bool { return known == id })
	}
}

// Answer is what a node that was asked by Surroundings.Called gives back, once.
func (h *Host) Answer(to, id uint64, answer []byte) {
	h.outside.Send(to, CallClass(answer), appendCall(kindAnswer, id, answer)) // where that fails the link is broken, which the asker sees
}

// CallClass is the class of frames that a call, or its answer, goes by. What goes by Bulk must not be sent before there is room.
func CallClass(body []byte) Class {
	if len(body) >= largeCall {
		return Bulk
	}
	return Data
}

// appendCall is a call's frame, or its answer's: kind, number, and the rest is the body.
func appendCall(what kind, id uint64, body []byte) []byte {
	frame := binary.AppendUvarint(append(make([]byte, 0, len(body)+11), byte(what)), id)
	return append(frame, body...)
}

// called takes in a call of another node, or its answer to one of ours.
func (h *Host) called(from uint64, what kind, r *frameReader) error {
	id, body := r.Number(), r.Rest()
	if err := r.End(); err != nil {
		return err
	}
	if what == kindCall {
		h.outside.Called(from, id, body)
		return nil
	}
	h.mu.Lock()
	asked, known := h.calls[id]
	known = known && asked.to == from
	if known {
		delete(h.calls, id)
	}
	h.mu.Unlock()
	if known {
		asked.done(body, nil)
	}
	return nil
}

// endCalls ends calls that will not be answered any more, in the order in which they began.
func (h *Host) endCalls(which func(id uint64, one call) bool) {
	h.mu.Lock()
	var ended []uint64
	for id, one := range h.calls {
		if which(id, one) {
			ended = append(ended, id)
		}
	}
	slices.Sort(ended)
	calls := make([]call, len(ended))
	for i, id := range ended {
		calls[i] = h.calls[id]
		delete(h.calls, id)
	}
	h.mu.Unlock()
	for _, one := range calls {
		one.done(nil, ErrUnreached)
	}
}
