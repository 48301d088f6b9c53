package host_test

import (
	"fmt"
	"slices"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

// The longest that the writes of a slot may pause when its leader is lost: after a reset of its links, and after it fell silent.
const (
	killPause    = 700 * millisecond
	silencePause = 1900 * millisecond
)

// timeTaken is how long something took, by kind.
type timeTaken map[string][]moment

// probe measures for how long the slots that a node leads take no writes once it is lost. It counts only where nothing else goes wrong
// before or meanwhile.
func (w *world) probe(f fault, lost *node, limit moment) {
	if !w.calm(f) {
		return
	}
	begun, strikes := w.now, w.strikes
	for slot := range simSlots {
		if !lost.host.Status(slot).Leads {
			continue
		}
		w.after(w.between(0, 5*millisecond), func() {
			n := w.otherThan(lost)
			n.host.Propose(n.clock(), slot, channel.Advance{}, n.clock()+8000, func(reply host.Reply) {
				switch {
				case w.strikes != strikes:
				case reply.Err != nil:
					w.fail("pause", "slot %d: %v after %v", slot, reply.Err, f)
				default:
					w.took(f.kind, w.now-begun, limit, fmt.Sprint("slot ", slot, " after ", f))
				}
			})
		})
	}
}

// took notes a time, and fails where it is above its limit.
func (w *world) took(kind string, pause, limit moment, what string) {
	w.taken[kind] = append(w.taken[kind], pause)
	if pause > limit {
		w.fail("pause", "%.3fs: %s", float64(pause)/float64(second), what)
	}
}

func (w *world) otherThan(lost *node) *node {
	for _, n := range w.all {
		if n != lost && n.alive && !n.paused {
			return n
		}
	}
	return nil
}

// calm reports whether all nodes see and reach each other, and every slot has all its copies: whatever is lost now, a majority stays.
func (w *world) calm(f fault) bool {
	if w.network.slow > 0 || len(w.network.cut) > 0 || w.living() < simCopies || w.now < w.led+2*second {
		return false
	}
	if f.lasts < 2500*millisecond && f.kind != "kill" {
		return false // it is over before anybody acts on it
	}
	for i, a := range w.all {
		if !a.alive {
			continue
		}
		if a.paused || a.draining || len(a.changing) > 0 {
			return false
		}
		for _, b := range w.all[i+1:] {
			if l := w.network.between(a, b); b.alive && (l == nil || len(l.told) < 2) {
				return false
			}
		}
	}
	for slot := range simSlots {
		if w.unrest(slot) != "" {
			return false
		}
	}
	return true
}

func (w *world) living() (count int) {
	for _, n := range w.all {
		if n.alive {
			count++
		}
	}
	return count
}

// add appends the times of another run.
func (t timeTaken) add(other timeTaken) {
	for kind, list := range other {
		t[kind] = append(t[kind], list...)
	}
}

func (t timeTaken) String() (text string) {
	for _, kind := range sortedTexts(t) {
		list := t[kind]
		slices.Sort(list)
		at := func(share float64) float64 { return float64(list[int(share*float64(len(list)-1))]) / float64(second) }
		text += fmt.Sprintf("\n%-10s %5d times: p50 %.3fs, p99 %.3fs, max %.3fs", kind, len(list), at(0.5), at(0.99), at(1))
	}
	return text
}
