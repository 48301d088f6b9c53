package host

import (
	"slices"

	"halley/pushnode/channel"
)

// Recovery by force (note 3.10). A slot whose voters have no majority any more, for ever, goes on in a later generation: as soon as
// everyone who may have a say is either proven dead or takes part, the copy with the most complete log begins anew with what it holds.
//
//	recover        every tick: is the slot lost, and may this node say so? then begin a round: stop, and ask all who live
//	heedAsk        (recovery_part.go) who is asked stops, and tells what it holds; or refuses, because it holds more
//	heedTell       when all have stopped: reopen, with a generation that no other recovery of the slot gets
//	retire         (estate.go) whoever has a copy of an earlier generation hands over what the later one lacks, and begins anew
//
// Why one node at most reopens a generation, as long as nobody is taken for dead who lives. Take two, A and B, that reopen. Each one's
// log names everyone who can have a say when it stopped; a change of the voters that A's log does not hold, and that could have put
// others in charge, was acknowledged by a majority that A knows, and of those who are not dead somebody took part: with a more complete
// log than A's, so that A was refused. So A and B knew each other, both lived, and each had the other's word that it had stopped. Nobody
// gives that word to a copy with a less complete log than its own; with equal logs, not while it asks itself and has the lower instance
// id; and not to two at a time. So A and B cannot both have it.
//
// Nothing acknowledged by those that took part is lost: the log that goes on is as complete as any of theirs, and what one of them
// takes in after it has stopped is acknowledged by nobody. What the dead alone held is lost: where that can be something,
// slot.Covers says so, and the epoch breaks without BreakEpoch.Whole, so that clients are told.
//
// Frames can be lost only with their link, and then both ends know: who has stopped goes on, and the asker's round is void. To go on
// does no harm even if the asker has reopened meanwhile: in the old generation there is no majority, and a later generation wins
// wherever the two meet. An asker that dies is a link that breaks.
//
// Where that assumption fails (two nodes in the mode Available, a wrong word of an operator, a copy that is out of date in a piece of
// the network where all that it knows are dead) two histories go on. Their generations differ, by the tag, so that no position of one
// means anything in the other but "up to where both were one". When they meet, the later generation wins, and the other's history is
// imported.
type recovery struct {
	round *round // of this node
	hold  int64  // no round before that

	bound      uint64 // the instance that this node has stopped for; 0: none
	boundUntil int64
	ends       uint32 // the generation that is to end

	seen      int                // deaths.count when the slot was last looked at
	breaks    channel.BreakEpoch // what the generation that this node has opened begins with
	swallowed bool

	lost  bool     // no majority can ever act
	waits []uint64 // lost: who would have to take part, and cannot be reached
}

// round is one attempt of this node to recover the slot.
type round struct {
	number uint64
	claim  claim
	askAt  int64
	told   map[uint64]claim // those that have stopped, and what they hold
}

const (
	askInterval = 300  // milliseconds between two asks to the same node
	boundTime   = 2000 // who has stopped goes on after that without an ask, in milliseconds
	holdTime    = 700  // a round that failed is not tried again before that, in milliseconds
)

// recover does what there is to do about a lost majority. It reports whether the copy has stopped, so that nothing else is to be done.
func (s *seat) recover() (stopped bool) {
	r := &s.recovery
	if r.bound != 0 && s.now >= r.boundUntil {
		r.bound = 0
	}
	if r.bound != 0 {
		return true
	}
	deaths := s.host.deaths.Load()
	if r.round == nil && r.seen == deaths.count && (s.status.Fresh || s.led()) {
		return false
	}
	r.seen = deaths.count
	r.lost, r.waits = s.stranded()
	if !r.lost || len(r.waits) > 0 {
		s.giveUp(0)
		return false
	}
	if r.round == nil && s.now < r.hold {
		return false
	}
	s.ask()
	return r.round != nil
}

// led reports whether our copy has a leader that it hears, and that may live.
func (s *seat) led() bool {
	leader := s.status.Leader
	if s.copy == nil || s.status.Leads || leader == 0 || s.now >= s.election.heardAt+silence {
		return false
	}
	return !s.host.dead(s.now, leader, false)
}

