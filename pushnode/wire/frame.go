package wire

import "encoding/binary"

// Opcode is the kind of a WebSocket frame: RFC 6455, section 5.2.
type Opcode byte

// The opcodes of RFC 6455. A server of ours sends neither binary messages nor fragments.
const (
	OpcodeContinuation Opcode = 0x0
	OpcodeText         Opcode = 0x1
	OpcodeBinary       Opcode = 0x2
	OpcodeClose        Opcode = 0x8
	OpcodePing         Opcode = 0x9
	OpcodePong         Opcode = 0xA
)

// OpcodeDeflated beside OpcodeText says that the payload is compressed: the bit RSV1 (RFC 7692, section 6).
const OpcodeDeflated Opcode = 0x40

// The two bytes that every frame begins with: RFC 6455, section 5.2.
const (
	FrameFinal    = 0x80 // of the first byte: the last frame of its message
	FrameMasked   = 0x80 // of the second: a key of 4 bytes stands before the payload
	FrameLength16 = 126  // as a length: the next 2 bytes are the length
	FrameLength64 = 127  // as a length: the next 8 bytes are the length

	MaxControlBytes = 125 // of a control frame's payload (section 5.5), and the longest length that stands in the second byte
)

const (
	maxFrameHeader = 10
	maxCloseReason = MaxControlBytes - 2 // the code comes before it
)

// AppendFrameHeader appends the header of a whole, unmasked frame with a payload of length bytes. Servers do not mask, so that
// header and payload are the same for every receiver. A compressed payload has OpcodeDeflated beside its opcode.
func AppendFrameHeader(dst []byte, opcode Opcode, length int) []byte {
	dst = append(dst, FrameFinal|byte(opcode))
	switch {
	case length <= MaxControlBytes:
		return append(dst, byte(length))
	case length <= 0xFFFF:
		return binary.BigEndian.AppendUint16(append(dst, FrameLength16), uint16(length))
	default:
		return binary.BigEndian.AppendUint64(append(dst, FrameLength64), uint64(length))
	}
}

// AppendClosePayload appends the payload of a close frame: the code and a reason, cut to what a control frame holds.
func AppendClosePayload(dst []byte, code Code, reason string) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(code)), CloseReason(reason)...)
}

// CloseReason cuts a reason to the 123 bytes that a close frame holds, between characters.
func CloseReason(reason string) string {
	if len(reason) <= maxCloseReason {
		return reason
	}
	cut := maxCloseReason
	for cut > 0 && reason[cut]&0xC0 == 0x80 {
		cut--
	}
	return reason[:cut]
}
