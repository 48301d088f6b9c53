package host

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"halley/pushnode/slot"
)

func TestPulseFrames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := drawEach(t, func(t *rapid.T) slotPulse {
			return slotPulse{
				slot: rapid.IntRange(0, 1<<40).Draw(t, "slot"), follows: rapid.Bool().Draw(t, "follows"),
				pulse: slot.Pulse{
					Generation: rapid.Uint32().Draw(t, "generation"), Life: rapid.Uint32().Draw(t, "life"), Term: rapid.Uint64().Draw(t, "term"),
					Applied: rapid.Uint64().Draw(t, "applied"), Tick: rapid.Uint64().Draw(t, "tick"),
				},
			}
		})
		frame := beginPulses(kindPulse, 0)
		for _, one := range list {
			frame = appendPulse(frame, one)
		}
		r := readFrame(frame[1:])
		reads(t, r, r.pulses(), list)
	})
}

// TestPulseFramesRefused wants a frame that ends amid a pulse refused as a whole, and slots that there are not passed over.
func TestPulseFramesRefused(t *testing.T) {
	for _, what := range []kind{kindPulse, kindPulsed} {
		first := appendPulse(beginPulses(what, 0), slotPulse{slot: 1, pulse: slot.Pulse{Generation: 1 << 20, Term: 300, Applied: 70_000}})
		frame := appendPulse(bytes.Clone(first), slotPulse{slot: 5000, pulse: slot.Pulse{Life: 1 << 19, Term: 9, Tick: 1 << 40}})
		if err := receiver().Receive(1, 2, frame); err != nil {
			t.Errorf("%x is refused: %v", frame, err)
		}
		for i := 2; i < len(frame); i++ {
			if err := receiver().Receive(1, 2, frame[:i]); i != len(first) && !errors.Is(err, ErrFrame) {
				t.Errorf("%x cut off at %d: %v", frame, i, err)
			}
		}
	}
}
