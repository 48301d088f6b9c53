package host

import (
	"encoding/binary"
	"slices"

	"halley/pushnode/slot"
)

// A copy that is broken (slot.ErrBroken) is let go, as if its process had died: what it promised is forgotten, and its life never begins
// again. Its node lives, so nobody would notice by themselves. So the node says it: once to all, and to every copy that goes on talking
// to the one that is gone. Whoever leads takes the fallen copy out of the slot's; the placement then gives the node another one, which
// begins empty, in a later life. Where no majority is left without the fallen ones the slot is recovered (recovery.go), and clients are told.

// settleFault lets our copy go if it is broken, and reports whether it was.
func (s *seat) settleFault() bool {
	err := s.copy.Fault()
	if err == nil {
		return false
	}
	h := s.host
	h.fallen.Add(1)
	h.config.Logger.Error("a copy of a slot is broken: it is dropped, and its node gets another", "slot", s.index, "err", err)
	holders, empty := s.copy.Copies(), s.status.Empty
	s.discard()
	if empty {
		return true // it has promised nothing: its leader may fill another in the same life
	}
	s.lived.fell = true
	for _, peer := range slices.Concat(holders.Voters, holders.Learners) {
		s.tellFallen(peer)
	}
	return true
}

// tellFallen tells a node in which life our copy fell.
func (s *seat) tellFallen(peer uint64) {
	if peer != s.host.config.Self {
		s.host.outside.Send(peer, Control, s.lived.append(beginFrame(kindFallen, s.index, frameRoom)))
	}
}

// isFallen reports whether a message is for the copy of ours that fell.
func (s *seat) isFallen(m slot.Message) bool {
	return s.copy == nil && s.lived.fell && m.Generation() == s.lived.generation && m.Life() == s.lived.life
}

// hearFallen takes in that the copy of another node fell.
func (s *seat) hearFallen(from uint64, told lived) {
	if s.fallen == nil {
		s.fallen = make(map[uint64]lived)
	}
	s.fallen[from], s.placed = told, nil
	if s.status.Leader == from && s.fell(from) {
		s.suspect() // its link lives, and would have us wait
	}
	s.soon()
}

// fell reports whether a node has said that the copy which counts here as its own fell.
func (s *seat) fell(instance uint64) bool {
	told, has := s.fallen[instance]
	if !has || told.generation != s.generation() {
		return false
	}
	if s.copy == nil || s.status.Empty {
		return true // as far as can be known without a copy
	}
	life, in := s.copy.LifeOf(instance)
	return in && life == told.life
}

// dismiss takes a fallen copy out of the slot's, which this node leads. It reports whether that is to be done before anything else.
func (s *seat) dismiss(have slot.Copies, v *view) bool {
	for _, instance := range sortedKeys(s.fallen) {
		if !s.fell(instance) {
			delete(s.fallen, instance)
			continue
		}
		is := func(one uint64) bool { return one == instance }
		rest := slot.Copies{Voters: slices.DeleteFunc(slices.Clone(have.Voters), is), Learners: slices.DeleteFunc(slices.Clone(have.Learners), is)}
		if !v.reachesMajority(rest.Voters, s.host.config.Self) {
			continue
		}
		_ = s.copy.Change(rest) // what is refused now is tried again
		s.unsettled = true
		return true
	}
	return false
}

func (l lived) append(dst []byte) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(dst, uint64(l.generation)), uint64(l.life))
}

func (r *frameReader) lived() lived { return lived{generation: r.generation(), life: r.Number32()} }

// Fallen is how many copies of this node were broken, since it started.
func (h *Host) Fallen() int64 { return h.fallen.Load() }
