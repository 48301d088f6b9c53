package session

import (
	"cmp"
	"math"

	"halley/pushnode/channel"
)

// mode says how a subscription gets its messages.
type mode uint8

const (
	joining mode = iota // the entry knows it, but its position is not known yet
	behind              // the connection's writer feeds it from history
	live                // it has everything that this node has delivered: the fan-out queues what comes
	parked              // its session has no connection; it only counts as a subscriber
	gone                // it left the entry
)

// subscription is one channel of a session during one connection, or while the session is parked.
type subscription struct {
	// immutable
	entry   *entry
	session *Session
	outbox  *outbox // nil where the session is parked

	// guarded by entry.mu
	index int // in entry.subs
	mode  mode
	watch watch // of presence
	place
	suspended bool             // the client was told that its continuity cannot be decided
	doubted   bool             // it was told so by an earlier connection, and not yet that it goes on
	sending   channel.Position // up to where the connection's writer has begun to write, while it feeds the subscription

	// owned by the connection's writer
	page *page // what was read and not yet written
}

// place is where a subscription stands in its channel.
type place struct {
	begun   bool             // last and told hold; before that, first does
	last    channel.Position // everything up to it was queued, or is not for this session
	told    channel.Position // where the client was told that the stream begins
	stalled bool             // it is behind because its queue was full

	first     channel.Start // where to begin
	announce  bool          // the client is to be told where that is
	uncertain bool          // it may have missed something before, and has not been told
}

// pass goes on after a publication that is not for this session. Where nothing was sent yet, nothing can have been missed.
func (p *place) pass(position channel.Position) {
	if comparePositions(p.last, p.told) == 0 {
		p.told = position
	}
	p.last = position
}

// start is where to go on.
func (p place) start() channel.Start {
	if !p.begun {
		return p.first
	}
	last := p.last
	// Where the numbering is another one by now, everything that it holds follows.
	return channel.Start{Since: &last, Rewind: math.MaxInt}
}

// resumed is the place for a later connection whose client does not say where it stands: after the last message that was sent.
// Whether that arrived, nobody knows, unless none was sent.
func (p place) resumed() place {
	if !p.begun {
		return place{first: p.first, announce: true, uncertain: p.uncertain}
	}
	return place{first: p.start(), announce: true, uncertain: p.uncertain || comparePositions(p.last, p.told) != 0}
}

// placeAt is the place for a client that says where it stands.
func placeAt(position channel.Position) place {
	return place{first: channel.Start{Since: &position}, announce: true}
}

// watch is how a subscription follows the presence of its channel.
type watch struct {
	wanted  bool
	stale   bool   // a change did not get through, or may not have: the set is to be looked at again
	known   bool   // the client knows the set as it was at version
	reads   bool   // the set is being read for it, and its entry keeps what changes
	version uint64 // of the last change that was queued
}

// comparePositions orders two positions of one channel. Within one cluster a later epoch is greater.
func comparePositions(a, b channel.Position) int {
	return cmp.Or(compareEpochs(a.Epoch, b.Epoch), cmp.Compare(a.Offset, b.Offset))
}

func compareEpochs(a, b channel.Epoch) int {
	return cmp.Or(
		cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Generation, b.Generation), cmp.Compare(a.Incarnation, b.Incarnation))
}

// distance is how many messages follow from in a channel whose head is to; 0 where their epochs say nothing of it.
func distance(from, to channel.Position) int {
	if from.Epoch != to.Epoch || from.Offset >= to.Offset {
		return 0
	}
	return int(to.Offset - from.Offset)
}

// follows reports whether next is the position right after last.
func follows(last, next channel.Position) bool {
	if last.Epoch == next.Epoch {
		return last.Offset+1 == next.Offset
	}
	// The channel was forgotten and begins anew. Its old numbering ended where last is: whoever is live has all of it.
	return next.Offset == 1 && last.Epoch.Cluster == next.Epoch.Cluster && last.Epoch.Generation == next.Epoch.Generation &&
		last.Epoch.Incarnation < next.Epoch.Incarnation
}
