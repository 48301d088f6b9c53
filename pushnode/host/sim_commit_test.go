package host_test

import (
	"slices"

	"halley/pushnode/channel"
)

// heldBy is what a node's copy was made of when it was last looked at.
type heldBy struct {
	voters []uint64
	known  bool
}

// checkCommitted holds I11 at the moment at which a leader hands out what was published: a majority of the voters has it in memory,
// or had when it died.
func (w *world) checkCommitted(n *node, slot int, effects []channel.Effect) {
	copies, has := n.host.CopiesOf(slot)
	if !has {
		return
	}
	before := n.copies[slot]
	n.copies[slot] = heldBy{voters: copies.Voters, known: true}
	if !before.known || !slices.Equal(before.voters, copies.Voters) || !slices.ContainsFunc(effects, published) {
		return // what was committed under other voters may come out now
	}
	generation, applied := n.host.AppliedOf(slot)
	holders := 0
	for _, voter := range copies.Voters {
		if its, last := w.nodes[voter].host.LastOf(slot); its == generation && last >= applied {
			holders++
		}
	}
	if holders <= len(copies.Voters)/2 {
		w.fail("I11", "slot %d handed out entry %d at %s, which %d of its voters %x have", slot, applied, n, holders, copies.Voters)
	}
}

func published(effect channel.Effect) bool {
	_, is := effect.(channel.Published)
	return is
}

// acknowledged is up to where a channel's messages, and the changes of its presence, were acknowledged.
type acknowledged struct {
	position channel.Position
	version  uint64
}

// checkFresh holds I14: an answer knows all that was acknowledged before it was asked for.
func (w *world) checkFresh(id channel.ID, asked acknowledged, position channel.Position, version uint64) {
	if position != (channel.Position{}) && !reaches(position, asked.position) {
		w.fail("I14", "%s is said to stand at %v, and was acknowledged up to %v before", id.Name, position, asked.position)
	}
	if version < asked.version && position == (channel.Position{}) {
		w.fail("I14", "%s has members of version %d, and was acknowledged up to %d before", id.Name, version, asked.version)
	}
}

// reaches reports whether a is not before b.
func reaches(a, b channel.Position) bool {
	return earlier(b.Epoch, a.Epoch) || a.Epoch == b.Epoch && a.Offset >= b.Offset
}

// acks takes note of what was acknowledged in a channel.
func (w *world) acks(id channel.ID, position channel.Position, version uint64) {
	known := w.acked[id]
	if reaches(position, known.position) {
		known.position = position
	}
	known.version = max(known.version, version)
	w.acked[id] = known
}
