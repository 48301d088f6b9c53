package host

import (
	"bytes"
	"errors"
	"log/slog"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"halley/pushnode/channel"
	"halley/pushnode/slot"
)

func drawClaim(t *rapid.T) claim {
	return claim{term: rapid.Uint64().Draw(t, "claimed term"), index: rapid.Uint64().Draw(t, "claimed index")}
}

// TestRecoveryFrames wants what is sent to be what is read.
func TestRecoveryFrames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ask := askFrame{
			round: rapid.Uint64().Draw(t, "round"), generation: rapid.Uint32().Draw(t, "ends"), claim: drawClaim(t),
			ends: rapid.Bool().Draw(t, "never mind"), dead: drawRoute(t).voters,
		}
		tell := tellFrame{
			round: ask.round, stance: stance(rapid.IntRange(0, int(stanceCount)-1).Draw(t, "stance")), claim: ask.claim, route: drawRoute(t),
		}
		r := readFrame(body(t, ask.append(7), kindAsk))
		if got := r.ask(); r.End() != nil || !reflect.DeepEqual(got, ask) {
			t.Fatalf("%+v came as %+v, %v", ask, got, r.Err())
		}
		r = readFrame(body(t, tell.append(7), kindTell))
		if got := r.tell(); r.End() != nil || !reflect.DeepEqual(got, tell) {
			t.Fatalf("%+v came as %+v, %v", tell, got, r.Err())
		}
	})
}

// body is a frame without its kind and slot, which are wanted to be these.
func body(t *rapid.T, frame []byte, k kind) []byte {
	r := readFrame(frame)
	if got, slot := kind(r.Byte()), r.Number(); got != k || slot != 7 {
		t.Fatalf("kind %d of slot %d, want %d of 7", got, slot, k)
	}
	return r.Rest()
}

// TestRecoveryFramesRefused wants damaged frames refused, and none to make anybody allocate what it only announces.
func TestRecoveryFramesRefused(t *testing.T) {
	ask := (&askFrame{round: 300, generation: 70_000, claim: claim{2, 3}, dead: []uint64{4, 5}}).append(0)
	tell := (&tellFrame{round: 300, stance: stanceFuller, claim: claim{2, 3}, route: route{leader: 9, voters: []uint64{9}}}).append(0)
	for _, frame := range [][]byte{ask, tell} {
		if err := receiver().Receive(1, 2, frame); err != nil {
			t.Fatalf("%x is refused: %v", frame, err)
		}
		for i := 1; i < len(frame); i++ {
			if err := receiver().Receive(1, 2, frame[:i]); !errors.Is(err, ErrFrame) {
				t.Errorf("%x cut off at %d: %v", frame, i, err)
			}
		}
		if err := receiver().Receive(1, 2, append(bytes.Clone(frame), 0)); !errors.Is(err, ErrFrame) {
			t.Errorf("%x with a byte too many: %v", frame, err)
		}
	}
	unknown := bytes.Clone(tell)
	unknown[4] = byte(stanceCount)
	late := (&askFrame{}).append(0)
	late = append(late[:3], 0xff, 0xff, 0xff, 0xff, 0x7f) // a generation of more than 32 bits
	many := append((&askFrame{}).append(0)[:6], 0xff, 0xff, 0xff, 0xff, 0x0f)
	for _, frame := range [][]byte{unknown, late, many} {
		h := receiver()
		allocated := testing.AllocsPerRun(1, func() {
			if err := h.Receive(1, 2, frame); !errors.Is(err, ErrFrame) {
				t.Errorf("%x: %v", frame, err)
			}
		})
		if allocated > 20 {
			t.Errorf("%x made the receiver allocate %v times", frame, allocated)
		}
	}
}

// FuzzReceive hands any bytes to a host that has copies, as a frame: it refuses them or not, and goes on.
func FuzzReceive(f *testing.F) {
	f.Add((&askFrame{round: 1, generation: 1, claim: claim{2, 3}, dead: []uint64{4}}).append(0))
	f.Add((&tellFrame{round: 1, stance: stanceLater, route: route{leader: 2, generation: 1 << 12, voters: []uint64{2}}}).append(0))
	f.Add(appendRoutes([]slotRoute{{slot: 0, route: route{leader: 2, generation: 5, term: 9, voters: []uint64{2}, agreed: true}}}))
	for _, what := range []kind{kindPulse, kindPulsed} {
		f.Add(appendPulse(beginPulses(what, 0), slotPulse{slot: 1, pulse: slot.Pulse{Term: 2, Applied: 3, Tick: 1}}))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		h := receiver()
		h.PeerUp(1, 2)
		if err := h.Receive(2, 2, frame); err == nil && len(frame) == 0 {
			t.Error("an empty frame was of use")
		}
		for now := int64(0); now < 5000; now += 500 {
			h.Tick(now)
		}
		h.PeerDown(5000, 2, true)
		h.Tick(8000)
	})
}

// receiver is a host of two slots that it has founded.
func receiver() *Host {
	h := New(Config{Self: 1, Cluster: 1, Slots: 2, Copies: 3, Seed: 1, Logger: slog.New(slog.DiscardHandler)}, deafWorld{})
	h.SetView(0, []Node{{Instance: 1, Name: "a"}, {Instance: 2, Name: "b"}})
	if err := h.Found(0); err != nil {
		panic(err)
	}
	return h
}

// deafWorld takes everything and does nothing.
type deafWorld struct{}

func (deafWorld) Send(uint64, Class, []byte) bool             { return true }
func (deafWorld) Deliver(int, []channel.Effect, bool)         {}
func (deafWorld) Behind(channel.ID, channel.Position, uint64) {}
func (deafWorld) Missed(int)                                  {}
func (deafWorld) Queued(uint64, Class) int                    { return 0 }
func (deafWorld) Overloaded(int) bool                         { return false }
func (deafWorld) Called(uint64, uint64, []byte)               {}
func (deafWorld) Watched(string) bool                         { return false }
func (deafWorld) Hooked(_ int, hooks []channel.Hook) int      { return len(hooks) }
func (deafWorld) Counted(channel.ID, int)                     {}

// TestGenerations wants recoveries of one generation by any two of its voters to differ, and later ones to be later.
func TestGenerations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		last := rapid.Uint32Range(0, 1<<31).Draw(t, "last")
		self := rapid.Uint64().Draw(t, "self")
		seen := map[uint32]bool{}
		for place := range noVoter {
			next := nextGeneration(last, place, self)
			if next <= last || seen[next] {
				t.Fatalf("the generation after %d at place %d is %d", last, place, next)
			}
			seen[next] = true
			if later := nextGeneration(next, 0, self); later <= nextGeneration(last, noVoter, self) {
				t.Fatalf("%d does not follow every generation after %d", later, last)
			}
		}
	})
}
