package history

import (
	"slices"
	"time"
)

// pauses measures each fault: from it to the next, the longest time for which each channel had a publish waiting and no answer.
func pauses(events []Event) []Pause {
	var found []Pause
	waits := make(map[string]*wait)
	var current *Pause
	finish := func(until time.Duration) {
		if current == nil {
			return
		}
		var longest []time.Duration
		for _, w := range waits {
			w.close(until)
			if w.longest >= 0 {
				longest = append(longest, w.longest)
			}
		}
		current.Writes = spread(longest)
		found = append(found, *current)
	}
	for i := range events {
		e := &events[i]
		switch e.Kind {
		case Fault:
			finish(e.At)
			current = &Pause{At: e.At, Fault: e.Reason, Node: e.Client}
			for _, w := range waits {
				w.restart(e.At)
			}
		case Invoke:
			w := waits[e.Channel]
			if w == nil {
				w = &wait{longest: -1}
				waits[e.Channel] = w
			}
			w.open(e)
		case OK, Refused, Unknown:
			if w := waits[e.Channel]; w != nil {
				w.answer(e)
			}
		}
	}
	if len(events) > 0 {
		finish(events[len(events)-1].At)
	}
	return found
}

// wait is the publishes of one channel that wait for an answer.
type wait struct {
	pending []string      // ids
	since   time.Duration // the fault, the last answer or the first publish after it, whichever came last
	stuck   bool          // the last one was given up: the next one waits on
	longest time.Duration // -1: nobody has waited
}

func (w *wait) restart(at time.Duration) { w.longest, w.since = -1, max(w.since, at) }

func (w *wait) open(e *Event) {
	if len(w.pending) == 0 && !w.stuck {
		w.since = max(w.since, e.At)
	}
	w.pending = append(w.pending, e.ID)
}

// answer ends the wait of one publish; only an acknowledgement ends that of the channel.
func (w *wait) answer(e *Event) {
	i := slices.Index(w.pending, e.ID)
	if i < 0 {
		return
	}
	w.pending = slices.Delete(w.pending, i, i+1)
	w.stuck = e.Kind == Unknown
	if e.Kind == OK {
		w.longest = max(w.longest, e.At-w.since)
		w.since = e.At
	}
}

func (w *wait) close(until time.Duration) {
	if len(w.pending) > 0 || w.stuck {
		w.longest = max(w.longest, until-w.since)
	}
}
