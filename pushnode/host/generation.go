package host

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// A generation is a count of the slot's recoveries by force, and a tag that says who recovered it: so that two recoveries of one
// generation, which should not be and can, do not get the same number. The tag is the place of the copy among the voters of the
// generation that ended, which differs for any two of them, and some bits of its instance id, for copies whose logs know other voters.
// That leaves a slot a million recoveries; after that it stays as it is.
const (
	hashBits  = 9
	placeBits = 3
	tagBits   = hashBits + placeBits
)

// noVoter is the place of a copy that is none of the voters.
const noVoter = 1<<placeBits - 1

// nextGeneration is the one that a copy opens after the last.
func nextGeneration(last uint32, place int, self uint64) uint32 {
	if place < 0 || place > noVoter {
		place = noVoter
	}
	var id [8]byte
	binary.LittleEndian.PutUint64(id[:], self)
	hash := uint32(xxhash.Sum64(id[:])) & (1<<hashBits - 1)
	return (last>>tagBits+1)<<tagBits | uint32(place)<<hashBits | hash
}
