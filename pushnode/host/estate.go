package host

import (
	"slices"
	"sync/atomic"

	"halley/pushnode/channel"
	"halley/pushnode/slot"
)

// estate is what a copy held whose generation of the slot has ended without it: its node was paused, cut off, or went on alone as the
// later one did. Publications that the later generation may not have are handed over to its leader by Import, each once by its id.
// Presence and sessions are not: those who live enter again.
//
// A whole cluster can leave estates too, to the one that its nodes go over to: see Legacy. Of these nothing has survived there.
//
// What is missing there is found by asking: of what a channel keeps, oldest first, a beginning is known in the later generation (its
// position has survived there), and the rest is not. The estate is kept until the later generation is in the memory of two nodes.
type estate struct {
	seat       *seat
	state      *channel.State
	generation uint32 // that ended
	foreign    bool   // of another cluster: it counts as earlier than any generation here

	// owned by whoever drives it; one at a time, see turn
	turn    atomic.Int32
	reply   Reply
	ids     []channel.ID // whose publications are still to be looked at
	id      channel.ID   // whose remains these are
	remains []channel.Remaining
	keep    channel.Retention
	known   int // so many of remains have survived for sure
	unknown int // what remains from here on have not

	// guarded by the seat's mu
	driven bool
	done   bool
	heir   uint32 // done: the generation that has it all
	doneAt int64
	tryAt  int64
}

// States of turn: a request of an estate is made, then either its maker stops to wait, or its answer is there before that.
const (
	turnMade int32 = iota
	turnWaiting
	turnAnswered
)

const (
	estateKept   = 60_000  // milliseconds for which an estate is kept that is handed over to one node alone
	estateTime   = 5_000   // milliseconds that one request for it may take
	estateRetry  = 500     // milliseconds until a request that failed is made again
	estatePage   = 256_000 // bytes of publications in one Import, but for the last of them
	maxEstates   = 2       // of one slot
	maxInherited = 16      // estates that a node hands over at a time
)

// newEstate makes an estate of a copy, which is not to be used any more. What was not committed counts too: it may have been acknowledged by
// a majority that this copy has not heard of.
func newEstate(s *seat, copy *slot.Slot, generation uint32) *estate {
	copy.Advance()
	if err := copy.Recover(generation+1, nil); err == nil { // an empty copy holds nothing
		copy.Advance()
	}
	return &estate{seat: s, state: copy.State(), generation: generation}
}

// retire lets go of our copy: its generation has ended.
func (s *seat) retire() {
	if s.copy == nil {
		return
	}
	copy, status := s.copy, s.status
	s.discard()
	if status.Empty {
		return
	}
	if len(s.estates) >= maxEstates {
		s.giveUpEstate()
	}
	s.estates = append(s.estates, newEstate(s, copy, status.Generation))
}

// giveUpEstate makes room for another: by one that is handed over if there is one, else by the oldest of this cluster, which other copies
// may have had too.
func (s *seat) giveUpEstate() {
	least := 0
	for i, e := range s.estates {
		if worth := s.estates[least]; e.done && !worth.done || worth.foreign && !worth.done && !e.foreign {
			least = i
		}
	}
	if e := s.estates[least]; !e.done {
		s.host.config.Logger.Error("estate given up", "slot", s.index, "generation", e.generation, "foreign", e.foreign)
	}
	s.estates = slices.Delete(s.estates, least, least+1)
}

// settleEstates hands over what waits for it, as far as this node may at a time, and forgets what is safe elsewhere.
func (s *seat) settleEstates() {
	for _, e := range slices.Clone(s.estates) {
		switch {
		case e.driven || s.now < e.tryAt || s.route.leader == 0 || !e.foreign && s.route.generation <= e.generation:
		case !e.done || e.heir != s.route.generation:
			s.drive(e)
		case len(s.route.voters) > 1 || s.now >= e.doneAt+estateKept:
			s.estates = slices.DeleteFunc(s.estates, func(one *estate) bool { return one == e })
		}
	}
}

