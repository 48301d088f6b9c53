package slot

import (
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// ErrChanging means that an earlier change is not done yet, or that the leader has not settled. Nothing was proposed.
var ErrChanging = errors.New("the slot's copies are changing")

// Copies are the instances that hold a slot. Voters decide what is committed and who leads; learners are sent everything and
// decide nothing.
type Copies struct {
	Voters   []uint64 // in rising order when a slot returns them
	Learners []uint64 // likewise
}

// validate wants a majority to be possible, and each instance once.
func (c Copies) validate() error {
	if len(c.Voters) == 0 {
		return errors.New("no voters")
	}
	return valid(slices.Concat(c.Voters, c.Learners))
}

// Copies returns the copies in force; while a change is under way that takes several steps, those that it leads to. An empty
// copy knows of none.
func (s *Slot) Copies() Copies {
	copies := s.storage.copies()
	return Copies{Voters: instancesOf(copies.voters), Learners: instancesOf(copies.learners)}
}

// removed reports whether the copy was one of the slot's and is none any more.
func (s *Slot) removed() bool { return !s.storage.empty() && !s.voter() && !s.learner() }

// voter reports whether the copy decides. A voter that a change is to make a learner still does.
func (s *Slot) voter() bool {
	config := s.storage.config
	return slices.Contains(config.Voters, s.self) || slices.Contains(config.VotersOutgoing, s.self)
}

func (s *Slot) learner() bool { return slices.Contains(s.storage.config.Learners, s.self) }

// Changing reports whether a change of the copies is proposed and not applied, or is half done: until it is over, what is
// committed needs a majority of the old voters as well as of the new ones.
func (s *Slot) Changing() bool {
	return s.change.proposed || s.storage.changing > s.applied || s.storage.joint()
}

// Change proposes the step from the copies in force to others. Where several change at once, the old and the new voters decide
// together until a majority of both has agreed; the slot leaves that state by itself. It is done when Changing is false and
// Copies are those. A new voter must be a learner that has taken its snapshot, so that no majority rests on an empty copy.
// An instance that is in force goes on in its life; one that is added begins a new one, also where it was removed before: what it
// promised and held in the earlier one counts for nothing. So nobody is added before the removal is Agreed. A leader may remove itself,
// but one that hands over the lead first leaves no pause.
// Errors: ErrNotLeader, ErrChanging, ErrOverloaded, and others for copies that cannot be.
func (s *Slot) Change(to Copies) (err error) {
	defer s.contain(&err)
	if s.fault != nil {
		return s.fault
	}
	if !s.leads() {
		return ErrNotLeader
	}
	if s.Changing() || !s.settled() {
		return ErrChanging
	}
	step, err := s.stepTo(to)
	if err != nil {
		return fmt.Errorf("slot %d: change from %x to %x: %w", s.id, s.Copies(), to, err)
	}
	if len(step.Changes) == 0 {
		return nil
	}
	if !s.agreed() && slices.ContainsFunc(to.Learners, func(instance uint64) bool { return s.find(instance) == raft.None }) {
		return ErrChanging
	}
	if err := s.refusal(s.node.ProposeConfChange(step)); err != nil {
		return err
	}
	s.change.proposed = true
	return nil
}

// stepTo returns the difference between the copies in force and others, in the order of to.
func (s *Slot) stepTo(to Copies) (*raftpb.ConfChangeV2, error) {
	if err := to.validate(); err != nil {
		return nil, err
	}
	from, wanted := s.storage.copies(), s.members(to)
	step := &raftpb.ConfChangeV2{}
	add := func(kind raftpb.ConfChangeType, id copyID) {
		step.Changes = append(step.Changes, &raftpb.ConfChangeSingle{Type: kind.Enum(), NodeId: new(id)})
	}
	for _, id := range wanted.voters {
		if slices.Contains(from.voters, id) {
			continue
		}
		if !s.holdsState(id) {
			return nil, fmt.Errorf("instance %x is no learner that holds the state", instanceOf(id))
		}
		add(raftpb.ConfChangeAddNode, id)
	}
	for _, id := range wanted.learners {
		if !slices.Contains(from.learners, id) {
			add(raftpb.ConfChangeAddLearnerNode, id)
		}
	}
	for _, id := range slices.Concat(from.voters, from.learners) {
		if !wanted.has(id) {
			add(raftpb.ConfChangeRemoveNode, id)
		}
	}
	return step, nil
}

// members gives the copies their ids: those in force have one, the others begin a life. An entry that is proposed now comes after the
// last one, so that the life is later than any that was added before.
func (s *Slot) members(copies Copies) members {
	ids := func(instances []uint64) (list []copyID) {
		for _, instance := range instances {
			id := s.find(instance)
			if id == raft.None {
				id = idOf(instance, lifeAt(s.storage.last()+1))
			}
			list = append(list, id)
		}
		return list
	}
	return members{voters: ids(copies.Voters), learners: ids(copies.Learners)}
}

// holdsState reports whether a copy is a learner that has acknowledged a state.
func (s *Slot) holdsState(id copyID) bool {
	holds := func(p Progress) bool { return p.Instance == instanceOf(id) && p.Learner && p.Match > 0 }
	return slices.ContainsFunc(s.Progress(), holds)
}

// change is how far a change of the copies has come.
type change struct {
	proposed bool   // since the latest Advance
	carry    bool   // the leader has applied a configuration, and proposed no entry since
	carried  bool   // since the latest Advance it has
	known    uint64 // an entry that follows the configuration in force; 0: none is proposed yet
	void     uint64 // configuration entries up to this index are of a generation that has ended
}

// begin is called when the copy takes the lead: the empty entry of its term follows the configuration in force.
func (c *change) begin() { c.carry, c.carried, c.known = false, true, 0 }

func (c *change) settle(last uint64) {
	c.proposed = false
	if c.carried {
		c.carried, c.known = false, last
	}
}

// agreed reports whether nobody can lead any more who does not know the configuration in force. Whoever can lead has every
// committed entry; an entry that the leader appended after it had applied the configuration came to the others together with the
// news that the configuration is committed.
func (s *Slot) agreed() bool {
	return s.settled() && !s.Changing() && !s.change.carry && s.change.known > 0 && s.change.known <= s.applied
}

// carryOn proposes what follows a configuration: the way out of a half done change, where raft's own proposal was refused because
// of a transfer, and the entry that makes the result known.
func (s *Slot) carryOn() {
	if s.role.RaftState != raft.StateLeader || !s.change.carry || s.lead.transferee != raft.None {
		return
	}
	if s.storage.joint() {
		if s.storage.last() == s.applied && !s.node.HasReady() {
			_ = s.node.ProposeConfChange(&raftpb.ConfChangeV2{}) // refused, it is tried again at the next tick
		}
		return
	}
	if s.node.Propose(nil) == nil {
		s.change.carry, s.change.carried = false, true
	}
}

// applyChange puts the configuration of an entry in force. Until it has, the state stands for the entry before: raft may ask for
// a snapshot meanwhile, and one with the new index and the old configuration would lose the change for ever.
func (s *Slot) applyChange(entry *raftpb.Entry, out *Output) {
	if entry.GetIndex() <= s.change.void {
		return
	}
	var step raftpb.ConfChangeV2
	if entry.GetType() != raftpb.EntryConfChangeV2 || proto.Unmarshal(entry.GetData(), &step) != nil {
		s.broken("entry %d of term %d, of kind %v, is no change of the copies", entry.GetIndex(), entry.GetTerm(), entry.GetType())
	}
	s.storage.config = s.node.ApplyConfChange(&step)
	s.logLimit = s.config.bounds(s.storage.everyone())
	s.change.carry, s.change.known = true, 0
	out.Changed = true
}
