package pushnode

import (
	"sync"
	"time"

	"halley/pushnode/channel"
)

const (
	// doubtTime is how long a session is looked at whose attachment may have been recorded: beyond every deadline of the command.
	doubtTime = 30 * time.Second
	// maxDoubts bounds them, at about 150 bytes each. Beyond it the oldest cannot be told from others, and the new one is let go.
	maxDoubts = 1 << 16
)

// doubts are sessions whose attachment to this node may have been recorded or not, by since when: their clients were told to come back.
// A record that stays attached to a node where nobody is keeps its members present for as long as the node lives.
type doubts struct {
	mu sync.Mutex
	// guarded by mu
	since map[channel.ID]time.Time
}

func newDoubts() *doubts { return &doubts{since: make(map[channel.ID]time.Time)} }

// add notes a doubt, and reports whether there was room.
func (d *doubts) add(id channel.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.since[id]; !known && len(d.since) >= maxDoubts {
		return false
	}
	d.since[id] = time.Now()
	return true
}

// all is a copy, by app and slot.
func (d *doubts) all() map[appSlot][]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	found := make(map[appSlot][]string)
	for id := range d.since {
		at := appSlot{id.App, slotOf(id.App, id.Name)}
		found[at] = append(found[at], id.Name)
	}
	return found
}

// settle forgets doubts that were looked at now and are old enough that nothing can come of them any more.
func (d *doubts) settle(app string, sessions []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, session := range sessions {
		id := channel.ID{App: app, Name: session}
		if time.Since(d.since[id]) >= doubtTime {
			delete(d.since, id)
		}
	}
}