// drive begins to hand an estate over, once the seat is free.
func (s *seat) drive(e *estate) {
	if s.host.inheriting.Add(1) > maxInherited {
		s.host.inheriting.Add(-1)
		return
	}
	e.driven = true
	e.ids, e.remains, e.known = e.state.Held(), nil, 0
	heir := s.route.generation
	s.finished = append(s.finished, finished{done: func(Reply) { e.run(heir) }})
}

// run goes on until it has to wait for an answer, or the estate is handed over.
func (e *estate) run(heir uint32) {
	for e.next() {
		e.turn.Store(turnMade)
		e.request(func(reply Reply) {
			e.reply = reply
			if !e.turn.CompareAndSwap(turnMade, turnAnswered) {
				e.answered(heir)
			}
		})
		if e.turn.CompareAndSwap(turnMade, turnWaiting) {
			return
		}
		if !e.heed() {
			e.end(heir, false)
			return
		}
	}
	e.end(heir, true)
}

func (e *estate) answered(heir uint32) {
	if e.heed() {
		e.run(heir)
	} else {
		e.end(heir, false)
	}
}

// next comes to the next channel of which something may be missing. false: there is none.
func (e *estate) next() bool {
	for len(e.remains) == e.known {
		if len(e.ids) == 0 {
			return false
		}
		e.id, e.ids = e.ids[0], e.ids[1:]
		e.remains, e.keep = e.state.Remains(e.id)
		oldest := e.state.Now() - e.keep.Age.Milliseconds()
		e.remains = slices.DeleteFunc(e.remains, func(r channel.Remaining) bool { return r.Publication.Time <= oldest })
		if e.known, e.unknown = 0, len(e.remains)+1; e.foreign {
			e.unknown = 1 // no position of another cluster has survived
		}
	}
	return true
}

// searching reports whether it is not known yet what has survived. Most often all has.
func (e *estate) searching() bool { return e.unknown > e.known+1 }

// probe is how many of remains are asked for: have they survived, up to the last of them?
func (e *estate) probe() int {
	if e.unknown > len(e.remains) {
		return len(e.remains)
	}
	return (e.known + e.unknown) / 2
}

// request asks whether a position has survived, or imports what has not.
func (e *estate) request(done func(Reply)) {
	s := e.seat
	s.enter(0)
	now := s.now
	s.leave()
	if e.searching() {
		since := e.remains[e.probe()-1].Position
		query := channel.BacklogQuery{Channel: e.id, Start: channel.Start{Since: &since}, Limit: 1}
		s.host.Query(now, s.index, query, now+estateTime, done)
		return
	}
	s.host.Propose(now, s.index, channel.Import{Channel: e.id, Retention: e.keep, Publications: e.page()}, now+estateTime, done)
}

// heed takes in the answer. false: there is none.
func (e *estate) heed() bool {
	if e.reply.Err != nil {
		return false
	}
	if !e.searching() {
		e.known += len(e.page())
		e.unknown = e.known + 1
		return true
	}
	backlog, is := e.reply.Answer.(channel.Backlog)
	switch {
	case !is:
		return false
	case backlog.Gap == nil || backlog.Gap.Reason == channel.ReasonUncertain || backlog.Gap.Reason == channel.ReasonEvicted:
		e.known = e.probe()
	default:
		e.unknown = e.probe()
	}
	return true
}

// page is the next publications to be imported.
func (e *estate) page() (list []channel.Imported) {
	bytes := 0
	for _, r := range e.remains[e.known:] {
		p := r.Publication
		bytes += len(p.ID) + len(p.Event) + len(p.Data) + len(p.Exclude) + len(p.ClientID)
		if len(list) > 0 && bytes > estatePage {
			break
		}
		list = append(list, channel.Imported{
			ID: p.ID, Event: p.Event, Data: p.Data, Exclude: p.Exclude, ClientID: p.ClientID, Timestamp: p.Time,
		})
	}
	return list
}

// end takes note that the estate is handed over to a generation, or is to be tried again.
func (e *estate) end(heir uint32, done bool) {
	s := e.seat
	s.host.inheriting.Add(-1)
	s.enter(0)
	e.driven, e.done, e.heir, e.doneAt, e.tryAt = false, done, heir, s.now, s.now+estateRetry
	s.leave()
}
