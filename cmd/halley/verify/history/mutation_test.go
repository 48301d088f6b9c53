package history_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"halley/cmd/halley/verify/history"
)

// world makes sound histories at random: publishers whose answers come late or never, subscribers that drop and come back, evictions
// and new epochs.
type world struct {
	story
	epoch   int
	log     []string // ids of the epoch, by offset-1
	next    int
	pending map[string]uint64 // stored, and not answered yet
	readers []*reader
}

// reader is where a subscriber is.
type reader struct {
	name  string
	epoch int
	at    uint64
}

func (w *world) name() string { return fmt.Sprint("e", w.epoch) }

// step does one thing.
func (w *world) step(t *rapid.T) {
	switch rapid.IntRange(0, 11).Draw(t, "step") {
	case 0, 1, 2, 3:
		w.publishOne(rapid.IntRange(0, 4).Draw(t, "answer") > 0)
	case 4:
		for _, id := range slices.Sorted(maps.Keys(w.pending)) {
			w.ok(id, w.name(), w.pending[id])
			delete(w.pending, id)
			break
		}
	case 5:
		w.comeback(rapid.SampledFrom(w.readers).Draw(t, "reader"), rapid.Bool().Draw(t, "evicted"))
	case 6:
		if len(w.readers) < 5 {
			r := &reader{fmt.Sprint("s", len(w.readers)), w.epoch, uint64(len(w.log))}
			w.readers = append(w.readers, r)
			w.attach(r.name, w.name(), r.at)
		}
	case 7:
		if rapid.IntRange(0, 9).Draw(t, "break") == 0 {
			w.renew()
		}
	default:
		w.deliverTo(rapid.SampledFrom(w.readers).Draw(t, "reader"), rapid.IntRange(1, 3).Draw(t, "most"))
	}
}

func (w *world) publishOne(answered bool) {
	w.next++
	id := fmt.Sprint("m", w.next)
	w.invoke(id)
	w.log = append(w.log, id)
	if answered {
		w.ok(id, w.name(), uint64(len(w.log)))
	} else {
		w.pending[id] = uint64(len(w.log))
	}
}

func (w *world) deliverTo(r *reader, most int) {
	for ; most > 0 && r.at < uint64(len(w.log)); most-- {
		r.at++
		w.message(r.name, w.log[r.at-1], w.name(), r.at)
	}
}

// comeback is a reconnect that goes on, or finds that some of what it missed is evicted.
func (w *world) comeback(r *reader, evicted bool) {
	missed := uint64(len(w.log)) - r.at
	if !evicted || missed == 0 {
		w.attach(r.name, w.name(), r.at)
		return
	}
	from := r.at + 1
	r.at += (missed + 1) / 2
	w.attach(r.name, w.name(), r.at)
	w.gap(r.name, w.name(), from, r.at, "evicted")
}

// renew begins another epoch; readers that have not got to the end are told so.
func (w *world) renew() {
	w.epoch++
	w.log = nil
	clear(w.pending)
	for _, r := range w.readers {
		r.epoch, r.at = w.epoch, 0
		w.gap(r.name, w.name(), 0, 0, "unknown_epoch")
	}
}

// sound draws a history with everything delivered at its end.
func sound(t *rapid.T) []history.Event {
	w := &world{pending: make(map[string]uint64)}
	w.readers = append(w.readers, &reader{name: "s0"})
	w.attach("s0", w.name(), 0)
	for range rapid.IntRange(10, 120).Draw(t, "steps") {
		w.step(t)
	}
	for range 3 { // so that there is something to spoil
		w.publishOne(true)
	}
	for _, r := range w.readers {
		w.deliverTo(r, len(w.log))
	}
	return w.events
}

var lenient = history.Rules{Copies: 2, Grace: 15 * time.Second}

func TestSoundHistoriesAtRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if result := history.Check(sound(t), lenient); !result.Sound() {
			t.Fatalf("%v", result.Violations)
		}
	})
}

