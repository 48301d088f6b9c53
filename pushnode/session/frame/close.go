package frame

import (
	"encoding/binary"
	"unicode/utf8"

	"halley/pushnode/wire"
)

// parseClose reads the payload of a close frame: nothing, or a code and a reason (RFC 6455, section 5.5.1).
func parseClose(p []byte) (Event, *Error) {
	if len(p) == 0 {
		return Event{Opcode: wire.OpcodeClose, Code: NoStatus}, nil
	}
	if len(p) == 1 || !validCode(binary.BigEndian.Uint16(p)) {
		return Event{}, errClose
	}
	code, reason := binary.BigEndian.Uint16(p), p[2:]
	if !utf8.Valid(reason) {
		return Event{}, errText
	}
	return Event{Opcode: wire.OpcodeClose, Code: code, Payload: reason}, nil
}

// validCode reports whether a code may stand in a frame: RFC 6455, section 7.4, and the codes that IANA has registered since, up to 1014.
func validCode(code uint16) bool {
	switch code {
	case 1004, NoStatus, 1006: // without meaning, and two that say what was not in a frame
		return false
	}
	return code >= 1000 && code <= 1014 || code >= 3000 && code <= 4999
}
