// Package slot is one replicated log and the state that it drives: etcd's raft as a pure library on a log in memory, one voter or
// several, the same code. Commands are proposed at the leader; what a majority of the voters holds is applied, in order, to a
// channel.State, and its results and effects come out. Its copies change by the same log, and a slot that has lost its majority
// can be recovered by force.
//
// It does no I/O, reads no clock, takes no chances and starts no goroutine: the host calls Tick every 500 ms, hands messages to
// Step, sends those that Advance returns, and calls Advance after each of these. When a leader is silent is the host's to judge:
// it calls SuspectLeader and Campaign. The package knows no other slot, no placement and no client. A Slot is not safe for
// concurrent use.
//
// Start reading at Slot.Propose and Slot.Advance; storage.go is the log, message.go what travels between copies, copies.go how
// they change, generation.go what is left to do when a majority is lost. Nothing of raft's own types leaves the package.
// DESIGN.md says why.
package slot

import (
	"errors"
	"fmt"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"halley/pushnode/channel"
)

// What Propose and Change answer.
var (
	// ErrNotLeader means that the commands must go to another copy, or wait for one to lead. They were not proposed.
	ErrNotLeader = errors.New("not the leader of the slot")
	// ErrOverloaded means that too much is proposed and not committed yet, or that the lead is being handed over. The commands
	// were not proposed.
	ErrOverloaded = errors.New("the slot's copies do not keep up")
)

// Slot is one copy of a slot.
type Slot struct {
	// immutable after New
	id     int
	self   copyID
	config Config

	generation uint32
	node       *raft.RawNode
	storage    *storage
	logLimit   bounds
	state      *channel.State
	applied    uint64 // index of the entry applied last
	ticket     uint64 // given last
	proposal   proposal
	arrived    []arrived // since the latest Advance
	fault      error     // the copy is broken; nothing is done any more

	role        raft.SoftState
	term        uint64
	appliedTerm uint64

	lead    lead
	change  change
	contact contact
}

// New returns a copy of a slot with an empty log. It leads nothing until it, or one of its peers, has been told to Campaign. An
// empty copy cannot lead: it answers a leader until that has sent it a snapshot.
func New(config Config) (*Slot, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	s := &Slot{id: config.ID, self: idOf(config.Self, config.Life), config: config, generation: config.Generation}
	s.state = channel.NewState(config.Cluster)
	begin := position{}
	if len(config.Voters) > 0 {
		begin = founded
	}
	s.applied, s.appliedTerm, s.term = begin.index, begin.term, begin.term
	founders := members{}
	for _, voter := range config.Voters {
		founders.voters = append(founders.voters, idOf(voter, 0))
	}
	s.storage = newStorage(founders, begin, s.snapshot)
	s.storage.maySnapshot = config.MaySnapshot
	if err := s.start(); err != nil {
		return nil, err
	}
	return s, nil
}

// start begins raft anew on the log as it is.
func (s *Slot) start() error {
	node, err := raft.NewRawNode(s.config.raft(s.storage, s.applied))
	if err != nil {
		return fmt.Errorf("slot %d: start raft: %w", s.id, err)
	}
	s.node, s.role = node, raft.SoftState{}
	s.logLimit = s.config.bounds(s.storage.everyone())
	return nil
}

// Tick tells the slot that 500 ms have passed. On a copy that does not lead it does nothing: whether a leader is silent is for the
// host to judge, by the evidence of its links.
func (s *Slot) Tick() {
	defer s.contain(nil)
	if s.fault != nil || s.role.RaftState != raft.StateLeader || !s.leads() {
		return
	}
	s.lead.ticks++
	s.node.Tick()
	s.carryOn()
}

// leads reports whether the copy is the leader at this moment, also where Step has taken the lead since the latest Advance.
func (s *Slot) leads() bool { return s.node.BasicStatus().RaftState == raft.StateLeader }

// Campaign stands for election, again if the votes for an earlier attempt were lost. One that has missed a term is refused, learns
// the term by that, and is elected at its next attempt; so is one that has missed how the copies changed. With one voter, the slot
// leads after the next Advance. On a copy without a say, empty, a learner or removed, and where a committed change of the copies
// waits for Advance, it does nothing.
func (s *Slot) Campaign() (err error) {
	defer s.contain(&err)
	if s.fault != nil {
		return s.fault
	}
	if err := s.node.Campaign(); err != nil {
		return fmt.Errorf("slot %d: campaign: %w", s.id, err)
	}
	return nil
}

// SuspectLeader takes it that the leader is gone: from now on this copy grants its vote to others. Only votes decide. A later
// message of the leader undoes it.
func (s *Slot) SuspectLeader() (err error) {
	defer s.contain(&err)
	if s.fault != nil {
		return s.fault
	}
	if err := s.node.ForgetLeader(); err != nil {
		return fmt.Errorf("slot %d: forget the leader: %w", s.id, err)
	}
	return nil
}

