package channel

import (
	"crypto/sha256"
	"encoding/binary"
)

// idKey stands for a publication's id: 128 bits of SHA-256, so that no two ids that anybody can find share one. (The id itself
// may be 128 bytes long, and would keep the log entry alive that it came in.)
type idKey [16]byte

func keyOf(id string) idKey {
	sum := sha256.Sum256([]byte(id))
	return idKey(sum[:16])
}

// dedupe remembers which offset each recent id has. Every offset has one id, so the queue holds a run of offsets up to the head.
type dedupe struct {
	order ring[seenID] // oldest first
	head  uint64       // the offset of the newest
	table idTable      // where in the queue an id may be
}

type seenID struct {
	key     idKey
	attempt uint32 // that stored it
	time    int64
}

// find returns the offset that an id has.
func (d *dedupe) find(key idKey) (offset uint64, seen bool) {
	if d.order.len() == 0 {
		return 0, false
	}
	for at := d.table.home(key); d.table.places[at] != 0; at = d.table.next(at) {
		if p := d.table.places[at]; p.mark() == markOf(key) && d.holds(p) && d.seen(p).key == key {
			return d.head - p.age(d.head), true
		}
	}
	return 0, false
}

// holds reports whether the id of a place is still remembered.
func (d *dedupe) holds(p place) bool { return p.age(d.head) < uint64(d.order.len()) }

// seen is the id of a place that is still remembered.
func (d *dedupe) seen(p place) *seenID { return d.order.ref(d.order.len() - 1 - int(p.age(d.head))) }

// add remembers an id that is not remembered yet, with the offset after that of the newest.
func (d *dedupe) add(seen seenID, offset uint64) {
	d.head = offset
	d.order.push(seen)
	if d.table.full() {
		d.fillTable()
		return
	}
	at := d.table.home(seen.key)
	for d.table.places[at] != 0 && d.holds(d.table.places[at]) {
		at = d.table.next(at)
	}
	d.table.put(at, placeOf(seen.key, offset))
}

// fillTable makes a table of those that are remembered.
func (d *dedupe) fillTable() {
	d.table = newIDTable(d.order.len())
	for i := range d.order.len() {
		key := d.order.at(i).key
		at := d.table.home(key)
		for d.table.places[at] != 0 {
			at = d.table.next(at)
		}
		d.table.put(at, placeOf(key, d.head-uint64(d.order.len()-1-i)))
	}
}

// storedBy reports whether the attempt is the one that stored the id at an offset; head is the latest.
func (d *dedupe) storedBy(attempt uint32, offset, head uint64) bool {
	return attempt != 0 && d.order.at(d.order.len()-1-int(head-offset)).attempt == attempt
}

// trim forgets ids from before cutoff and those above the bound. It returns how many. Their places stay until others take them.
func (d *dedupe) trim(cutoff int64) int {
	before := d.order.len()
	for d.order.len() > 0 && (d.order.len() > MaxDedupeIDs || d.order.at(0).time <= cutoff) {
		d.order.pop()
	}
	switch ids := d.order.len(); {
	case ids == 0:
		d.table = idTable{}
	case d.table.tooLarge(ids):
		d.fillTable()
	}
	return before - d.order.len()
}

// idTable says which ids of the queue may be the one that is looked for: an open table of one word for each, at most half of it in use. An
// id that is new, and so in no cache, costs one line of memory to miss and to put in; in a map of ids it cost three, which was the dearest
// part of applying a publication.
//
// An id's place is chosen by its SHA-256, and clients can make ids of one place. All that they get is that their own channel's table
// is gone through word by word, 10,000 at most.
type idTable struct {
	places []place // a power of two; nil: none
	used   int
}

// place is a part of an id, and the low half of its offset; 0: free.
type place uint64

// leastPlaces is the smallest table worth having.
const leastPlaces = 8

// newIDTable makes a table with room for as many ids again.
func newIDTable(ids int) idTable {
	size := leastPlaces
	for size < 4*ids {
		size *= 2
	}
	return idTable{places: make([]place, size)}
}

// tooLarge reports whether a table for so many ids would be a quarter of this one at most.
func (t *idTable) tooLarge(ids int) bool {
	return len(t.places) > leastPlaces && len(t.places) > 16*ids
}

func (t *idTable) full() bool { return 2*t.used >= len(t.places) }

func (t *idTable) home(key idKey) int {
	return int(binary.LittleEndian.Uint32(key[:4])) & (len(t.places) - 1)
}

func (t *idTable) next(at int) int { return (at + 1) & (len(t.places) - 1) }

func (t *idTable) put(at int, p place) {
	if t.places[at] == 0 {
		t.used++
	}
	t.places[at] = p
}

func placeOf(key idKey, offset uint64) place {
	return place(markOf(key))<<32 | place(uint32(offset))
}

// markOf tells ids apart that have one place, nearly always. It is never 0.
func markOf(key idKey) uint32 { return binary.LittleEndian.Uint32(key[4:8]) | 1 }

func (p place) mark() uint32 { return uint32(p >> 32) }

// age is how many offsets before head the place's is: right for what is remembered, and more than is remembered for nearly all else.
func (p place) age(head uint64) uint64 { return uint64(uint32(head) - uint32(p)) }
