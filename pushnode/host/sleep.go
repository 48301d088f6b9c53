package host

// sleep is when this node last got no time for longer than sleepLeast.
type sleep struct {
	ticked int64 // latest
	from   int64
	until  int64
}

const (
	sleepLeast = 500  // milliseconds without a tick, of which there should be twenty a second
	sleepAfter = 2000 // milliseconds within which links that broke during a sleep are known to be broken
)

// wake takes note of a tick. One that comes late is a sleep, and too many of those make the node shy.
func (h *Host) wake(now int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sleep.ticked != 0 && now > h.sleep.ticked+sleepLeast {
		h.sleep.from, h.sleep.until = h.sleep.ticked, now
		h.damping.late = h.note(h.damping.late, now, lateWithin)
	}
	h.sleep.ticked = now
}

// awakeSince is now, or when this node fell asleep, if it has slept until now or until shortly before. h.mu is locked.
func (h *Host) awakeSince(now int64) int64 {
	switch s := &h.sleep; {
	case s.ticked != 0 && now > s.ticked+sleepLeast:
		return s.ticked
	case s.until != 0 && now < s.until+sleepAfter:
		return s.from
	}
	return now
}
