package pushnode

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"halley/pushnode/channel"
)

// watcher is what somebody who follows every channel knows from what is handed on.
type watcher struct {
	offsets  map[channel.ID]uint64 // up to which it has everything, or was told that it has not
	holes    map[channel.ID]int    // messages that are to be read from history
	versions map[channel.ID]uint64
	fates    map[string]bool
}

func newWatcher() *watcher {
	return &watcher{
		offsets: make(map[channel.ID]uint64), holes: make(map[channel.ID]int), versions: make(map[channel.ID]uint64), fates: make(map[string]bool),
	}
}

// see takes in one thing. It fails the test where something was missed and not said.
func (w *watcher) see(t *testing.T, thing any) {
	switch thing := thing.(type) {
	case channel.Published:
		known, offset := w.offsets[thing.Channel], thing.Publication.Offset
		if offset > known+1 {
			t.Errorf("%v: %d comes after %d, and nothing was said of what is between", thing.Channel, offset, known)
		}
		w.offsets[thing.Channel] = max(known, offset)
	case channel.PresenceChanged:
		if thing.Version > w.versions[thing.Channel]+1 {
			t.Errorf("%v: version %d comes after %d", thing.Channel, thing.Version, w.versions[thing.Channel])
		}
		w.versions[thing.Channel] = max(w.versions[thing.Channel], thing.Version)
	case channel.SessionEnded:
		w.fates[thing.Session] = true
	case *behind:
		if thing.messages {
			w.holes[thing.id] += int(thing.position.Offset - min(w.offsets[thing.id], thing.position.Offset))
			w.offsets[thing.id] = max(w.offsets[thing.id], thing.position.Offset)
		}
		if thing.presence {
			w.versions[thing.id] = max(w.versions[thing.id], thing.version)
		}
	}
}

// TestSlowFanOutIsBounded has other leaders commit far more than a node hands on, which cannot refuse it: what waits stays within its
// bounds, and everybody hears in the end where everything stands.
func TestSlowFanOutIsBounded(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"many": 1, "large": 60_000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const channels, slot = 50, 3
			w, missed := newWatcher(), false
			takes := make(chan struct{})
			d := newDeliveries(handled(func(thing any) {
				<-takes // the fan-out stands still until it is closed
				w.see(t, thing)
			}), func(int) { missed = true })
			q := d.queue(slot)
			ctx, stop := context.WithCancel(t.Context())
			var running sync.WaitGroup
			running.Go(func() { d.run(ctx) })

			chance, data := rand.New(rand.NewPCG(1, 2)), make([]byte, size)
			offsets, versions := make(map[channel.ID]uint64), make(map[channel.ID]uint64)
			fates := 0
			const pushes = 4 * maxPendingEffects
			for i := range pushes {
				id := channel.ID{App: "app", Name: fmt.Sprint(chance.IntN(channels))}
				var effect channel.Effect
				switch chance.IntN(8) {
				case 0:
					versions[id]++
					effect = channel.PresenceChanged{Channel: id, Version: versions[id]}
				case 1:
					fates++
					effect = channel.SessionEnded{App: "app", Session: fmt.Sprint(i)}
				default:
					offsets[id]++
					effect = channel.Published{Channel: id, Publication: &channel.Publication{Offset: offsets[id], Data: data}}
				}
				d.push(slot, []channel.Effect{effect})
				if i%1000 == 0 && (q.depth.Load() > maxPendingFates+channels || q.bytes.Load() > maxPendingBytes+int64(size)) {
					t.Fatalf("after %d effects %d wait, of %d bytes", i, q.depth.Load(), q.bytes.Load())
				}
			}
			if !d.overloaded(slot) || d.folded() < pushes/4 {
				t.Errorf("overloaded %v, %v were folded: the test pushed too little", d.overloaded(slot), d.folded())
			}
			close(takes)
			stop()
			running.Wait()
			for id, offset := range offsets {
				if w.offsets[id] != offset || w.versions[id] != versions[id] {
					t.Errorf("%v: heard of message %d and version %d, want %d and %d", id, w.offsets[id], w.versions[id], offset, versions[id])
				}
			}
			if len(w.fates) != fates && !missed {
				t.Errorf("%d of %d sessions' ends were told, and nothing of the others", len(w.fates), fates)
			}
			if q.depth.Load() != 0 || q.bytes.Load() != 0 {
				t.Errorf("%d wait, of %d bytes, where nothing does", q.depth.Load(), q.bytes.Load())
			}
		})
	}
}

// TestFoldsKeepTheOrder folds the same channel twice around a batch that was taken: what comes later is in the later one.
func TestFoldsKeepTheOrder(t *testing.T) {
	t.Parallel()
	q := new(effectQueue)
	q.init()
	q.depth.Store(maxPendingEffects)
	id := channel.ID{App: "app", Name: "room"}
	publish := func(offset uint64) {
		q.push([]channel.Effect{channel.Published{Channel: id, Publication: &channel.Publication{Offset: offset}}})
	}
	publish(1)
	q.push([]channel.Effect{channel.PresenceChanged{Channel: id, Version: 7}})
	publish(2)
	q.tell(behind{id: id, messages: true, position: channel.Position{Offset: 1}}) // of a source that lags
	first := q.take(nil)
	publish(3)
	second := q.take(nil)
	if len(first) != 1 || len(second) != 1 {
		t.Fatalf("got %d and %d things, want one each", len(first), len(second))
	}
	if got := *first[0].(*behind); got != (behind{id: id, messages: true, position: channel.Position{Offset: 2}, presence: true, version: 7}) {
		t.Errorf("the first is %+v", got)
	}
	if got := *second[0].(*behind); got != (behind{id: id, messages: true, position: channel.Position{Offset: 3}}) {
		t.Errorf("the second is %+v", got)
	}
}

// TestFoldsDoNotOvertake has room for a moment between two times that a queue is full: what is folded the second time comes after what was
// put in line meanwhile.
func TestFoldsDoNotOvertake(t *testing.T) {
	t.Parallel()
	q := new(effectQueue)
	q.init()
	change := func(version uint64) {
		q.push([]channel.Effect{channel.PresenceChanged{Channel: channel.ID{App: "app", Name: "room"}, Version: version}})
	}
	q.depth.Store(maxPendingEffects)
	change(1)
	q.depth.Store(0)
	change(2)
	q.depth.Store(maxPendingEffects)
	change(3)
	var versions []uint64
	for _, thing := range q.take(nil) {
		switch thing := thing.(type) {
		case channel.PresenceChanged:
			versions = append(versions, thing.Version)
		case *behind:
			versions = append(versions, thing.version)
		}
	}
	if !slices.IsSorted(versions) {
		t.Errorf("versions come in the order %v", versions)
	}
}