// mutations spoil a history at one event each, which they choose among those that they can spoil so.
var mutations = map[string]struct {
	can   func(events []history.Event, i int) bool
	spoil func(events []history.Event, i int) []history.Event
	want  []history.Class // one of them at least is found
}{
	"drop an acknowledged message": {
		can:   func(events []history.Event, i int) bool { return acknowledgedMessage(events, i) },
		spoil: func(events []history.Event, i int) []history.Event { return slices.Delete(events, i, i+1) },
		want:  []history.Class{history.Lost},
	},
	"deliver a message twice": {
		can: func(events []history.Event, i int) bool { return events[i].Kind == history.Message },
		spoil: func(events []history.Event, i int) []history.Event {
			return slices.Insert(events, i, events[i])
		},
		want: []history.Class{history.Duplicate},
	},
	"swap two messages": {
		can: func(events []history.Event, i int) bool { return neighbour(events, i) > 0 },
		spoil: func(events []history.Event, i int) []history.Event {
			j := neighbour(events, i)
			events[i].At, events[j].At = events[j].At, events[i].At
			events[i], events[j] = events[j], events[i]
			return events
		},
		want: []history.Class{history.SilentGap, history.Disorder},
	},
	"invent a message": {
		can:   func(events []history.Event, i int) bool { return events[i].Kind == history.Message },
		spoil: func(events []history.Event, i int) []history.Event { events[i].ID = "forged"; return events },
		want:  []history.Class{history.Invented},
	},
	"forge an acknowledgement": {
		can: func(events []history.Event, i int) bool { return true },
		spoil: func(events []history.Event, i int) []history.Event {
			at := events[len(events)-1]
			forged := history.Event{At: at.At, Channel: "c", ID: "forged", Kind: history.Invoke}
			acknowledged := forged
			acknowledged.Kind, acknowledged.Epoch, acknowledged.Offset, acknowledged.Copies = history.OK, at.Epoch, at.Offset+1, 2
			return append(events, forged, acknowledged)
		},
		want: []history.Class{history.Lost},
	},
	"hide a gap": {
		can: func(events []history.Event, i int) bool {
			return events[i].Kind == history.Gap && events[i].Reason == "evicted" && next(events, i) > 0
		},
		spoil: func(events []history.Event, i int) []history.Event { return slices.Delete(events, i, i+1) },
		want:  []history.Class{history.SilentGap},
	},
	"say another position": {
		can:   func(events []history.Event, i int) bool { return events[i].Kind == history.OK && unbroken(events, i) },
		spoil: func(events []history.Event, i int) []history.Event { events[i].Offset += 1000; return events },
		want:  []history.Class{history.Reassigned, history.Lost, history.Overtaken},
	},
	"acknowledge with one copy": {
		can:   func(events []history.Event, i int) bool { return events[i].Kind == history.OK },
		spoil: func(events []history.Event, i int) []history.Event { events[i].Copies = 1; return events },
		want:  []history.Class{history.FewCopies},
	},
	"call what is stored refused": {
		can: func(events []history.Event, i int) bool {
			return events[i].Kind == history.OK && slices.ContainsFunc(events, func(e history.Event) bool {
				return e.Kind == history.Message && e.ID == events[i].ID
			})
		},
		spoil: func(events []history.Event, i int) []history.Event { events[i].Kind = history.Refused; return events },
		want:  []history.Class{history.Resurrected},
	},
}

func TestSpoiltHistoriesAreFound(t *testing.T) {
	for name, m := range mutations {
		t.Run(name, func(t *testing.T) {
			spoilt := 0
			rapid.Check(t, func(t *rapid.T) {
				events := sound(t)
				var places []int
				for i := range events {
					if m.can(events, i) {
						places = append(places, i)
					}
				}
				if len(places) == 0 {
					t.Skip("this history has nothing to spoil so")
				}
				spoilt++
				events = m.spoil(events, rapid.SampledFrom(places).Draw(t, "place"))
				result := history.Check(events, lenient)
				if !slices.ContainsFunc(m.want, func(class history.Class) bool { return result.Counts[class] > 0 }) {
					t.Fatalf("found %v, want one of %v", result.Counts, m.want)
				}
			})
			if spoilt == 0 {
				t.Error("nothing was spoilt")
			}
		})
	}
}

// unbroken reports whether no new epoch is told after an event. A told break covers what is missing before it.
func unbroken(events []history.Event, i int) bool {
	return !slices.ContainsFunc(events[i:], func(e history.Event) bool { return e.Reason == "unknown_epoch" })
}

// acknowledgedMessage reports whether the event is a delivery of what was acknowledged.
func acknowledgedMessage(events []history.Event, i int) bool {
	return events[i].Kind == history.Message && unbroken(events, i) && slices.ContainsFunc(events, func(e history.Event) bool {
		return e.Kind == history.OK && e.ID == events[i].ID
	})
}

// next is the next message or gap of the same subscriber in the same epoch, 0 if there is none.
func next(events []history.Event, i int) int {
	for j := i + 1; j < len(events); j++ {
		if e := events[j]; e.Client == events[i].Client && (e.Kind == history.Message || e.Kind == history.Gap) {
			if e.Kind == history.Message && e.Epoch == events[i].Epoch {
				return j
			}
			return 0
		}
	}
	return 0
}

// neighbour is the message of the same subscriber that follows another without anything between.
func neighbour(events []history.Event, i int) int {
	if events[i].Kind != history.Message {
		return 0
	}
	return next(events, i)
}
