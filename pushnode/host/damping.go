package host

// A node that does not get its time, or keeps losing what it leads, is a bad leader, and elections that follow one another serve nobody.
// Such a node is shy for a while: it stands for election after the others, and gives away what it leads.
const (
	lateWithin = 10_000  // so many milliseconds are looked back for late ticks
	lostWithin = 300_000 // and so many for losses of the lead
	lossSpan   = 5_000   // losses within so short a time have one cause, and count once
	tooMany    = 3
	shyTime    = 300_000
	shyDelay   = 500 // by which a shy node lets others go first
)

// damping remembers what went wrong lately. Its times ascend.
type damping struct {
	late []int64
	lost []int64
}

// noteLoss takes note that a lead was lost against this node's will.
func (h *Host) noteLoss(now int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := &h.damping
	if len(d.lost) == 0 || now > d.lost[len(d.lost)-1]+lossSpan {
		d.lost = h.note(d.lost, now, lostWithin)
	}
}

// note adds a time to a list of those that still count. Too many make the node shy.
func (h *Host) note(list []int64, now, within int64) []int64 {
	for len(list) > 0 && list[0] < now-within {
		list = list[1:]
	}
	if list = append(list, now); len(list) < tooMany {
		return list
	}
	h.shyUntil.Store(now + shyTime)
	return nil
}

// BeShy has this node rather not lead for a while, for a reason that only its surroundings see: its clock is wrong, say.
func (h *Host) BeShy(now int64) { h.shyUntil.Store(max(h.shyUntil.Load(), now+shyTime)) }

// shy reports whether this node should rather not lead.
func (h *Host) shy(now int64) bool { return now < h.shyUntil.Load() }
