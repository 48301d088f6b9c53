package host

import (
	"slices"

	"halley/pushnode/slot"
)

// How long (milliseconds) the view must be as it is before a leader acts on it.
const (
	fillAfter   = 1_000 // where the slot has fewer copies than are wanted
	settleAfter = 5_000 // where it has enough: a node that comes and goes moves nothing
)

// maxLearners bounds the copies that the slots led by this node are bringing level at a time.
const maxLearners = 256

// move brings the copies of a slot that this node leads one step closer to where they belong: learners first; when they are level, the
// voters, all in one; at last the lead. Each step is proposed when the one before is in force.
func (s *seat) move() {
	v := s.host.view.Load()
	target := v.target[s.index]
	have := s.copy.Copies()
	wait := int64(settleAfter)
	switch {
	case slices.ContainsFunc(have.Voters, v.leaves):
		wait = 0 // it goes when nobody counts on it
	case len(have.Voters) < min(len(target), s.host.config.Copies):
		wait = fillAfter
	}
	if len(target) == 0 || s.copy.Changing() || s.status.Transferring || s.now < v.since+wait {
		return
	}
	next := nextCopies(have, target, s.level(), s.host.config)
	if len(next.Learners) > len(have.Learners) && s.host.learning.Load() >= maxLearners {
		return
	}
	if !slices.Equal(next.Voters, have.Voters) || !slices.Equal(next.Learners, have.Learners) {
		_ = s.copy.Change(next) // what is refused now is tried again
		s.unsettled = true
		return
	}
	s.handOver(have, target, v)
}

// nextCopies is the next step from the copies in force to those wanted. level are the learners that have all that is committed.
func nextCopies(have slot.Copies, target []uint64, level map[uint64]bool, config Config) slot.Copies {
	ready := func(instance uint64) bool { return slices.Contains(have.Voters, instance) || level[instance] }
	next := slot.Copies{}
	if !slices.ContainsFunc(target, func(instance uint64) bool { return !ready(instance) }) {
		next.Voters = slices.Clone(target)
		if !slices.Contains(target, config.Self) {
			next.Voters = append(next.Voters, config.Self) // the next leader lets this one go
		}
		slices.Sort(next.Voters)
		return next
	}
	next.Voters = slices.Clone(have.Voters)
	for _, instance := range target {
		switch {
		case slices.Contains(next.Voters, instance):
		case level[instance] && len(next.Voters) < config.Copies:
			next.Voters = append(next.Voters, instance)
		default:
			next.Learners = append(next.Learners, instance)
		}
	}
	slices.Sort(next.Voters)
	slices.Sort(next.Learners)
	return next
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

// handOver gives the lead to the node that should have it.
func (s *seat) handOver(have slot.Copies, target []uint64, v *view) {
	heir := target[0]
	if heir == s.host.config.Self || !v.linked[heir] || !v.able(heir) || !slices.Contains(have.Voters, heir) {
		return
	}
	s.transfer(heir)
}

// transfer gives the lead to another voter, if that is level.
func (s *seat) transfer(heir uint64) bool {
	level := func(p slot.Progress) bool { return p.Instance == heir && !p.Learner && p.Level }
	if !slices.ContainsFunc(s.copy.Progress(), level) || s.copy.Transfer(heir) != nil {
		return false
	}
	s.unsettled = true
	return true
}
