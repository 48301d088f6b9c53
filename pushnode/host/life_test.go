package host

import (
	"encoding/binary"
	"log/slog"
	"testing"

	"halley/pushnode/channel"
)

// leading is a seat, entered, whose copy leads and has settled.
func leading(t *testing.T) *seat {
	t.Helper()
	h := New(Config{Self: 1, Cluster: 1, Slots: 1, Copies: 1, Seed: 1, Logger: slog.New(slog.DiscardHandler)}, ear{last: map[uint64][]byte{}})
	if err := h.Found(1000); err != nil {
		t.Fatal(err)
	}
	s := &h.seats[0]
	s.enter(1000)
	if !s.status.Settled {
		t.Fatalf("the founder says %+v", s.status)
	}
	return s
}

// TestDiscardGivesRequestsBack holds that nobody waits for a ticket of a copy that is let go while it leads: the next copy gives the same
// numbers to other commands.
func TestDiscardGivesRequestsBack(t *testing.T) {
	s := leading(t)
	r := &request{id: 1, command: channel.Advance{}, begun: s.now, deadline: s.now + 1000}
	s.requests = append(s.requests, r)
	s.tryHere(r)
	if len(s.asked) != 1 || r.with != 1 {
		t.Fatalf("%d tickets, the request is with %d: want it proposed here", len(s.asked), r.with)
	}
	s.discard()
	if len(s.asked) != 0 || r.with != 0 || !r.doubt {
		t.Errorf("%d tickets, with %d, in doubt %t: want the request in line again", len(s.asked), r.with, r.doubt)
	}
	s.leave()
}

// heartbeat is what a new leader of instance 2 sends to a life of instance 1 of which it knows nothing.
func heartbeat(life uint64) []byte {
	const version, kind, generation, term, committed, context = 1, 3, 0, 5, 0, 0
	message := binary.LittleEndian.AppendUint64([]byte{version, kind, generation}, 2<<20)
	message = binary.LittleEndian.AppendUint64(message, 1<<20|life)
	return append(message, term, committed, context)
}

// TestLivesThatBegin lets heartbeats for different lives come to a node whose copy has ended in the seventh.
func TestLivesThatBegin(t *testing.T) {
	s := leading(t)
	s.discard()
	s.lived.life = 7
	for _, test := range []struct {
		told uint64
		want uint32 // the life that the node's copy is in after that; 0: it has none
	}{{0, 0}, {6, 0}, {7, 0}, {9, 9}, {8, 9}, {7, 9}, {9, 9}, {12, 12}} {
		if err := s.step(2, heartbeat(test.told)); err != nil {
			t.Fatal(err)
		}
		if got := s.status.Life; got != test.want || (s.copy != nil) != (got != 0) {
			t.Errorf("told of life %d, the copy is in life %d, want %d", test.told, got, test.want)
		}
	}
	s.discard() // empty still, so that the same life may begin again
	if err := s.step(2, heartbeat(12)); err != nil || s.status.Life != 12 {
		t.Errorf("an empty copy did not begin again: life %d, %v", s.status.Life, err)
	}
	s.leave()
}
