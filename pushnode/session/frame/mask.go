package frame

import (
	"encoding/binary"
	"math/bits"
)

// unmask takes the mask off p, whose first byte falls to the lowest byte of key, and returns the key for what follows p: RFC 6455, section
// 5.3. It goes by words of 8 bytes, four at a time, which the compiler makes single loads and stores.
func unmask(p []byte, key uint32) uint32 {
	wide := uint64(key) | uint64(key)<<32
	for len(p) >= 32 {
		four := p[:32]
		binary.LittleEndian.PutUint64(four, binary.LittleEndian.Uint64(four)^wide)
		binary.LittleEndian.PutUint64(four[8:], binary.LittleEndian.Uint64(four[8:])^wide)
		binary.LittleEndian.PutUint64(four[16:], binary.LittleEndian.Uint64(four[16:])^wide)
		binary.LittleEndian.PutUint64(four[24:], binary.LittleEndian.Uint64(four[24:])^wide)
		p = p[32:]
	}
	for len(p) >= 8 {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^wide)
		p = p[8:]
	}
	for i := range p {
		p[i] ^= byte(key)
		key = bits.RotateLeft32(key, -8)
	}
	return key
}
