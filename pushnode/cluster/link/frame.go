package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A frame on the wire is
//
//	 0  kind in the upper 4 bits, length of the payload in the lower 28, big endian
//	 4  CRC-32C of those four bytes, big endian (RFC 3720, 12.1)
//	 8  CRC-32C of the payload, big endian
//	12  payload
//
// The length has a checksum of its own, or a damaged one would swallow what follows until so much had come.
const (
	headerBytes = 12
	lengthBits  = 28
	lengthMask  = 1<<lengthBits - 1
)

// kind is what a frame is for.
type kind uint8

const (
	payloadKind kind = iota // a frame of the mesh's user
	pingKind                // clock.go; most are empty, and want no answer
	pongKind                // clock.go
	byeKind                 // the reason, one byte, on control; nothing follows
	kinds
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errDamaged means that what came is no frame.
var errDamaged = errors.New("damaged frame")

// appendHeader appends what goes before a payload of some length and checksum.
func appendHeader(b []byte, k kind, length int, sum uint32) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(k)<<lengthBits|uint32(length))
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b[len(b)-4:], castagnoli))
	return binary.BigEndian.AppendUint32(b, sum)
}

// parseHeader returns what a header says, errDamaged where it contradicts itself or is of a payload above the limit.
func parseHeader(head []byte, limit int) (k kind, length int, sum uint32, err error) {
	word := binary.BigEndian.Uint32(head)
	k, length = kind(word>>lengthBits), int(word&lengthMask)
	if crc32.Checksum(head[:4], castagnoli) != binary.BigEndian.Uint32(head[4:]) {
		return 0, 0, 0, fmt.Errorf("%w: checksum of its length", errDamaged)
	}
	if k >= kinds || length > limit {
		return 0, 0, 0, fmt.Errorf("%w: kind %d with %d bytes", errDamaged, k, length)
	}
	return k, length, binary.BigEndian.Uint32(head[8:]), nil
}
