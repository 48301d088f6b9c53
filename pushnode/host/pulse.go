package host

import "halley/pushnode/slot"

// The leader of a slot at rest (slot.Pulse) says that it lives by a pulse. Those of all slots that a node leads go to each other node in
// one frame, every beat at the same moment, and come back in one: what idle slots cost does not hang on their number. Each pulse stands for
// itself, so that nothing needs to be kept between the two frames, and one that is lost is a leader that was not heard, or a copy.

// pulses are the frames of one tick.
type pulses struct {
	frames map[uint64][]byte // by the instance that they are for
	list   []slot.AddressedPulse
}

// pulsesBytes is room for the pulses of a node that leads a third of the slots. A frame with more of them grows.
const pulsesBytes = 4096

// add has a slot's copies told that its leader lives, if it is at rest.
func (p *pulses) add(index int, copy *slot.Slot) (rests bool) {
	p.list, rests = copy.Pulse(p.list[:0])
	for _, one := range p.list {
		frame := p.frames[one.To]
		if frame == nil {
			frame = beginPulses(kindPulse, pulsesBytes)
		}
		p.frames[one.To] = appendPulse(frame, slotPulse{slot: index, pulse: one.Pulse})
	}
	return rests
}

// send sends the frames. Where there is no link a slot is not at rest for long.
func (p *pulses) send(h *Host) {
	for _, to := range sortedKeys(p.frames) {
		h.outside.Send(to, Control, p.frames[to])
	}
}

// lead gives our copy, which leads, its time: a pulse for each other copy where it is at rest, else a tick.
func (s *seat) lead(out *pulses) {
	e := &s.election
	if s.now < e.beaten+beat {
		return
	}
	if s.now >= e.beaten+2*beat {
		e.sleptAt = s.now
	}
	e.beaten = s.now
	if !out.add(s.index, s.copy) {
		s.copy.Tick()
		s.unsettled = true
		return
	}
	e.beaten = s.host.lastBeat(s.now)
	s.status.Fresh = s.copy.Fresh()
}

// lastBeat is when the slots at rest that this node leads had their time last, or should have. Nodes have theirs at different moments.
func (h *Host) lastBeat(now int64) int64 { return now - (now+int64(h.config.Self%beat))%beat }

// heedPulses takes in the pulses of slots that another node leads, and answers them.
func (h *Host) heedPulses(now int64, from uint64, list []slotPulse) {
	answer := beginPulses(kindPulsed, 1+len(list)*pulseUsual)
	for _, one := range list {
		if one.slot >= len(h.seats) {
			continue // of a later version's cluster: no slot of ours
		}
		one.follows = h.seats[one.slot].heedPulse(now, from, one.pulse)
		answer = appendPulse(answer, one)
	}
	h.outside.Send(from, Control, answer)
}

// heedPulse takes a pulse for what a heartbeat is, if our copy follows the leader that it is from. A copy that has stopped follows nobody.
func (s *seat) heedPulse(now int64, from uint64, p slot.Pulse) (follows bool) {
	s.enter(now)
	defer s.leave()
	if s.copy == nil || s.stopped(p.Generation) || !s.copy.Follows(from, p) {
		return false
	}
	s.election.heard(s.now, s.election.contact)
	return true
}

// heedPulsed takes in what another node answered to the pulses of this one.
func (h *Host) heedPulsed(now int64, from uint64, list []slotPulse) {
	for _, one := range list {
		if one.slot < len(h.seats) {
			h.seats[one.slot].heedPulsed(now, from, one)
		}
	}
}

// heedPulsed takes in what the copy of another node answered to a pulse of ours.
func (s *seat) heedPulsed(now int64, from uint64, one slotPulse) {
	s.enter(now)
	defer s.leave()
	if s.copy == nil || s.stopped(one.pulse.Generation) {
		return
	}
	if s.copy.Answered(from, one.pulse, one.follows) {
		s.unsettled = true
	}
	s.status.Fresh = s.copy.Fresh()
}
