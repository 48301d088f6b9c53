package host

import (
	"slices"

	"halley/pushnode/slot"
)

// How long (milliseconds) the view must be as it is before a leader acts on it.
const (
	fillAfter   = 1_000  // where the slot has fewer copies than are wanted
	settleAfter = 5_000  // where it has enough: a node that comes and goes moves nothing
	lostAfter   = 10_000 // a voter whose node is no member for so long is waited for no more
)

// maxLearners bounds the copies that the slots led by this node are bringing level at a time.
const maxLearners = 256

// move brings the copies of a slot that this node leads one step closer to where they belong: learners first; when they are level, the
// voters, all in one; at last the lead. Each step is proposed when the one before is in
// force and nobody can lead who does not know it.
func (s *seat) move() {
	v := s.host.view.Load()
	if v == s.placed {
		return
	}
	target := v.target[s.index]
	have := s.copy.Copies()
	if s.status.Agreed && s.fresh() && s.dismiss(have, v) {
		return
	}
	wait := int64(settleAfter)
	switch {
	case slices.ContainsFunc(have.Voters, v.leaves):
		wait = 0 // it goes when nobody counts on it
	case len(have.Voters) < min(len(target), s.host.config.Copies):
		wait = fillAfter
	}
	if len(target) == 0 || !s.status.Agreed || !s.fresh() || s.now < v.since+wait {
		return
	}
	next := nextCopies(have, target, s.level(), v, s.host.config, s.mayKeep)
	if len(next.Learners) > len(have.Learners) && s.host.learning.Load() >= maxLearners {
		return
	}
	if !slices.Equal(next.Voters, have.Voters) || !slices.Equal(next.Learners, have.Learners) {
		_ = s.copy.Change(next) // what is refused now is tried again
		s.unsettled = true
		return
	}
	if s.handOver(have, target, v) {
		s.placed = v
	}
}

// nextCopies is the next step from the copies in force to those wanted. level are the learners that have all that is committed; kept
// says whether a voter that is not wanted may stay where there are too few.
func nextCopies(
	have slot.Copies, target []uint64, level map[uint64]bool, v *view, config Config, kept func(uint64) bool,
) slot.Copies {
	ready := func(instance uint64) bool {
		return slices.Contains(have.Voters, instance) || level[instance] && v.reaches(instance, config.Self)
	}
	if !slices.ContainsFunc(target, func(instance uint64) bool { return !ready(instance) }) {
		return slot.Copies{Voters: nextVoters(have, target, v, config, kept)}
	}
	next := slot.Copies{Voters: slices.Clone(have.Voters)}
	for _, instance := range target {
		switch {
		case slices.Contains(next.Voters, instance):
		case ready(instance) && len(next.Voters) < config.Copies:
			next.Voters = append(next.Voters, instance)
		default:
			next.Learners = append(next.Learners, instance)
		}
	}
	slices.Sort(next.Voters)
	slices.Sort(next.Learners)
	return next
}

// nextVoters is the voters wanted, now that they are ready. Where links do not reach a majority of them, nothing changes: a step that
// is begun then could leave the slot with voters of which too few live.
func nextVoters(have slot.Copies, target []uint64, v *view, config Config, kept func(uint64) bool) []uint64 {
	next := slices.Clone(target)
	if !slices.Contains(next, config.Self) {
		next = append(next, config.Self) // the next leader lets this one go
	}
	for _, voter := range have.Voters {
		if len(next) < config.Copies && !slices.Contains(next, voter) && kept(voter) {
			next = append(next, voter)
		}
	}
	if !v.reachesMajority(next, config.Self) {
		return have.Voters
	}
	slices.Sort(next)
	return next
}

// mayKeep reports whether a voter stays although the placement does not want it: it was lost a short while ago, and may be back before
// it is missed. Later it goes even where nobody takes its place: the two that are left then are enough for each other (recovery.go).
func (s *seat) mayKeep(voter uint64) bool {
	v := s.host.view.Load()
	return !v.leaves(voter) && (v.has(voter) || s.host.missedFor(s.now, voter) < lostAfter)
}

// level is the learners that have all that is committed.
func (s *seat) level() map[uint64]bool {
	level := make(map[uint64]bool)
	for _, progress := range s.copy.Progress() {
		if progress.Learner && progress.Level {
			level[progress.Instance] = true
		}
	}
	return level
}

// countLearners keeps the host's count of learners that are brought level by the slots led here.
func (s *seat) countLearners() {
	count := 0
	if s.status.Leads {
		count = len(s.copy.Copies().Learners)
	}
	s.host.learning.Add(int64(count - s.learners))
	s.learners = count
}

// handOver gives the lead to the node that should have it, and reports whether nothing is left to do.
func (s *seat) handOver(have slot.Copies, target []uint64, v *view) bool {
	heir := target[0]
	if heir == s.host.config.Self {
		return len(have.Learners) == 0 && slices.Equal(have.Voters, slices.Sorted(slices.Values(target)))
	}
	stays := slices.Contains(target, s.host.config.Self)
	if v.linked[heir] && v.able(heir) && slices.Contains(have.Voters, heir) && !s.shuns(heir) {
		s.transfer(heir)
	} else if !stays {
		s.abdicate(false)
	}
	return false
}

// handed is whom a node gave the lead of a slot last.
type handed struct {
	to      uint64
	at      int64
	shunned int64 // until when that one gets it no more
}

// How long (milliseconds) after it was given the lead a node that has lost it again is shunned, and for how long.
const (
	shunWithin = 60_000
	shunTime   = 300_000
)

func (s *seat) shuns(instance uint64) bool {
	return s.handed.to == instance && s.now < s.handed.shunned
}

// shun takes note that this node leads again: if it gave the lead away a short while ago, who got it could not hold it.
func (s *seat) shun() {
	if s.handed.to != 0 && s.now < s.handed.at+shunWithin {
		s.handed.shunned = s.now + shunTime
	}
}

// transfer gives the lead to another voter, if that is level.
func (s *seat) transfer(heir uint64) bool {
	level := func(p slot.Progress) bool { return p.Instance == heir && !p.Learner && p.Level }
	if !slices.ContainsFunc(s.copy.Progress(), level) || s.copy.Transfer(heir) != nil {
		return false
	}
	if s.handed.to != heir {
		s.handed = handed{to: heir}
	}
	s.handed.at = s.now
	s.unsettled = true
	return true
}
