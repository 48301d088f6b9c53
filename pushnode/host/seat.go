package host

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"halley/pushnode/channel"
	"halley/pushnode/slot"
)

// seat is one slot as this node sees it: its copy, if it has one, the way to the leader, who waits for an outcome, and who follows its
// channels from where. Whoever locks mu ends with leave.
type seat struct {
	// immutable after init
	host  *Host
	index int

	wake atomic.Int64 // when tick has something to do; written under mu

	mu sync.Mutex
	// guarded by mu
	now       int64      // the latest that anybody told
	copy      *slot.Slot // nil: this node has none
	status    slot.Status
	lived     lived            // by copies that there were before
	fallen    map[uint64]lived // by other nodes' copies that fell, by instance; nil: by none
	unsettled bool             // copy was touched: its output is to be collected
	route     route
	requests  []*request // of this node, without an outcome; ascending by id
	asked     []asker    // proposals at our copy under way, in the order in which they come out
	election  election
	placed    *view // everything is where that view wants it
	learners  int   // that a slot led here brings level
	swept     int64 // when this node last looked after the slot that it leads
	inquest   inquest
	interest  interest
	followers followers
	hooks     hooks
	recovery  recovery
	estates   []*estate  // of earlier generations that ended without this node
	missed    bool       // fates of sessions may have been missed
	handed    handed     // whom this node gave the lead last
	parcels   []*parcel  // states on their way to other copies
	arriving  []*arrival // states on their way to ours, one of a peer
	finished  []finished // to be called back when mu is free
}

// finished is a callback that is due.
type finished struct {
	done  func(Reply)
	reply Reply
}

func (s *seat) init(h *Host, index int) {
	s.host, s.index = h, index
	s.interest.init()
	s.followers.init()
	s.hooks.init()
}

// found makes this node the slot's only voter.
func (s *seat) found() error {
	if err := s.create([]uint64{s.host.config.Self}, 0, 0); err != nil {
		return err
	}
	return s.stand()
}

// create gives this node a copy of the slot: with voters, a new slot; without, an empty one, in the life that its leader says, which fills
// it.
func (s *seat) create(voters []uint64, generation, life uint32) error {
	config := &s.host.config
	made, err := slot.New(slot.Config{
		ID: s.index, Self: config.Self, Life: life, Voters: voters, Cluster: config.Cluster, Generation: generation,
		MaySnapshot: s.host.mayShip, Logger: config.Logger,
	})
	if err != nil {
		return err
	}
	s.copy, s.status, s.election, s.unsettled = made, made.Status(), election{}, true
	s.recovery.round, s.recovery.bound = nil, 0
	return nil
}

// dropIfRemoved lets this node's copy go where the route says that its generation has ended, or that it is none of the slot's any more
// and nobody can need its vote: the leader has to have said so, for a copy cannot know it by itself. What the copy has applied beyond
// the route is news of a later time, at which it may be one of the slot's again; one that is empty has no say, whatever was sent to
// begin it.
func (s *seat) dropIfRemoved() {
	switch {
	case s.copy == nil:
	case s.status.Generation < s.route.generation:
		s.retire()
	case s.status.Generation > s.route.generation, s.route.holds(s.host.config.Self):
	case s.route.agreed && s.status.Term <= s.route.term && (s.status.Empty || s.status.Applied <= s.route.applied):
		s.discard()
	}
}

// enter locks the seat.
func (s *seat) enter(now int64) {
	s.mu.Lock()
	s.now = max(s.now, now)
}

// leave collects what the copy has to give, unlocks the seat and calls back.
func (s *seat) leave() {
	for s.unsettled {
		s.unsettled = false
		s.settle()
	}
	missed := s.missed
	s.missed = false
	first, due := s.takeFinished()
	if missed {
		s.host.outside.Missed(s.index)
	}
	s.mu.Unlock()
	if first.done != nil {
		first.done(first.reply)
	}
	for _, one := range due {
		one.done(one.reply)
	}
}

// takeFinished returns what is to be called back, if anything: the first, and those after it. Most often there is one at most, and its
// place stays for the next.
func (s *seat) takeFinished() (first finished, rest []finished) {
	switch len(s.finished) {
	case 0:
		return finished{}, nil
	case 1:
		first = s.finished[0]
		s.finished[0] = finished{}
		s.finished = s.finished[:0]
		return first, nil
	default:
		rest = s.finished
		s.finished = nil
		return finished{}, rest
	}
}

// settle takes the output of the copy where it belongs.
func (s *seat) settle() {
	if s.copy == nil {
		return
	}
	out := s.copy.Advance()
	if s.settleFault() {
		return
	}
	before := s.status
	s.status = s.copy.Status()
	for _, m := range out.Messages {
		s.send(m)
	}
	for _, outcome := range out.Outcomes {
		s.answer(outcome)
	}
	s.hand(out.Effects, s.brokeOff() || out.Restored)
	s.observe(before, out.Changed)
	s.handHooks()
}

// send gives a message of our copy to another's. A copy that no link reaches is told of by silence.
func (s *seat) send(m slot.Message) {
	if m.Snapshot() {
		s.pack(m)
		return
	}
	class := Data
	if m.Control() {
		class = Control
	}
	if !s.host.outside.Send(m.To(), class, m.Append(beginFrame(kindRaft, s.index, m.Size()))) {
		s.copy.Unreachable(m.To())
	}
}

