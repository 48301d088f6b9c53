package wire

import "encoding/binary"

// Opcode is the kind of a WebSocket frame: RFC 6455, section 5.2.
type Opcode byte

// The opcodes that a server sends.
const (
	OpcodeText  Opcode = 0x1
	OpcodeClose Opcode = 0x8
	OpcodePing  Opcode = 0x9
	OpcodePong  Opcode = 0xA
)

const (
	frameFinal      = 0x80
	frameLength16   = 126
	frameLength64   = 127
	maxFrameHeader  = 10
	maxCloseReason  = 123 // RFC 6455, section 5.5: a control frame holds 125 bytes, two of them the code
	maxFrameLength7 = 125
)

// AppendFrameHeader appends the header of a whole, unmasked frame with a payload of length bytes. Servers do not mask, so that
// header and payload are the same for every receiver.
func AppendFrameHeader(dst []byte, opcode Opcode, length int) []byte {
	dst = append(dst, frameFinal|byte(opcode))
	switch {
	case length <= maxFrameLength7:
		return append(dst, byte(length))
	case length <= 0xFFFF:
		return binary.BigEndian.AppendUint16(append(dst, frameLength16), uint16(length))
	default:
		return binary.BigEndian.AppendUint64(append(dst, frameLength64), uint64(length))
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
