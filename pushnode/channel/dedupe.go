package channel

import "crypto/sha256"

// idKey stands for a publication's id: 128 bits of SHA-256, so that no two ids that anybody can find share one. (The id itself
// may be 128 bytes long, and would keep the log entry alive that it came in.)
type idKey [16]byte

func keyOf(id string) idKey {
	sum := sha256.Sum256([]byte(id))
	return idKey(sum[:16])
}

// dedupe remembers which offset each recent id has. Every offset has one id, so the queue holds a run of offsets up to the head.
type dedupe struct {
	offsets map[idKey]uint64
	order   ring[seenID] // oldest first
}

type seenID struct {
	key     idKey
	attempt uint32 // that stored it
	time    int64
}

func (d *dedupe) add(seen seenID, offset uint64) {
	if d.offsets == nil {
		d.offsets = make(map[idKey]uint64)
	}
	d.offsets[seen.key] = offset
	d.order.push(seen)
}

// storedBy reports whether the attempt is the one that stored the id at an offset; head is the latest.
func (d *dedupe) storedBy(attempt uint32, offset, head uint64) bool {
	return attempt != 0 && d.order.at(d.order.len()-1-int(head-offset)).attempt == attempt
}

// trim forgets ids from before cutoff and those above the bound. It returns how many.
func (d *dedupe) trim(cutoff int64) int {
	before := d.order.len()
	for d.order.len() > 0 && (d.order.len() > MaxDedupeIDs || d.order.at(0).time <= cutoff) {
		delete(d.offsets, d.order.pop().key)
	}
	if d.order.len() == 0 {
		d.offsets = nil // a map does not shrink by itself
	}
	return before - d.order.len()
}
