package channel

import "time"

// How many departures a slot remembers, and for how long. An EnterPresence that was under way is applied or given up within
// seconds.
const (
	MaxDepartures = 4_096 // about 100 bytes each; above it the oldest are forgotten early
	DepartureTTL  = time.Minute
)

// departures remembers which members have left for good, and under which generation: an EnterPresence which was under way then
// must not make a member that nobody would end.
type departures struct {
	generations map[idKey]uint64
	order       ring[departure] // oldest first
}

type departure struct {
	key        idKey
	generation uint64
	time       int64 // Unix milliseconds
}

// departureKey stands for a member of a channel, as idKey does for an id.
func departureKey(id ID, key memberKey) idKey {
	var w writer
	w.id(id)
	w.Text(key.clientID)
	w.Text(key.session)
	return keyOf(string(w.Data))
}

// add takes note of a departure. One that is known, or was under a later generation, is not made to last longer.
func (d *departures) add(one departure) {
	if known, left := d.generations[one.key]; left && known >= one.generation {
		return
	}
	if d.generations == nil {
		d.generations = make(map[idKey]uint64)
	}
	d.generations[one.key] = one.generation
	d.order.push(one)
}

// trim forgets departures from before cutoff and those above the bound.
func (d *departures) trim(cutoff int64) {
	for d.order.len() > 0 && (d.order.len() > MaxDepartures || d.order.at(0).time <= cutoff) {
		if oldest := d.order.pop(); d.generations[oldest.key] == oldest.generation {
			delete(d.generations, oldest.key)
		}
	}
	if d.order.len() == 0 {
		d.generations = nil // a map does not shrink by itself
	}
}

// departed reports whether the member left for good under that generation or a later one.
func (s *State) departed(id ID, key memberKey, generation uint64) bool {
	if len(s.departures.generations) == 0 {
		return false
	}
	last, left := s.departures.generations[departureKey(id, key)]
	return left && generation <= last
}

func (w *writer) departures(d *departures) {
	w.Count(d.order.len())
	for i := range d.order.len() {
		one := d.order.at(i)
		w.Data = append(w.Data, one.key[:]...)
		w.Number(one.generation)
		w.Signed(one.time)
	}
}

func (r *reader) departures(d *departures) {
	for range r.Count(1) {
		d.add(departure{key: r.key(), generation: r.Number(), time: r.Signed()})
	}
}
