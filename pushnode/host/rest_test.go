package host

import (
	"log/slog"
	"testing"

	"pgregory.net/rapid"

	"halley/pushnode/coding"
	"halley/pushnode/slot"
)

// pulsed gives a host a pulse of instance 2 for its slot, and returns the answer.
func pulsed(t *testing.T, h *Host, e ear, now int64, p slot.Pulse) (follows bool) {
	t.Helper()
	if err := h.Receive(now, 2, appendPulse(beginPulses(kindPulse, 0), slotPulse{pulse: p})); err != nil {
		t.Fatal(err)
	}
	r := readFrame(e.last[2])
	if k := kind(r.Byte()); k != kindPulsed {
		t.Fatalf("the answer is of kind %d", k)
	}
	list := r.pulses()
	if r.End() != nil || len(list) != 1 || list[0].pulse != p {
		t.Fatalf("the answer to %+v is %+v, %v", p, list, r.Err())
	}
	return list[0].follows
}

// TestStoppedCopyFollowsNobody wants a copy that has stopped for a recovery to give no leader its word, and one that goes on to give it.
func TestStoppedCopyFollowsNobody(t *testing.T) {
	h, e := asked(t)
	w := coding.Writer{Data: append(beginFrame(kindRaft, 0, 24), 1, 3, 4)} // a heartbeat in generation 4
	w.Fixed(2 << 20)
	w.Fixed(1 << 20)
	w.Data = append(w.Data, 5, 1, 0) // of term 5, which commits entry 1
	if err := h.Receive(1000, 2, w.Data); err != nil {
		t.Fatal(err)
	}
	p := slot.Pulse{Generation: 4, Term: 5, Applied: 1, Tick: 7}
	if !pulsed(t, h, e, 1100, p) {
		t.Fatal("it does not follow the leader that it has just heard of")
	}
	ask := askFrame{round: 7, generation: 4, claim: claim{term: 1, index: 2}}
	if got := stanceTo(t, h, e, 1200, 2, ask); got != stanceStopped {
		t.Fatalf("stance %d, want %d", got, stanceStopped)
	}
	if pulsed(t, h, e, 1300, p) {
		t.Error("it has stopped, and follows")
	}
	ask.ends = true
	if err := h.Receive(1400, 2, ask.append(0)); err != nil {
		t.Fatal(err)
	}
	if !pulsed(t, h, e, 1500, p) {
		t.Error("it goes on, and does not follow")
	}
}

// TestLastBeat has slots at rest meet at moments a beat apart, whenever they are looked at.
func TestLastBeat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := New(Config{Self: rapid.Uint64Range(1, MaxInstance).Draw(t, "self"), Slots: 1, Copies: 1}, deafWorld{})
		one, other := rapid.Int64Range(0, 1<<45).Draw(t, "one"), rapid.Int64Range(0, 1<<45).Draw(t, "other")
		last := h.lastBeat(one)
		if last > one || last <= one-beat || (last-h.lastBeat(other))%beat != 0 {
			t.Errorf("the last beats at %d and %d were at %d and %d", one, other, last, h.lastBeat(other))
		}
	})
}

// TestSlotsAtRestMeet begins with a slot that is out of step with another.
func TestSlotsAtRestMeet(t *testing.T) {
	h := New(Config{Self: 77, Cluster: 1, Slots: 2, Copies: 1, Seed: 1, Logger: slog.New(slog.DiscardHandler)}, deafWorld{})
	h.SetView(1000, []Node{{Instance: 77, Name: "a"}})
	if err := h.Found(1000); err != nil {
		t.Fatal(err)
	}
	h.seats[1].election.beaten = 1200
	for now := int64(1000); now <= 3000; now += 50 {
		h.Tick(now)
	}
	if one, other := h.seats[0].election.beaten, h.seats[1].election.beaten; one != other || one < 2500 {
		t.Errorf("the last beats were at %d and %d, want one moment within the last half second", one, other)
	}
}
