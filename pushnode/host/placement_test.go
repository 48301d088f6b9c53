package host_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"halley/pushnode/host"
)

const allSlots = 1024

func members(count, zones int) []host.Node {
	list := make([]host.Node, count)
	for i := range list {
		list[i] = host.Node{Instance: uint64(i)*7919 + 13, Name: fmt.Sprint("node", i), Zone: fmt.Sprint("zone", i%zones)}
	}
	return list
}

// shares is how many copies, and how many leads, each node has.
func shares(placed [][]uint64) (copies, leads map[uint64]int) {
	copies, leads = map[uint64]int{}, map[uint64]int{}
	for _, target := range placed {
		for i, instance := range target {
			copies[instance]++
			if i == 0 {
				leads[instance]++
			}
		}
	}
	return copies, leads
}

// TestPlacement holds what placement promises: the caps of the note (3.4), distinct copies, zones apart, whatever the order. Where zones
// are of different sizes, the nodes of a small one have to hold more.
func TestPlacement(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(1, 50).Draw(t, "nodes")
		zones := rapid.IntRange(1, 5).Draw(t, "zones")
		nodes := members(count, zones)
		placed := host.Place(nodes, allSlots, 3)
		copies, leads := shares(placed)
		wanted := min(3, count)
		apart := min(zones, count)
		for slot, target := range placed {
			if sorted := slices.Compact(slices.Sorted(slices.Values(target))); len(sorted) != wanted {
				t.Fatalf("slot %d has %v, want %d copies", slot, target, wanted)
			}
			seen := map[string]bool{}
			for _, instance := range target {
				seen[nodes[(instance-13)/7919].Zone] = true
			}
			if apart >= 3 && count%zones == 0 && len(seen) < 2 {
				t.Fatalf("slot %d has all its copies in one of %d zones", slot, zones)
			}
		}
		for instance, held := range copies {
			if mean := float64(allSlots*wanted) / float64(count); count%zones == 0 && float64(held) > 1.15*mean+3 {
				t.Fatalf("%x holds %d of %.1f", instance, held, mean)
			}
		}
		for instance, led := range leads {
			if mean := float64(allSlots) / float64(count); count%zones == 0 && float64(led) > 1.2*mean+3 {
				t.Fatalf("%x leads %d of %.1f", instance, led, mean)
			}
		}
		shuffled := slices.Clone(nodes)
		chance := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 1))
		chance.Shuffle(count, func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if again := host.Place(shuffled, allSlots, 3); !slices.EqualFunc(placed, again, slices.Equal[[]uint64]) {
			t.Fatal("another order of the nodes gives another placement")
		}
	})
}

// TestPlacementMoves holds that a join, and a leave, moves little more than it must.
func TestPlacementMoves(t *testing.T) {
	t.Parallel()
	for _, count := range []int{3, 4, 5, 10, 20, 50} {
		few, many := host.Place(members(count, 1), allSlots, 3), host.Place(members(count+1, 1), allSlots, 3)
		ideal := float64(allSlots*3) / float64(count+1)
		if came := moved(few, many); float64(came) > 1.3*ideal {
			t.Errorf("a join to %d nodes moves %d copies, ideal is %.0f", count, came, ideal)
		}
		if came := moved(many, few); float64(came) > 1.3*ideal {
			t.Errorf("a leave from %d nodes moves %d copies, ideal is %.0f", count+1, came, ideal)
		}
	}
}

// moved is how many copies there are that were not there before.
func moved(before, after [][]uint64) (count int) {
	for slot := range after {
		for _, instance := range after[slot] {
			if !slices.Contains(before[slot], instance) {
				count++
			}
		}
	}
	return count
}

func TestPlacementWithoutThoseThatGo(t *testing.T) {
	t.Parallel()
	nodes := members(4, 1)
	gone := nodes[0].Instance
	check := func(about string, want int, fits func(target []uint64) bool) {
		t.Helper()
		for slot, target := range host.Place(nodes, allSlots, 3) {
			if len(target) != want || !fits(target) {
				t.Fatalf("%s: slot %d is placed on %v", about, slot, target)
			}
		}
	}
	nodes[0].Draining = true
	check("one of four drains", 3, func(target []uint64) bool { return !slices.Contains(target, gone) })
	nodes = nodes[:3]
	check("one of three drains: it holds, and leads nothing", 3, func(target []uint64) bool { return target[0] != gone })
	nodes[0].Leaving = true
	check("one of three leaves", 2, func(target []uint64) bool { return !slices.Contains(target, gone) })
	for slot, target := range host.Place(nil, allSlots, 3) {
		if len(target) != 0 {
			t.Fatalf("slot %d is placed on %v, want nobody", slot, target)
		}
	}
}
