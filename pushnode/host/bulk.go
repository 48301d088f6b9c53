package host

import (
	"fmt"
	"slices"

	"halley/pushnode/slot"
)

// Whole states travel in parts, so that one of any size does not stand in the way of the next, and no more of them than the link
// takes at a time.
const (
	partBytes   = 1 << 20
	queuedBytes = 4 << 20   // that wait for a peer: below it the next part is sent
	stateBytes  = 256 << 20 // of one state at most: more than a slot may hold
	bulkBytes   = 32 << 20  // of states that are encoded and not sent yet, over all slots: above it no further one is made
)

// parcel is a whole state on its way to another copy.
type parcel struct {
	to    uint64
	rest  []byte
	begun bool
}

// mayShip reports whether there is room for another state to be encoded.
func (h *Host) mayShip() bool { return h.shipping.Load() < bulkBytes }

// pack puts a state in line for its copy, in the place of an earlier one that is not sent yet: that was for a copy that is no more, and
// parts of two must not mix.
func (s *seat) pack(m slot.Message) {
	s.lose(false, m.To())
	made := &parcel{to: m.To(), rest: m.Append(nil)}
	s.host.shipping.Add(int64(len(made.rest)))
	s.parcels = append(s.parcels, made)
	s.ship()
}

// ship sends what the links take now.
func (s *seat) ship() {
	for _, p := range slices.Clone(s.parcels) {
		if !s.shipOne(p) {
			s.unpack(p)
			s.copy.SnapshotDone(p.to, false)
			s.copy.Unreachable(p.to)
		} else if len(p.rest) == 0 {
			s.unpack(p)
		}
	}
}

// shipOne sends parts of a state; false: there is no link.
func (s *seat) shipOne(p *parcel) bool {
	for len(p.rest) > 0 && s.host.outside.Queued(p.to, Bulk) < queuedBytes {
		part := p.rest[:min(len(p.rest), partBytes)]
		flags := flag(!p.begun) | flag(len(part) == len(p.rest))<<1
		frame := append(beginFrame(kindPart, s.index, 1+len(part)), flags)
		if !s.host.outside.Send(p.to, Bulk, append(frame, part...)) {
			return false
		}
		p.begun, p.rest = true, p.rest[len(part):]
		s.host.shipping.Add(int64(-len(part)))
	}
	return true
}

// unpack forgets a state that is sent, or cannot be.
func (s *seat) unpack(p *parcel) {
	s.host.shipping.Add(int64(-len(p.rest)))
	s.parcels = slices.DeleteFunc(s.parcels, func(one *parcel) bool { return one == p })
}

// lose forgets the states on their way to a peer, or to all.
func (s *seat) lose(all bool, to uint64) {
	for _, p := range slices.Clone(s.parcels) {
		if all || p.to == to {
			s.unpack(p)
		}
	}
}

// arrival is a whole state on its way to us.
type arrival struct {
	from  uint64
	bytes []byte
}

// take collects the parts of a state, and gives it to our copy when it is whole. A link keeps the order of parts; one that breaks takes
// the rest along, and the next state begins anew. An earlier leader may still be sending its own while that of the next one arrives:
// each is collected for itself, for nobody would send a second time what the other had taken the place of.
func (s *seat) take(from uint64, flags byte, part []byte) error {
	first, last := flags&1 != 0, flags&2 != 0
	if first {
		s.dropArrival(from)
		s.arriving = append(s.arriving, &arrival{from: from})
	}
	i := slices.IndexFunc(s.arriving, func(a *arrival) bool { return a.from == from })
	if i < 0 {
		return fmt.Errorf("%w: a part of a state that did not begin", ErrFrame)
	}
	a := s.arriving[i]
	if len(a.bytes)+len(part) > stateBytes {
		s.dropArrival(from)
		return fmt.Errorf("%w: a state of more than %d bytes", ErrFrame, stateBytes)
	}
	a.bytes = append(a.bytes, part...)
	if !last {
		return nil
	}
	s.dropArrival(from)
	err := s.step(from, a.bytes)
	if s.copy != nil && s.status.Leader == from {
		s.arriving = nil // what others have begun to send is of leaders that were
	}
	return err
}

// dropArrival forgets what a peer has sent of a state.
func (s *seat) dropArrival(from uint64) {
	s.arriving = slices.DeleteFunc(s.arriving, func(a *arrival) bool { return a.from == from })
}
