package frame

import (
	"math"

	"halley/pushnode/wire"
)

// Event is a whole message or a control frame.
type Event struct {
	Opcode  wire.Opcode // text, binary, ping, pong or close
	Code    uint16      // of a close: what the client said, NoStatus where it said nothing
	Payload []byte      // unmasked and inflated; of a close: its reason
}

// NoStatus is the code of a close that has none: RFC 6455, section 7.1.5.
const NoStatus = 1005

// Rules are what the handshake and the application settled. They may differ from call to call.
type Rules struct {
	MessageBytes int  // of a whole message, after inflation
	Deflate      bool // permessage-deflate was agreed upon
}

// Reader reads the frames of one client. Its zero value is ready. Between messages it holds nothing but itself, 24 bytes.
//
// Amid a message it holds what came of it, in at most twice the space: never more than Rules.MessageBytes, or an eighth more where that
// is compressed.
type Reader struct {
	open   *partial // of the frame or message that is not yet whole; nil between messages
	failed *Error   // nothing can be understood any more
	closed bool     // a close frame was read
}

// partial is what a Reader keeps until the rest has come.
type partial struct {
	head    [maxHeader]byte // the first bytes of a header
	headLen int             // how many of them there are
	frame   header          // the frame whose payload goes on, where within says so
	within  bool
	control []byte  // the payload of a control frame so far
	message message // whose frames came so far; its opcode is 0 where there is none
}

// Next reads p to the end of the first message or control frame that p completes, and returns that with the rest of p. Where p completes
// none, all of it is taken in, and the Event has the opcode 0. So every byte that came is read by
//
//	for len(p) > 0 {
//		event, p, err = reader.Next(p, rules)
//		…
//	}
//
// and who cannot take another message just now keeps the rest for later. What was read of p is unmasked in place, the rest is as it was.
// A payload is part of p where all its bytes are there. It belongs to the caller, as far as p does.
//
// Every error is an *Error, which says how to close. After ErrTooLarge reading may go on with the rest, to come to the client's close: the
// message is skipped as it comes. Every other error is final: nothing that follows could be told for what it is. After a close frame
// nothing is read (RFC 6455, section 5.5.1).
func (r *Reader) Next(p []byte, rules Rules) (Event, []byte, error) {
	for len(p) > 0 && !r.closed {
		if r.failed != nil {
			return Event{}, nil, r.failed
		}
		event, rest, err := r.frame(p, rules)
		if err != nil && err != ErrTooLarge {
			r.failed, r.open, rest = err, nil, nil
		}
		if err != nil {
			return Event{}, rest, err
		}
		if event.Opcode != 0 {
			return event, rest, nil
		}
		p = rest
	}
	return Event{}, nil, nil
}

// frame reads what p has of one frame.
func (r *Reader) frame(p []byte, rules Rules) (Event, []byte, *Error) {
	h, p, err := r.header(p, rules)
	if err != nil || !h.known {
		return Event{}, p, err
	}
	n := int(min(h.left, int64(len(p))))
	chunk, rest := p[:n], p[n:]
	h.key = unmask(chunk, h.key)
	h.left -= int64(n)
	if h.isControl() {
		event, err := r.control(h, chunk)
		return event, rest, err
	}
	event, err := r.data(h, chunk, rules)
	return event, rest, err
}

// header returns the header of the frame that p goes on with, and p behind it. It is not known where p ends within it.
func (r *Reader) header(p []byte, rules Rules) (header, []byte, *Error) {
	if r.open != nil && r.open.within {
		return r.open.frame, p, nil
	}
	h, rest, err := r.parse(p, rules.Deflate)
	if err != nil || !h.known {
		return header{}, nil, err
	}
	return h, rest, r.admit(h, rules)
}

// parse reads a header, which may have begun before p. What p has of one that goes on behind it is kept.
func (r *Reader) parse(p []byte, deflate bool) (header, []byte, *Error) {
	if r.open == nil || r.open.headLen == 0 {
		h, size, err := parseHeader(p, deflate)
		if !h.known && err == nil {
			open := r.hold()
			open.headLen = copy(open.head[:], p)
		}
		return h, p[size:], err
	}
	open := r.open
	n := copy(open.head[open.headLen:], p)
	h, size, err := parseHeader(open.head[:open.headLen+n], deflate)
	if !h.known {
		open.headLen += n
		return h, nil, err
	}
	before := open.headLen
	open.headLen = 0
	return h, p[size-before:], err
}

// admit decides whether a data frame may come now, and whether there is room for it: from its header, before anything is stored.
func (r *Reader) admit(h header, rules Rules) *Error {
	if h.isControl() {
		return nil // they may come between the frames of a message: RFC 6455, section 5.5
	}
	if r.begun() != (h.opcode() == wire.OpcodeContinuation) {
		return errOrder
	}
	if h.left <= int64(r.room(h, rules)) {
		return nil
	}
	open := r.hold()
	open.frame, open.within = h, true
	open.message = message{opcode: wire.OpcodeBinary, skipped: true} // of which kind it is does not matter any more
	return ErrTooLarge
}

// room returns how many bytes the message that a frame begins, or goes on with, may still bring.
func (r *Reader) room(h header, rules Rules) int {
	if !r.begun() {
		return bound(h.deflated(), rules)
	}
	m := &r.open.message
	if m.skipped {
		return math.MaxInt
	}
	return max(0, bound(m.deflated, rules)-len(m.payload))
}

// data takes in a piece of a data frame, which is the last one where the frame has nothing left.
func (r *Reader) data(h header, chunk []byte, rules Rules) (Event, *Error) {
	last := h.final() && h.left == 0
	if last && !r.begun() { // most messages are one frame that came as a whole: nothing is copied
		r.open = nil
		return finish(h.opcode(), h.deflated(), chunk, 0, rules)
	}
	open := r.hold()
	if !r.begun() {
		open.message = message{opcode: h.opcode(), deflated: h.deflated()}
	}
	if err := open.message.add(chunk, h, rules); err != nil {
		return Event{}, err
	}
	open.frame, open.within = h, h.left > 0
	if !last {
		return Event{}, nil
	}
	r.open = nil
	m := &open.message
	if m.skipped {
		return Event{}, nil
	}
	return finish(m.opcode, m.deflated, m.payload, m.checked, rules)
}

// control takes in a piece of a control frame.
func (r *Reader) control(h header, chunk []byte) (Event, *Error) {
	if h.left > 0 {
		open := r.hold()
		open.frame, open.within = h, true
		open.control = append(open.control, chunk...)
		return Event{}, nil
	}
	payload := chunk
	if open := r.open; open != nil {
		if len(open.control) > 0 {
			payload = append(open.control, chunk...)
		}
		open.control, open.within = nil, false
	}
	if !r.begun() {
		r.open = nil
	}
	if h.opcode() != wire.OpcodeClose {
		return Event{Opcode: h.opcode(), Payload: payload}, nil
	}
	event, err := parseClose(payload)
	r.closed, r.open = err == nil, nil
	return event, err
}

// begun reports whether frames of a message came, but not its last one.
func (r *Reader) begun() bool { return r.open != nil && r.open.message.opcode != 0 }

// hold returns where to keep what is not yet whole.
func (r *Reader) hold() *partial {
	if r.open == nil {
		r.open = new(partial)
	}
	return r.open
}
