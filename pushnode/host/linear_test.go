package host_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/anishathalye/porcupine"

	"halley/pushnode/channel"
)

// asked is what a client asked of a channel: to append a message, or (no id) where its head is.
type asked struct {
	channel channel.ID
	id      string
}

// unknown is the offset of a message that may have been stored.
const unknown = math.MaxUint64

// operation takes note of what a client asked and was told.
func (w *world) operation(id channel.ID, message string, begun, ended moment, offset uint64) {
	w.operations = append(w.operations, porcupine.Operation{
		Input: asked{channel: id, id: message}, Call: int64(begun), Output: offset, Return: int64(ended),
	})
}

// appendOnly is a channel as clients should see it: a list to which a message is appended once, however often it is asked for, and whose
// length is the head. A state is the ids in order, each behind a comma.
var appendOnly = porcupine.Model{
	Partition: func(history []porcupine.Operation) (parts [][]porcupine.Operation) {
		place := map[channel.ID]int{}
		for _, one := range history {
			id := one.Input.(asked).channel
			if _, is := place[id]; !is {
				place[id] = len(parts)
				parts = append(parts, nil)
			}
			parts[place[id]] = append(parts[place[id]], one)
		}
		return parts
	},
	Init: func() any { return "," },
	Step: func(state, input, output any) (bool, any) {
		ids, in, offset := state.(string), input.(asked), output.(uint64)
		length := uint64(strings.Count(ids, ",") - 1)
		at := strings.Index(ids, ","+in.id+",")
		switch {
		case in.id == "":
			return offset == length, ids
		case at >= 0:
			return offset == unknown || offset == uint64(strings.Count(ids[:at+1], ",")), ids
		default:
			return offset == unknown || offset == length+1, ids + in.id + ","
		}
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprint(input.(asked).id, " ", output) },
}

// TestLinear has porcupine check whole histories of short lives: where our own checker trusts offsets, it trusts nothing.
func TestLinear(t *testing.T) {
	if withoutRace(t) {
		return
	}
	operations := 0
	for seed := *firstSeed; seed < *firstSeed+20; seed++ {
		w := simulate(seed, makePlan(seed, 25*second), sound)
		if w.failure != "" {
			t.Fatalf("seed %d: %s", seed, w.failure)
		}
		operations += len(w.operations)
		if !porcupine.CheckOperations(appendOnly, w.completed()) {
			t.Errorf("seed %d: what clients were told has no order\n%s", seed, w.story())
		}
	}
	t.Logf("%d operations", operations)
}

// TestLinearBites has the model refuse a history that answers a later question with less.
func TestLinearBites(t *testing.T) {
	t.Parallel()
	w := newWorld(1)
	w.operation(room1, "a", 1, 2, 1)
	w.operation(room1, "b", 3, 4, 2)
	w.operation(room1, "", 5, 6, 2)
	if !porcupine.CheckOperations(appendOnly, w.operations) {
		t.Error("a sound history is refused")
	}
	w.operation(room1, "", 7, 8, 1)
	if porcupine.CheckOperations(appendOnly, w.operations) {
		t.Error("a head that goes back is taken")
	}
}

// completed is all operations, those without an outcome included.
func (w *world) completed() []porcupine.Operation {
	for _, m := range w.sentMessages {
		if m.acked == 0 && m.doubt {
			w.operation(m.channel, m.id, m.begun, math.MaxInt64, unknown)
		}
	}
	return w.operations
}
