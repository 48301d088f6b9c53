package host

import (
	"slices"

	"halley/pushnode/slot"
)

// Times of elections, in milliseconds. The evidence of links comes first; the silence of a slot's leader is the second line.
const (
	beat         = 500  // a leader tells its copies that it is there
	silence      = 2000 // a copy that heard nothing for so long takes the leader for gone, within silenceSpan
	silenceSpan  = 1000
	rankDelay    = 50 // each copy lets those before it in rank go first
	retryFirst   = 300
	retryLongest = 2000
)

// election is what our copy waits for while it does not lead.
type election struct {
	contact uint64 // count of messages of the leader when we last looked
	heardAt int64
	patient int64 // how long the leader may be silent
	at      int64 // when we stand for election; 0: not
	tries   int
	beaten  int64 // when our copy, which leads, was last given its time: a tick, or at rest a pulse
	sleptAt int64 // when it last got one too late
}

// heard takes note that there is a leader.
func (e *election) heard(now int64, contact uint64) {
	e.contact, e.heardAt, e.at, e.tries = contact, now, 0, 0
}

// tick is called when the slot is to be looked at again. Pulses go out with those of others.
func (s *seat) tick(out *pulses) {
	s.dropIfRemoved()
	if !s.recover() && s.copy != nil {
		s.ship()
		s.beat(out)
	}
	s.settleEstates()
	s.catchUp()
	s.expire()
	s.refresh()
	s.wake.Store(s.now + s.pause())
}

// How often a slot is looked at, in milliseconds: where something waits, and where nothing does.
const (
	tickInterval = 100
	idleInterval = beat
)

// pause is how long the slot need not be looked at.
func (s *seat) pause() int64 {
	at := s.now + tickInterval
	if s.idle() {
		at = s.now + idleInterval
	}
	if s.status.Leads {
		at = min(at, s.election.beaten+beat)
	}
	if s.election.at != 0 {
		at = min(at, s.election.at)
	}
	return max(at-s.now, 0)
}

// soon has the slot looked at before long.
func (s *seat) soon() {
	if at := s.now + tickInterval; at < s.wake.Load() {
		s.wake.Store(at)
	}
}

// idle reports whether nothing waits for the next look but the beat and patience of elections. A copy without a leader, or one that is
// about to lose its patience, is not.
func (s *seat) idle() bool {
	waits := len(s.requests) > 0 || len(s.interest.changed) > 0 || s.interest.whole || len(s.parcels) > 0 || len(s.followers.lagging) > 0
	leads := s.status.Settled && s.placed == s.host.view.Load()
	follows := s.status.Leader != 0 && !s.status.Leads
	return !waits && (s.copy == nil || leads || follows)
}

// beat gives our copy its time: a leader its ticks, a follower its patience, others their elections.
func (s *seat) beat(out *pulses) {
	e := &s.election
	switch {
	case s.status.Leads:
		s.lead(out)
		s.sweep()
	case !s.status.Voter:
	case s.status.Leader == 0:
		if e.at == 0 {
			s.line()
		}
		if s.now >= e.at {
			s.stand()
		}
	case s.status.Contact != e.contact:
		e.heard(s.now, s.status.Contact)
		e.patient = s.host.between(silence, silence+silenceSpan)
	case s.now >= e.heardAt+max(e.patient, silence):
		s.suspect()
	}
}

// fresh reports whether a majority has followed our copy, which leads, within the last second. A copy that got no time cannot know how
// old its news is, until it has had two ticks again.
func (s *seat) fresh() bool {
	e := &s.election
	if !s.status.Fresh || s.copy.State().Generation() != s.status.Generation {
		return false // of a generation whose break is not in force yet
	}
	awake := s.now < e.beaten+2*beat && s.now >= e.sleptAt+2*beat
	return awake || s.status.Copies == 1
}

// suspect takes the leader for gone: our copy gives its vote to others from now on, and stands itself when its turn has come.
func (s *seat) suspect() {
	if s.copy == nil || s.status.Leads || s.status.Leader == 0 {
		return
	}
	_ = s.copy.SuspectLeader() // it fails where there is no leader, which is as well
	s.unsettled = true
	s.line()
}

// line puts our copy in line for the election: who should lead the slot goes first, who should rather not lead last.
func (s *seat) line() {
	s.election.at = s.now + s.rank()*rankDelay
	if s.host.shy(s.now) {
		s.election.at += shyDelay
	}
	if s.election.at < s.wake.Load() {
		s.wake.Store(s.election.at)
	}
}

// rank is how many copies that a link reaches go before ours.
func (s *seat) rank() (before int64) {
	v := s.host.view.Load()
	order := slices.Clone(v.target[s.index])
	for _, voter := range s.copy.Copies().Voters {
		if !slices.Contains(order, voter) {
			order = append(order, voter)
		}
	}
	for _, instance := range order {
		if instance == s.host.config.Self {
			break
		}
		if v.linked[instance] {
			before++
		}
	}
	return before
}

// stand has our copy stand for election, and again after a while if nobody leads by then.
func (s *seat) stand() error {
	if s.copy == nil {
		return slot.ErrBroken // it was until just now
	}
	e := &s.election
	pause := min(int64(retryFirst)<<min(e.tries, 3), retryLongest)
	// Who goes first in rank has the time for a whole round of votes before the next one begins: two that stand again at random moments divided
	// the votes time and again.
	e.at = s.now + s.host.between(pause, pause+pause/2) + s.rank()*pause
	e.tries++
	s.unsettled = true
	return s.copy.Campaign()
}
