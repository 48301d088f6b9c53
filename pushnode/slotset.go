package pushnode

import "sync"

// slotSet is slots that wait to be looked at, each once.
type slotSet struct {
	wake chan struct{} // one token: there may be some

	mu sync.Mutex
	// guarded by mu
	slots map[int]struct{}
}

func newSlotSet() *slotSet {
	return &slotSet{wake: make(chan struct{}, 1), slots: make(map[int]struct{})}
}

func (s *slotSet) add(index int) {
	s.mu.Lock()
	s.slots[index] = struct{}{}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default: // it has been told already
	}
}

func (s *slotSet) takeAll() map[int]struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.slots
	s.slots = make(map[int]struct{})
	return taken
}
