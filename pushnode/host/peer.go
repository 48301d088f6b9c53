package host

// peerUp is told that a link to a peer is there.
func (s *seat) peerUp(instance uint64) {
	s.redirect()
	s.chooseSource()
	s.noticeLost(instance, vacantAfter)
	delete(s.followers.counts, instance) // it tells all of them anew
	if s.route.leader == instance {
		s.reportAll()
		s.missed = true
	}
}

// peerDown is told that a link broke.
func (s *seat) peerDown(instance uint64, gone bool) {
	s.linkLost(instance)
	delete(s.fallen, instance) // it says it again
	s.followers.forget(instance)
	s.endCongestions(func(at congestedAt) bool { return at.edge == instance })
	s.unlink(instance)
	s.dropArrival(instance)
	if s.interest.source == instance {
		s.interest.source = 0
		s.chooseSource()
	}
	if s.copy == nil {
		return
	}
	s.lose(false, instance)
	s.copy.Unreachable(instance)
	s.copy.SnapshotDone(instance, false)
	if gone && s.status.Leader == instance {
		s.suspect()
	}
}
