package slot_test

import (
	"fmt"
	"testing"

	"halley/pushnode/slot"
)

// TestSnapshotWaitsForRoom holds back the state that a copy needs which is too far behind, and lets it go.
func TestSnapshotWaitsForRoom(t *testing.T) {
	t.Parallel()
	room := false
	n := newNetwork(t, 3, func(c *slot.Config) {
		c.LogEntries = 10
		c.MaySnapshot = func() bool { return room }
	})
	n.lead(1)
	n.mustPublish(1, "room", "first", nil)
	n.down[3] = true
	for i := range 50 {
		n.mustPublish(1, "room", fmt.Sprint(i), nil)
	}
	n.down[3] = false
	n.tick(5)
	if n.restored[2] != 0 {
		t.Fatal("a state was sent although there was no room for it")
	}
	n.mustPublish(1, "room", "meanwhile", nil)
	room = true
	n.tick(5)
	if n.restored[2] != 1 {
		t.Errorf("%d states were sent when there was room, want 1", n.restored[2])
	}
	n.equal()
}