// Propose puts a batch of commands in line as one log entry, stamped with now (Unix milliseconds). What became of it comes out
// of an Advance as the Outcome with the same ticket; if the lead is lost first, it never comes, and whether the batch was
// committed is unknown. Tickets rise from 1 and mean nothing to other copies. Errors: ErrNotLeader, ErrOverloaded.
func (s *Slot) Propose(now int64, commands []channel.Command) (ticket uint64, err error) {
	defer s.contain(&err)
	if s.fault != nil {
		return 0, s.fault
	}
	batch := channel.Batch{Proposer: s.self, Ticket: s.ticket + 1, Now: now, Commands: commands}
	if err := s.refusal(s.proposal.step(s.node, batch)); err != nil {
		return 0, err
	}
	s.ticket++
	return s.ticket, nil
}

// refusal translates what raft says to a proposal.
func (s *Slot) refusal(err error) error {
	switch {
	case errors.Is(err, raft.ErrProposalDropped) && s.leads():
		return ErrOverloaded
	case errors.Is(err, raft.ErrProposalDropped):
		return ErrNotLeader
	case err != nil:
		return fmt.Errorf("slot %d: propose: %w", s.id, err)
	}
	return nil
}

// Outcome is what came of a batch that this copy proposed: one result for each command.
type Outcome struct {
	Ticket  uint64
	Results []channel.Result
}

// Output is what Advance hands out. All is in the order of the log.
type Output struct {
	Messages []Message // to be sent, in order for each receiver; one that cannot be sent may be dropped
	Outcomes []Outcome
	Effects  []channel.Effect // of all entries, whoever proposed them
	Restored bool             // the state was replaced by a snapshot: what came before Effects is not known in detail
	Changed  bool             // the copies in force are others than before
}

// Advance does what there is to do: keeps new entries, applies those that are committed. It must be called after Tick, Step,
// Propose, Change, Transfer, Recover, Campaign and SuspectLeader, or a number of these. What a copy gives that has a Fault then is to
// be thrown away.
func (s *Slot) Advance() (out Output) {
	defer s.contain(nil)
	if s.fault != nil {
		return out
	}
	s.lead.rest = rest{}
	for s.node.HasReady() {
		ready := s.node.Ready()
		s.observe(ready)
		s.restore(ready.Snapshot, &out)
		s.storage.append(ready.Entries)
		for _, m := range ready.Messages {
			out.Messages = append(out.Messages, s.outgoing(m))
		}
		for _, entry := range ready.CommittedEntries {
			s.apply(entry, &out)
		}
		s.node.Advance(ready)
		s.carryOn()
	}
	s.arrived = nil
	s.tellRefused(&out)
	s.settle()
	s.storage.compact(s.applied, s.state.Now(), s.logLimit)
	return out
}

// observe takes note of the role and term that raft is in. They are not stored: a process that starts is a new member.
func (s *Slot) observe(ready raft.Ready) {
	if ready.HardState != nil {
		s.term = ready.HardState.GetTerm()
	}
	if ready.SoftState != nil {
		if ready.SoftState.RaftState == raft.StateLeader && s.role.RaftState != raft.StateLeader {
			s.lead.begin()
			s.change.begin()
		}
		s.role = *ready.SoftState
	}
}

// settle takes note of what a whole Advance has come to.
func (s *Slot) settle() {
	s.contact.settle(s.term, s.role.RaftState == raft.StateLeader)
	s.change.settle(s.storage.last())
	if s.lead.transferee != raft.None {
		s.lead.transferee = s.node.BasicStatus().LeadTransferee
	}
}

// apply applies one committed entry. An empty one is what a new leader begins its term with.
func (s *Slot) apply(entry *raftpb.Entry, out *Output) {
	if entry.GetIndex() != s.applied+1 {
		s.broken("entry %d of term %d follows %d", entry.GetIndex(), entry.GetTerm(), s.applied)
	}
	if entry.GetType() != raftpb.EntryNormal {
		s.applyChange(entry, out)
	}
	s.applied, s.appliedTerm = entry.GetIndex(), entry.GetTerm()
	if entry.GetType() == raftpb.EntryNormal && len(entry.GetData()) > 0 {
		s.applyBatch(entry, out)
	}
}

func (s *Slot) applyBatch(entry *raftpb.Entry, out *Output) {
	batch, err := channel.DecodeBatch(entry.GetData())
	if err != nil {
		s.broken("entry %d of term %d: %v", entry.GetIndex(), entry.GetTerm(), err)
	}
	results, effects := s.state.Apply(batch.Now, batch.Commands)
	if batch.Proposer == s.self {
		out.Outcomes = append(out.Outcomes, Outcome{Ticket: batch.Ticket, Results: results})
	}
	if out.Effects == nil {
		out.Effects = effects
	} else {
		out.Effects = append(out.Effects, effects...)
	}
}

// broken ends the trust in this copy: going on could give two messages one offset.
func (s *Slot) broken(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// State is what the applied entries made. It belongs to the slot: read it only between calls of the slot's methods.
func (s *Slot) State() *channel.State { return s.state }
