package host_test

import (
	"errors"
	"runtime"
	"testing"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

var room1 = channel.ID{App: "app", Name: "room"}

// spoken is a cluster of two in which every kind of frame was sent.
func spoken(t testing.TB) *hosts {
	p := newHosts(t, 2, 2)
	slot := p.nodes[0].SlotOf(room1.App, room1.Name)
	p.nodes[1].Follow(p.now, slot, room1, 3)
	p.pass(500) // it has no copy yet, and hears from the leader
	publish := channel.Publish{Channel: room1, ID: "m1", Data: []byte("1"), Retention: channel.Retention{Messages: 10, Bytes: 1000, Age: 1e9}}
	if reply := p.ask(p.nodes[1], slot, publish, 1000); reply == nil || reply.Err != nil {
		t.Fatalf("publish: %+v", reply)
	}
	p.query(p.nodes[1], slot, channel.BacklogQuery{Channel: room1, Limit: 1}, 1000)
	p.pass(15_000)
	p.nodes[1].Follow(p.now, slot, room1, 0)
	p.pass(500)
	return p
}

// FuzzFrames gives a host, which leads some slots and follows in others, frames of a peer.
func FuzzFrames(f *testing.F) {
	kinds := map[byte]int{}
	for _, frame := range spoken(f).frames {
		if kinds[frame[0]]++; kinds[frame[0]] <= 20 {
			f.Add(frame)
		}
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		if len(frame) > 0 && frame[0] == 1 {
			return // messages between copies are package slot's, which has its own target
		}
		p := spoken(t)
		_ = p.nodes[0].Receive(p.now, 2, frame)
		p.line = nil // who hears what follows need not understand it
		p.pass(200)
	})
}

// TestReceiveOfEveryKind makes sure that the fuzz target begins with frames of all kinds that a sound cluster of two sends.
func TestReceiveOfEveryKind(t *testing.T) {
	t.Parallel()
	kinds := map[byte]bool{}
	for _, frame := range spoken(t).frames {
		kinds[frame[0]] = true
	}
	for _, kind := range []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 18, 19} { // the others are those of trouble
		if !kinds[kind] {
			t.Errorf("no frame of kind %d", kind)
		}
	}
}

// TestReceiveRefuses runs alone: it counts what is allocated.
func TestReceiveRefuses(t *testing.T) {
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}
	for name, frame := range map[string][]byte{
		"nothing":                         {},
		"an unknown kind":                 {99, 0},
		"no slot":                         {2},
		"a slot that is none":             {2, 0x7f},
		"a request cut off":               {2, 0, 1, 2, 3},
		"an unknown verdict":              append(append([]byte{3, 0}, make([]byte, 9)...), 99),
		"routes without end":              append([]byte{4}, huge...),
		"channels without end":            append([]byte{5, 0, 1}, huge...),
		"heads without end":               append([]byte{7, 0}, huge...),
		"occupancy without end":           append([]byte{9, 0, 1}, huge...),
		"a name without end":              append([]byte{5, 0, 1, 1}, huge...),
		"no effects":                      {8, 0, 0xff},
		"a route with voters without end": append(append([]byte{10, 0}, make([]byte, 12)...), huge...),
		"bytes after its end":             {5, 0, 1, 0, 7},
	} {
		t.Run(name, func(t *testing.T) {
			p := newHosts(t, 2, 2)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := p.nodes[0].Receive(p.now, 2, frame)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, host.ErrFrame) && !errors.Is(err, channel.ErrEncoding) {
				t.Errorf("got %v, want an error that says what is wrong with the frame", err)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
				t.Errorf("it took %d bytes", got)
			}
		})
	}
}
