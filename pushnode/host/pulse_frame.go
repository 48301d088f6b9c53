package host

import (
	"halley/pushnode/coding"
	"halley/pushnode/slot"
)

// slotPulse is a pulse on its way to a copy, or back. A frame of either kind is nothing but these, up to its end.
type slotPulse struct {
	slot    int
	follows bool // on the way back: the copy follows the leader that the pulse is from
	pulse   slot.Pulse
}

// How many bytes a pulse takes in a frame: at the least, and in all but odd cases at the most.
const (
	pulseLeast = 6
	pulseUsual = 16
)

// mostPulses bounds the pulses of a frame: a slot has one.
const mostPulses = 1 << 16

func beginPulses(what kind, room int) []byte { return append(make([]byte, 0, room), byte(what)) }

func appendPulse(frame []byte, one slotPulse) []byte {
	w := coding.Writer{Data: frame}
	w.Number(uint64(one.slot)<<1 | uint64(flag(one.follows)))
	w.Number(uint64(one.pulse.Generation))
	w.Number(uint64(one.pulse.Life))
	w.Number(one.pulse.Term)
	w.Number(one.pulse.Applied)
	w.Number(one.pulse.Tick)
	return w.Data
}

func (r *frameReader) pulses() []slotPulse {
	list := make([]slotPulse, 0, min(r.Left()/pulseLeast, mostPulses))
	for r.Left() > 0 {
		if len(list) == mostPulses {
			r.Fail("too many pulses")
			return nil
		}
		at := r.Number()
		list = append(list, slotPulse{slot: int(at >> 1), follows: at&1 != 0, pulse: slot.Pulse{
			Generation: r.Number32(), Life: r.Number32(), Term: r.Number(), Applied: r.Number(), Tick: r.Number(),
		}})
	}
	return list
}