// observe acts on a change of lead, term or copies.
func (s *seat) observe(before slot.Status, changed bool) {
	after := s.status
	if changed || before.Leads != after.Leads {
		s.placed = nil
		s.countLearners()
	}
	if before.Leads && (!after.Leads || before.Term != after.Term) {
		if !before.Transferring {
			s.host.noteLoss(s.now)
		}
		s.followers.forgetCounts()
		s.lost()
	}
	if after.Leader != before.Leader && after.Leader != 0 {
		s.election.heard(s.now, after.Contact)
	}
	if after.Leads && (!before.Leads || before.Term != after.Term) {
		s.election.beaten, s.election.sleptAt = s.now, 0
		_, _ = s.propose(channel.RestartGrace{}) // before anything else; a log that takes nothing now lets nothing expire either
		s.payBreak()
	}
	if after.Settled && (!before.Settled || before.Term != after.Term) {
		s.won()
	} else if after.Settled && (changed || after.Agreed != before.Agreed) {
		s.learn(s.ownRoute())
		s.announce()
	}
	if before.Leader != after.Leader || changed {
		s.chooseSource()
	}
}

// won is called when this node leads the slot and has all that was ever acknowledged.
func (s *seat) won() {
	s.beginInquest()
	s.beginHooks()
	s.swept = 0
	s.shun()
	s.learn(s.ownRoute())
	s.announce()
	s.redirect()
}

func (s *seat) ownRoute() route {
	copies := s.copy.Copies()
	return route{
		leader: s.host.config.Self, generation: s.status.Generation, term: s.status.Term, agreed: s.status.Agreed, applied: s.status.Applied,
		voters: slices.Clone(copies.Voters), learners: slices.Clone(copies.Learners),
	}
}

// receiveAt takes in a frame of a peer. The caller may survive a panic: the seat is left all the same, or it would stay locked for ever.
func (s *seat) receiveAt(now int64, from uint64, what kind, r *frameReader) error {
	s.enter(now)
	defer s.leave()
	return s.receive(from, what, r)
}

// receive takes in a frame of a peer.
func (s *seat) receive(from uint64, what kind, r *frameReader) error {
	switch what {
	case kindRaft:
		return s.step(from, r.Rest())
	case kindRequest:
		f := r.request()
		if r.Err() == nil {
			s.serve(from, f)
		}
	case kindReply:
		f := r.reply()
		if err := r.End(); err != nil {
			return err
		}
		return s.replied(from, f)
	case kindFollow, kindUnfollow:
		whole, channels := r.channels()
		if r.End() == nil {
			s.follow(from, what == kindFollow, whole, channels)
		}
	case kindHeads:
		heads := r.heads()
		if r.End() == nil {
			s.compare(from, heads)
		}
	case kindNoSource:
		found := r.route()
		if r.End() == nil {
			s.sourceGone(from, found)
		}
	case kindDeliver:
		effects, err := channel.DecodeEffects(r.Rest())
		if err != nil {
			return err
		}
		s.host.outside.Deliver(s.index, effects, false)
	case kindPart:
		return s.take(from, r.Byte(), r.Rest())
	case kindAsk:
		f := r.ask()
		if r.End() == nil {
			s.heedAsk(from, f)
		}
	case kindTell:
		f := r.tell()
		if r.End() == nil {
			s.heedTell(from, f)
		}
	case kindFallen:
		told := r.lived()
		if r.End() == nil {
			s.hearFallen(from, told)
		}
	case kindCongestion:
		id, queued := r.congestion()
		if r.End() == nil {
			s.hearCongestion(from, id, queued)
		}
	case kindOccupancy:
		whole, counts := r.occupancy()
		if r.End() == nil {
			s.count(from, whole, counts)
		}
	default:
		return fmt.Errorf("%w: unknown kind", ErrFrame)
	}
	return r.End()
}

// step gives our copy a message of another. A leader's first message makes the copy, also in the place of one that was removed.
func (s *seat) step(from uint64, bytes []byte) error {
	m, err := slot.DecodeMessage(s.index, bytes)
	if err != nil {
		return err
	}
	if m.From() != from {
		return fmt.Errorf("%w: a message of %x", ErrFrame, m.From())
	}
	if s.stopped(m.Generation()) {
		return nil
	}
	if m.Generation() < s.generation() {
		s.host.outside.Send(from, Control, appendRoutes([]slotRoute{{slot: s.index, route: s.route}}))
		return nil
	}
	if s.begins(m) {
		if m.Generation() > s.status.Generation {
			s.retire()
		}
		s.discard()
		if err := s.create(nil, m.Generation(), m.Life()); err != nil {
			return err
		}
	}
	if s.isFallen(m) {
		s.tellFallen(from)
	}
	if s.copy == nil || m.Generation() > s.status.Generation || m.Life() != s.status.Life {
		return nil // who has nothing has no say, and what is for another life of our copy is nothing to this one
	}
	s.unsettled = true
	if err := s.copy.Step(m); !errors.Is(err, slot.ErrStranger) {
		return err
	}
	return nil // of a copy that was removed, which is no news
}
