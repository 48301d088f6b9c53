package cluster_test

import (
	"testing"
	"testing/synctest"
	"time"

	"halley/pushnode/cluster"
)

// TestKeysRotate has nodes amid a change of the key: one uses the old key and knows the new, one the other way round.
func TestKeysRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on := newNetwork(t)
		later := [32]byte{9, 9}
		first := start(t, on, 0, func(c *cluster.Config) { c.OtherKeys = [][32]byte{later} })
		second := start(t, on, 1, func(c *cluster.Config) {
			join(0)(c)
			c.Key, c.OtherKeys = &later, [][32]byte{key}
		})
		await(t, 15*time.Second, "nodes amid the change see each other", func() bool { return allSee([]*node{first, second}, 2) })
	})
}
