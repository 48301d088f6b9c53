package cluster

import (
	"net/netip"
	"slices"
	"sync"
)

// sighting is what memberlist last saw of a member.
type sighting struct {
	name   string // as memberlist has it
	gossip netip.AddrPort
	meta   []byte
	living bool
}

// sightings is the queue between memberlist, which calls under its locks, and follow. It holds one sighting for each member, the last,
// and so never more than memberlist itself holds.
type sightings struct {
	ready chan struct{} // holds a token while there is something

	mu     sync.Mutex
	order  []string // guarded by mu: in the order of the first sighting that was not taken
	latest map[string]sighting
}

func newSightings() *sightings {
	return &sightings{ready: make(chan struct{}, 1), latest: map[string]sighting{}}
}

// put never waits.
func (q *sightings) put(s sighting) {
	s.meta = slices.Clone(s.meta)
	q.mu.Lock()
	if _, ok := q.latest[s.name]; !ok {
		q.order = append(q.order, s.name)
	}
	q.latest[s.name] = s
	q.mu.Unlock()
	notify(q.ready)
}

// take returns all that waits.
func (q *sightings) take() []sighting {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := make([]sighting, 0, len(q.order))
	for _, name := range q.order {
		taken = append(taken, q.latest[name])
	}
	q.order = nil
	clear(q.latest)
	return taken
}

// notify puts a token into a channel with room for one, if there is none.
func notify(token chan<- struct{}) {
	select {
	case token <- struct{}{}:
	default:
	}
}
