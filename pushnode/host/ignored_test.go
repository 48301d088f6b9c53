package host_test

import (
	"testing"

	"halley/pushnode/channel"
)

// What nobody follows wakes nobody; who follows from some moment on gets all that happens from then on.
func TestPublicationsThatNobodyFollowsAreNotDelivered(t *testing.T) {
	t.Parallel()
	p := newHosts(t, 1, 1)
	leader := p.nodes[0]
	slot := leader.SlotOf(room1.App, room1.Name)
	publish := func(id string) {
		t.Helper()
		if reply := p.ask(leader, slot, channel.Publish{Channel: room1, ID: id, Data: []byte("1")}, 1000); reply == nil || reply.Err != nil {
			t.Fatalf("publish %s: %+v", id, reply)
		}
	}
	publish("unseen")
	leader.Follow(p.now, slot, room1, 1)
	publish("seen")
	leader.Follow(p.now, slot, room1, 0)
	publish("unseen again")
	if len(leader.effects) != 1 || leader.effects[0].(channel.Published).Publication.ID != "seen" {
		t.Errorf("delivered %+v, want the one publication that came while the channel was followed", leader.effects)
	}
}
