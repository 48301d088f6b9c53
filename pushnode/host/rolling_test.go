package host_test

import "testing"

// TestRollingRestart holds I20: every node is drained and started again, one after the other, under load. No request fails, no client is
// told of a gap, and nobody sees a member come or go.
func TestRollingRestart(t *testing.T) {
	if withoutRace(t) {
		return
	}
	taken := timeTaken{}
	for seed := *firstSeed; seed < *firstSeed+30; seed++ {
		w := newWorld(seed)
		w.places = 2 + int(seed%4)
		w.roll()
		taken.add(w.taken)
		if w.failure != "" {
			t.Fatalf("seed %d, %d places: %s\n%s", seed, w.places, w.failure, w.story())
		}
	}
	t.Logf("30 seeds:%v", taken)
}

// roll runs a world in which every place is drained once.
func (w *world) roll() {
	w.quiet = true // members come, and stay
	w.found()
	w.until("all are there", 40*second, w.rested)
	w.run(w.now + 15*second) // the last clients have come
	w.smooth = true
	before := w.versions()
	for place := range w.places {
		begun := w.now
		gone := false
		w.leave(w.at(place), func() { gone = true })
		w.until("it has left", 60*second, func() bool { return gone })
		w.taken["drain"] = append(w.taken["drain"], w.now-begun)
		w.run(w.now + w.between(100*millisecond, 8*second))
		w.restart(place)
		w.until("it is back", 40*second, w.rested)
	}
	w.run(w.now + 5*second)
	w.silence()
	w.run(w.now + 10*second)
	if after := w.versions(); after != before {
		w.fail("I20", "%d presence events before, %d after", before, after)
	}
	if w.failure == "" {
		w.checkEnd()
	}
}

// until lets time pass until something is so.
func (w *world) until(what string, limit moment, is func() bool) {
	for end := w.now + limit; !is() && w.failure == ""; {
		if w.now > end {
			w.fail("I20", "not %s", what)
		}
		w.run(w.now + 100*millisecond)
	}
}

// rested reports whether every slot is as it should be.
func (w *world) rested() bool {
	if w.living() < w.places {
		return false
	}
	for slot := range simSlots {
		if w.unrest(slot) != "" {
			return false
		}
	}
	return true
}

// versions is how many presence events there were.
func (w *world) versions() (count uint64) {
	for _, seen := range w.rooms {
		count += seen.version
	}
	return count
}
