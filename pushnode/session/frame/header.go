package frame

import (
	"encoding/binary"
	"math"

	"halley/pushnode/wire"
)

// maxHeader is the length of the longest header: two bytes, a length of 64 bits, a key.
const maxHeader = 14

const (
	opcodeBits = 0x0f
	rsvBits    = 0x70
	keyBytes   = 4
)

// header is the header of a frame, and how far its payload was read: RFC 6455, section 5.2. Four fields are what the compiler keeps in
// registers.
type header struct {
	left  int64 // bytes of the payload that are still to come
	key   uint32
	first byte // as it came
	known bool // false where the header is not yet whole
}

func (h header) opcode() wire.Opcode { return wire.Opcode(h.first & opcodeBits) }

// final reports whether the frame is the last one of its message.
func (h header) final() bool { return h.first&wire.FrameFinal != 0 }

// deflated reports whether the frame is the first one of a compressed message.
func (h header) deflated() bool { return h.first&rsvBits != 0 }

// isControl reports whether the frame is a close, ping or pong, or of an opcode that is reserved for their like.
func (h header) isControl() bool { return h.opcode() >= wire.OpcodeClose }

// parseHeader reads a header of size bytes at the beginning of p, which is not empty. Faults are told as soon as their byte is there; a
// header that goes on behind p is not known, and its size is 0.
func parseHeader(p []byte, deflate bool) (h header, size int, err *Error) {
	h.first = p[0]
	if err := h.check(deflate); err != nil || len(p) < 2 {
		return header{}, 0, err
	}
	if p[1]&wire.FrameMasked == 0 {
		return header{}, 0, errUnmasked
	}
	short := p[1] &^ wire.FrameMasked
	if h.isControl() && short > wire.MaxControlBytes {
		return header{}, 0, errControl
	}
	length, size, err := parseLength(short, p[2:])
	if err != nil || size == 0 || len(p) < size {
		return header{}, 0, err
	}
	h.left, h.known = length, true
	h.key = binary.LittleEndian.Uint32(p[size-keyBytes:])
	return h, size, nil
}

// check holds the rules for the first byte: RFC 6455, sections 5.2, 5.4 and 5.5, and RFC 7692, section 6.
func (h header) check(deflate bool) *Error {
	opcode, rsv := h.opcode(), h.first&rsvBits
	first := opcode == wire.OpcodeText || opcode == wire.OpcodeBinary
	switch {
	case rsv != 0 && !(rsv == byte(wire.OpcodeDeflated) && deflate && first):
		return errReserved
	case opcode > wire.OpcodePong, opcode > wire.OpcodeBinary && opcode < wire.OpcodeClose:
		return errOpcode
	case h.isControl() && !h.final():
		return errPieces
	}
	return nil
}

// parseLength returns the length of the payload and the size of the header, which is 0 where p, the bytes behind the first two, ends within
// the length.
func parseLength(short byte, p []byte) (length int64, size int, err *Error) {
	switch {
	case short < wire.FrameLength16:
		return int64(short), 2 + keyBytes, nil
	case short == wire.FrameLength16 && len(p) >= 2:
		length, size = int64(binary.BigEndian.Uint16(p)), 2+2+keyBytes
		if length <= wire.MaxControlBytes {
			return 0, 0, errLength
		}
	case short == wire.FrameLength64 && len(p) >= 8:
		length, size = int64(binary.BigEndian.Uint64(p)), 2+8+keyBytes
		if length <= math.MaxUint16 { // or below 0: the highest bit must not be set
			return 0, 0, errLength
		}
	}
	return length, size, nil
}
