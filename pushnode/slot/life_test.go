package slot

import (
	"testing"

	"go.etcd.io/raft/v3"
	"pgregory.net/rapid"
)

// TestCopyIDs holds that an id gives back what it was made of, in the order of instances, and is none that raft reserves.
func TestCopyIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		edges := []uint64{1, 2, MaxInstance - 1, MaxInstance}
		instance := rapid.OneOf(rapid.SampledFrom(edges), rapid.Uint64Range(1, MaxInstance)).Draw(t, "instance")
		life := rapid.OneOf(rapid.SampledFrom([]uint32{0, 1, lives}), rapid.Uint32Range(0, lives)).Draw(t, "life")
		id := idOf(instance, life)
		if instanceOf(id) != instance || lifeOf(id) != life {
			t.Fatalf("instance %x, life %d became %x, %d", instance, life, instanceOf(id), lifeOf(id))
		}
		if id == raft.None || raft.IsLocalMsgTarget(id) {
			t.Fatalf("instance %x, life %d has the id %x, which raft reserves", instance, life, id)
		}
		if instance < MaxInstance && id >= idOf(instance+1, 0) {
			t.Fatalf("the ids of instances %x and %x are not in their order", instance, instance+1)
		}
	})
}

// TestLives holds that lives are in the order of the entries that begin them, as far apart as half the way round.
func TestLives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64Range(lives-3, lives+3), rapid.Uint64Range(0, 1<<62)).Draw(t, "first")
		after := rapid.OneOf(rapid.SampledFrom([]uint64{1, lives / 2}), rapid.Uint64Range(1, lives/2)).Draw(t, "after")
		a, b := lifeAt(first), lifeAt(first+after)
		if a == 0 || a > lives || !Later(b, a) || Later(a, b) || Later(a, a) {
			t.Fatalf("life %d of entry %d, life %d of entry %d: later %t, earlier %t", a, first, b, first+after, Later(b, a), Later(a, b))
		}
		if !Later(a, 0) || Later(0, a) || Later(0, 0) {
			t.Fatalf("life %d does not come after that of a founder", a)
		}
	})
}