// stranded reports whether no majority of the slot's voters can ever act again, and who would have to take part in a recovery and cannot be
// reached.
func (s *seat) stranded() (lost bool, waits []uint64) {
	if s.copy == nil || s.status.Empty {
		return s.bereft()
	}
	e := s.copy.Electorate()
	self := s.host.config.Self
	two := len(e.Voters) == 2 && len(e.Outgoing) == 0 && len(e.Coming) == 0 && slices.Contains(e.Voters, self)
	living := 0
	for _, voter := range e.Voters {
		if !s.host.dead(s.now, voter, two) && !s.fell(voter) {
			living++
		}
	}
	if 2*living > len(e.Voters) {
		return false, nil
	}
	who := e.All()
	if s.route.leader != 0 && s.route.generation == s.status.Generation && s.route.term >= s.status.Term {
		who = append(who, s.route.voters...) // a later leader's word of its copies
	}
	linked := s.host.view.Load().linked
	for _, voter := range who {
		if !s.host.dead(s.now, voter, two) && !linked[voter] && voter != self && !slices.Contains(waits, voter) {
			waits = append(waits, voter)
		}
	}
	return true, waits
}

// outOfReach reports whether no majority of our copy's voters is within reach of this node, and who is neither reached nor dead.
func (s *seat) outOfReach() (stuck bool, waits []uint64) {
	linked := s.host.view.Load().linked
	e := s.copy.Electorate()
	for _, voters := range [][]uint64{e.Voters, e.Outgoing} {
		reached := 0
		for _, voter := range voters {
			if voter == s.host.config.Self || linked[voter] {
				reached++
			} else if !s.host.dead(s.now, voter, false) && !slices.Contains(waits, voter) {
				waits = append(waits, voter)
			}
		}
		stuck = stuck || len(voters) > 0 && 2*reached <= len(voters)
	}
	if !stuck {
		return false, nil
	}
	return true, waits
}

// bereft is stranded for a node without a copy: a slot that nobody holds any more begins anew, empty, and clients are told. As long as
// a link reaches one of the voters that this node knows of, it is that one's to act: it has a copy, or knows of later voters. A learner
// that is reached is asked like everybody: it may have been given nothing yet.
func (s *seat) bereft() (lost bool, waits []uint64) {
	linked := s.host.view.Load().linked
	if s.route.leader == 0 {
		return false, nil // it never heard of one
	}
	for _, voter := range s.route.voters {
		if linked[voter] && !s.fell(voter) {
			return false, nil
		}
	}
	for _, list := range [][]uint64{s.route.voters, s.route.learners} {
		for _, holder := range list {
			if holder != s.host.config.Self && !linked[holder] && !s.host.dead(s.now, holder, false) {
				waits = append(waits, holder)
			}
		}
	}
	return true, waits
}

// claim is what our copy holds.
func (s *seat) claim() (c claim) {
	if s.copy != nil && !s.status.Empty {
		c.term, c.index = s.copy.Last()
	}
	return c
}

// generation is the latest that this node knows of.
func (s *seat) generation() uint32 { return max(s.status.Generation, s.route.generation) }

// ask has every node that a link reaches stop, and reopens the slot when all have.
func (s *seat) ask() {
	r := &s.recovery
	if r.round == nil {
		r.round = &round{number: s.host.requests.Add(1), claim: s.claim(), told: make(map[uint64]claim)}
	}
	if s.now >= r.round.askAt {
		r.round.askAt = s.now + askInterval
		f := askFrame{round: r.round.number, generation: s.generation(), claim: r.round.claim, dead: s.mourned()}
		for _, peer := range sortedKeys(s.host.view.Load().linked) {
			s.host.outside.Send(peer, Control, f.append(s.index))
		}
	}
	s.tryReopen()
}

// mourned is the dead that the recovery rests on, as far as there is proof.
func (s *seat) mourned() (list []uint64) {
	who := slices.Concat(s.route.voters, s.route.learners)
	if s.copy != nil {
		who = append(who, s.copy.Electorate().All()...)
	}
	slices.Sort(who)
	for _, instance := range slices.Compact(who) {
		if s.host.deaths.Load().buried[instance] {
			list = append(list, instance)
		}
	}
	return list
}

