package channel

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestDedupeIsAMap holds the table against a map, through growth, forgetting and ids that share places.
func TestDedupeIsAMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var d dedupe
		model := map[idKey]uint64{}
		queue := []idKey{}
		head := rapid.SampledFrom([]uint64{0, 5, 1<<32 - 20, 1<<40 - 3}).Draw(t, "head")
		crowded := rapid.Bool().Draw(t, "crowded")
		now := int64(0)
		for step := range rapid.IntRange(1, 300).Draw(t, "steps") {
			key := keyOf(fmt.Sprint(step))
			if crowded { // one place for all, one mark for most
				key[0], key[1], key[2], key[3], key[5], key[6], key[7] = 1, 0, 0, 0, 0, 0, 0
			}
			if _, seen := d.find(key); seen {
				t.Fatalf("the new id %d is there", step)
			}
			head, now = head+1, now+1
			d.add(seenID{key: key, time: now}, head)
			model[key], queue = head, append(queue, key)
			if rapid.IntRange(0, 3).Draw(t, "forget") == 0 {
				keep := int64(rapid.IntRange(0, 40).Draw(t, "keep"))
				forgotten := d.trim(now - keep)
				for _, gone := range queue[:forgotten] {
					delete(model, gone)
				}
				queue = queue[forgotten:]
			}
			for key, offset := range model {
				if got, seen := d.find(key); !seen || got != offset {
					t.Fatalf("an id with the offset %d is found at %d, %v", offset, got, seen)
				}
			}
			if len(queue) != d.order.len() || len(d.table.places) > max(leastPlaces, 16*len(queue)) {
				t.Fatalf("%d ids, %d in the queue, a table of %d", len(queue), d.order.len(), len(d.table.places))
			}
		}
	})
}
