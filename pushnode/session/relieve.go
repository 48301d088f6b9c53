package session

import (
	"cmp"
	"slices"

	"halley/pushnode/channel"
)

// Relieve lets go of what waits for connections, the longest queues first, until about so many bytes of them have gone. Each subscription is
// treated as by its channel's policy where a queue is full: it reads history later, keeps what is newest, or is told how many messages it
// lost. No connection is closed. It returns how many bytes went, and of how many connections.
func (s *Server) Relieve(bytes int) (gone, connections int) {
	for _, conn := range s.slowest() {
		if gone >= bytes {
			break
		}
		if went := conn.outbox.relieve(); went > 0 {
			gone += went
			connections++
		}
	}
	return gone, connections
}

// slowest returns the connections for which something waits, the longest queue first.
func (s *Server) slowest() []*connection {
	waits := make(map[*connection]int)
	slow := slices.DeleteFunc(s.connected(), func(conn *connection) bool {
		_, bytes := conn.outbox.queued()
		waits[conn] = bytes
		return bytes == 0
	})
	slices.SortFunc(slow, func(a, b *connection) int { return cmp.Compare(waits[b], waits[a]) })
	return slow
}

// relieve lets go of the messages that wait, and returns how many bytes they had.
func (o *outbox) relieve() (bytes int) {
	for sub := range o.subscriptions() {
		bytes += sub.entry.relieve(sub)
	}
	return bytes
}

// subscriptions are those of which messages wait.
func (o *outbox) subscriptions() map[*subscription]struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	waiting := make(map[*subscription]struct{})
	for i := range o.items {
		if o.items[i].message() != nil {
			waiting[o.items[i].sub] = struct{}{}
		}
	}
	return waiting
}

// relieve does to a subscription what its channel's policy does to one whose queue is full.
func (e *entry) relieve(sub *subscription) (bytes int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if sub.mode != live && sub.mode != behind {
		return 0
	}
	culled := sub.outbox.cull(sub, e.rule.Policy)
	switch {
	case culled.messages == 0:
	case keepsNewest(e.rule.Policy):
		e.metrics.dropped(e.rule.Policy, culled.messages)
	default:
		e.metrics.overflows.Inc()
		if culled.first <= sub.last.Offset {
			sub.last.Offset = culled.first - 1
		}
		sub.stalled = true
		e.fallBehindLocked(sub)
	}
	return culled.bytes
}

// keepsNewest reports whether a policy lets older messages go for the newest.
func keepsNewest(policy channel.Policy) bool {
	return policy == channel.PolicyLatest || policy == channel.PolicyLossy
}

// culled is what an outbox let go of.
type culled struct {
	messages, bytes int
	first           uint64 // the lowest offset of it
}

// cull lets go of a subscription's messages: all of them, or by policy all but those that came in last. Policy lossy leaves a marker in
// their place.
func (o *outbox) cull(sub *subscription, policy channel.Policy) (went culled) {
	o.mu.Lock()
	defer o.mu.Unlock()
	newest, marker := -1, -1
	if keepsNewest(policy) {
		newest = o.newestLocked(sub)
	}
	kept := o.items[:0]
	for i, waiting := range o.items {
		if waiting.sub != sub || waiting.message() == nil || i == newest {
			if waiting.sub == sub && waiting.dropped > 0 {
				marker = len(kept)
			}
			kept = append(kept, waiting)
			continue
		}
		o.lessLocked(&waiting)
		went.add(&waiting)
		switch {
		case policy != channel.PolicyLossy:
		case marker >= 0:
			kept[marker].dropped += uint64(waiting.weight())
		default:
			marker = len(kept)
			kept = append(kept, item{sub: sub, dropped: uint64(waiting.weight()), order: waiting.order})
			o.weight++ // the marker
		}
	}
	clear(o.items[len(kept):])
	if o.items = kept; len(kept) == 0 {
		letGo(kept)
		o.items = nil
	}
	return went
}

func (o *outbox) newestLocked(sub *subscription) int {
	for i := len(o.items) - 1; i >= 0; i-- {
		if o.items[i].sub == sub && o.items[i].message() != nil {
			return i
		}
	}
	return -1
}

func (c *culled) add(gone *item) {
	if first := gone.message().Offset; c.messages == 0 || first < c.first {
		c.first = first
	}
	c.messages += gone.weight()
	c.bytes += gone.size()
}
