package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// maxFrame bounds what a server may send at once, in bytes.
const maxFrame = 1 << 20

// Opcodes: RFC 6455, section 11.8.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// frame is one frame of a server: RFC 6455, section 5.2.
type frame struct {
	final   bool
	opcode  byte
	payload []byte
}

// parseFrame reads the first frame of data and returns its length, 0 where it has not come whole. What a server must not send is an
// error: masks, extensions that nobody asked for, control frames that are long or in parts (sections 5.1, 5.2 and 5.5).
func parseFrame(data []byte) (f frame, length int, err error) {
	if len(data) < 2 {
		return frame{}, 0, nil
	}
	f.final, f.opcode = data[0]&0x80 != 0, data[0]&0x0f
	size, header := uint64(data[1]&0x7f), 2
	switch {
	case data[0]&0x70 != 0:
		return frame{}, 0, errors.New("a frame with reserved bits")
	case data[1]&0x80 != 0:
		return frame{}, 0, errors.New("a server's frame with a mask")
	case f.opcode > opPong || f.opcode > opBinary && f.opcode < opClose:
		return frame{}, 0, fmt.Errorf("a frame with opcode %#x", f.opcode)
	case f.opcode >= opClose && (size > 125 || !f.final):
		return frame{}, 0, errors.New("a control frame that is long or in parts")
	case size == 126:
		if header += 2; len(data) < header {
			return frame{}, 0, nil
		}
		size = uint64(binary.BigEndian.Uint16(data[2:]))
	case size == 127:
		if header += 8; len(data) < header {
			return frame{}, 0, nil
		}
		size = binary.BigEndian.Uint64(data[2:])
	}
	if size > maxFrame {
		return frame{}, 0, fmt.Errorf("a frame of %d bytes", size)
	}
	length = header + int(size)
	if len(data) < length {
		return frame{}, 0, nil
	}
	f.payload = data[header:length]
	return f, length, nil
}

// appendFrame appends a client's frame. The mask is all zeros: it is there because the RFC wants one (section 5.3), and protects proxies
// from scripts, of which there are none here.
func appendFrame(dst []byte, opcode byte, payload []byte) []byte {
	dst = append(dst, 0x80|opcode)
	switch size := len(payload); {
	case size < 126:
		dst = append(dst, 0x80|byte(size))
	case size < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0x80|126), uint16(size))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 0x80|127), uint64(size))
	}
	return append(append(dst, 0, 0, 0, 0), payload...)
}
