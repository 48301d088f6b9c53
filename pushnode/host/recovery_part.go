package host

// heedAsk takes in that another node wants to recover the slot by force.
func (s *seat) heedAsk(from uint64, f askFrame) {
	if f.ends {
		s.unbind(from)
		return
	}
	s.host.mourn(f.dead)
	stance := s.stance(from, &f)
	if stance == stanceStopped {
		s.giveUp(holdTime)
		r := &s.recovery
		r.bound, r.boundUntil, r.ends = from, s.now+boundTime, f.generation
	}
	answer := tellFrame{round: f.round, stance: stance, claim: s.claimOf(f.generation), route: s.route}
	s.host.outside.Send(from, Control, answer.append(s.index))
}

// stance decides how to answer an ask.
func (s *seat) stance(from uint64, f *askFrame) stance {
	r := &s.recovery
	own := s.claimOf(f.generation).compare(f.claim)
	switch {
	case s.generation() > f.generation:
		return stanceLater
	case s.knowsAlive(f.dead), s.status.Generation == f.generation && (s.led() && s.status.Leader != from || s.fresh()):
		return stanceLed
	case r.bound != 0 && r.bound != from:
		return stanceBound
	case own > 0, own == 0 && r.round != nil && s.host.config.Self < from:
		return stanceFuller
	}
	return stanceStopped
}

// claimOf is what our copy holds of a generation.
func (s *seat) claimOf(generation uint32) claim {
	if s.status.Generation != generation {
		return claim{}
	}
	return s.claim()
}

// knowsAlive reports whether one of them lives, by a link or by being this node.
func (s *seat) knowsAlive(dead []uint64) bool {
	linked := s.host.view.Load().linked
	for _, instance := range dead {
		if instance == s.host.config.Self || linked[instance] {
			return true
		}
	}
	return false
}

// unbind lets our copy go on that has stopped for another node.
func (s *seat) unbind(instance uint64) {
	if s.recovery.bound == instance {
		s.recovery.bound = 0
	}
}

// stopped reports whether nothing of a generation is to be taken in.
func (s *seat) stopped(generation uint32) bool {
	r := &s.recovery
	return r.round != nil && generation <= s.generation() || r.bound != 0 && generation <= r.ends
}

// linkLost makes void what was agreed with a node over a link that broke.
func (s *seat) linkLost(instance uint64) {
	s.unbind(instance)
	if r := s.recovery.round; r != nil {
		delete(r.told, instance)
	}
}

// payBreak proposes the break of the epoch that the generation begins with which this node has opened.
func (s *seat) payBreak() {
	breaks := s.recovery.breaks
	if breaks.Generation != s.status.Generation || s.copy.State().Generation() >= breaks.Generation {
		return
	}
	if _, err := s.propose(breaks); err != nil {
		s.host.config.Logger.Error("epoch not broken yet", "slot", s.index, "err", err)
	}
}