// giveUp ends a round of this node's without a result, and lets the others go on.
func (s *seat) giveUp(hold int64) {
	r := &s.recovery
	if r.round == nil {
		return
	}
	f := askFrame{round: r.round.number, generation: s.generation(), ends: true}
	for _, peer := range sortedKeys(s.host.view.Load().linked) {
		s.host.outside.Send(peer, Control, f.append(s.index))
	}
	r.round, r.hold = nil, s.now+hold
}

// heedTell takes in the answer to an ask.
func (s *seat) heedTell(from uint64, f tellFrame) {
	r := &s.recovery
	if r.round == nil || f.round != r.round.number {
		return
	}
	s.learn(f.route)
	switch {
	case r.round == nil: // what was learned ended it
	case f.stance != stanceStopped:
		s.giveUp(s.host.between(holdTime, 2*holdTime))
	default:
		r.round.told[from] = f.claim
		s.tryReopen()
	}
}

// tryReopen reopens the slot if nobody is left who could object.
func (s *seat) tryReopen() {
	r := &s.recovery
	for peer := range s.host.view.Load().linked {
		if _, told := r.round.told[peer]; !told {
			return
		}
	}
	r.lost, r.waits = s.stranded() // what was told may have changed it
	if !r.lost || len(r.waits) > 0 {
		s.giveUp(holdTime)
		return
	}
	if err := s.reopen(); err != nil {
		s.host.config.Logger.Error("slot not recovered", "slot", s.index, "err", err)
		s.giveUp(retryLongest)
	}
}

// reopen begins a later generation with what our copy holds.
func (s *seat) reopen() error {
	if s.unsettled {
		s.settle()
	}
	told := s.recovery.round.told
	self := s.host.config.Self
	if s.copy == nil || s.status.Empty {
		generation := nextGeneration(s.generation(), noVoter, self)
		s.retire()
		s.recovery.owed(generation, false)
		if err := s.create([]uint64{self}, generation, 0); err != nil {
			return err
		}
		s.settle()
		return s.stand()
	}
	everyone := s.copy.Electorate().All()
	participants, learners := []uint64{self}, []uint64(nil)
	for _, peer := range sortedKeys(told) {
		if told[peer].index > 0 {
			participants = append(participants, peer)
		}
		if slices.Contains(everyone, peer) {
			learners = append(learners, peer)
		}
	}
	whole := s.copy.Covers(participants) && !s.wentOn()
	generation := nextGeneration(s.generation(), slices.Index(everyone, self), self)
	if err := s.copy.Recover(generation, learners); err != nil {
		return err
	}
	s.host.config.Logger.Debug("slot recovered by force", "slot", s.index, "generation", generation, "whole", whole)
	s.host.forced.add(whole)
	s.recovery.owed(generation, whole)
	s.unsettled = true
	if whole {
		s.settle()
	} else {
		s.swallow()
	}
	return s.stand()
}

// wentOn reports whether the other one of two voters may have gone on alone.
func (s *seat) wentOn() bool {
	e := s.copy.Electorate()
	return len(e.Voters) == 2 && slices.ContainsFunc(e.Voters, func(voter uint64) bool {
		return voter != s.host.config.Self && s.host.wentOn(s.now, voter)
	})
}

// swallow applies the rest of a log that may hold other entries than those which the dead had acknowledged: under the epoch that is
// about to end, one position could be told for two messages. So it is told as a snapshot would be: nothing of it, but, when the epoch
// is broken, where the channels stand.
func (s *seat) swallow() {
	s.copy.Advance()
	s.status, s.recovery.swallowed = s.copy.Status(), true
	s.lost()
}

// brokeOff reports, once, that the epoch is broken after something was swallowed.
func (s *seat) brokeOff() bool {
	if !s.recovery.swallowed || s.copy.State().Generation() != s.status.Generation {
		return false
	}
	s.recovery.swallowed = false
	return true
}

// owed ends the round, and takes note of the break of the epoch that a recovered slot begins with.
func (r *recovery) owed(generation uint32, whole bool) {
	r.round, r.bound, r.lost, r.waits = nil, 0, false, nil
	r.breaks = channel.BreakEpoch{Generation: generation, Whole: whole}
}
