package frame

import (
	"unicode/utf8"

	"halley/pushnode/wire"
)

// message is a data message on its way.
type message struct {
	payload  []byte // what came of it, unmasked
	checked  int    // bytes at the beginning of a text's payload that are known to be whole characters
	opcode   wire.Opcode
	deflated bool
	skipped  bool // it was too large: nothing of it is kept
}

// bound returns how many bytes may come of a message, before it is inflated.
func bound(deflated bool, rules Rules) int {
	if deflated {
		return deflatedBound(rules.MessageBytes)
	}
	return rules.MessageBytes
}

// add keeps a piece of the payload, behind which the frame goes on as h says. A text that is not UTF-8 is told at the piece in which it
// goes wrong (RFC 6455, section 8.1).
func (m *message) add(chunk []byte, h header, rules Rules) *Error {
	if m.skipped {
		return nil
	}
	most := bound(m.deflated, rules)
	if h.final() {
		most = len(m.payload) + len(chunk) + int(h.left) // which admit has found to be within the bound
	}
	m.payload = append(extend(m.payload, len(chunk), most), chunk...)
	if m.opcode != wire.OpcodeText || m.deflated {
		return nil
	}
	fresh := wholeCharacters(m.payload[m.checked:])
	if !utf8.Valid(fresh) {
		return errText
	}
	m.checked += len(fresh)
	return nil
}

// finish makes the payload of a whole message an event. Of a text's, checked bytes at the beginning are known to be whole characters.
func finish(opcode wire.Opcode, deflated bool, payload []byte, checked int, rules Rules) (Event, *Error) {
	if deflated {
		var err *Error
		if payload, err = inflate(payload, rules.MessageBytes); err != nil {
			return Event{}, err
		}
	}
	if opcode == wire.OpcodeText && !utf8.Valid(payload[checked:]) {
		return Event{}, errText
	}
	return Event{Opcode: opcode, Payload: payload}, nil
}

// extend makes room for n more bytes behind p, and for as much again as that makes, so that few copies are made, but for no more than bound
// bytes in all.
func extend(p []byte, n, bound int) []byte {
	if len(p)+n <= cap(p) {
		return p
	}
	space := max(len(p)+n, min(2*(len(p)+n), bound))
	return append(make([]byte, 0, space), p...)
}

// wholeCharacters returns p without the beginning of a character at its end that what follows may complete.
func wholeCharacters(p []byte) []byte {
	for i := len(p) - 1; i >= max(0, len(p)-utf8.UTFMax+1); i-- {
		if utf8.RuneStart(p[i]) {
			if !utf8.FullRune(p[i:]) {
				return p[:i]
			}
			break
		}
	}
	return p
}
