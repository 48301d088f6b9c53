// Package slot is one replicated log and the state that it drives: etcd's raft as a pure library on a log in memory, one voter or
// several, the same code. Commands are proposed at the leader; what a majority of the voters holds is applied, in order, to a
// channel.State, and its results and effects come out.
//
// It does no I/O, reads no clock and starts no goroutine: the host calls Tick every 100 ms, hands messages to Step, sends those
// that Advance returns, and calls Advance after each of these. It knows no other slot, no placement and no client. A Slot is
// not safe for concurrent use.
//
// Start reading at Slot.Propose and Slot.Advance; storage.go is the log, message.go what travels between copies. Nothing of
// raft's own types leaves the package. DESIGN.md says why.
package slot

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"halley/pushnode/channel"
)

// Bounds of a slot's log. Ticks are 100 ms.
const (
	electionTicks    = 10 // silence after which a follower stands for election
	heartbeatTicks   = 1
	uncommittedBytes = 4 << 20 // above it Propose answers ErrOverloaded: the copies do not keep up
	inflightBytes    = 8 << 20 // on the way to one peer
	inflightMessages = 256
	messageBytes     = 1 << 20
)

// What Propose answers.
var (
	// ErrNotLeader means that the commands must go to another copy, or wait for one to lead. They were not proposed.
	ErrNotLeader = errors.New("not the leader of the slot")
	// ErrOverloaded means that too much is proposed and not committed yet, or that the lead is being handed over. The commands
	// were not proposed.
	ErrOverloaded = errors.New("the slot's copies do not keep up")
)

// Config says what a slot is. All voters must be given the same ID, Voters and Cluster.
type Config struct {
	ID      int      // of the slot
	Self    uint64   // instance id of this process: random at each start, never 0, one of Voters
	Voters  []uint64 // instance ids of the copies
	Cluster uint64   // id of the cluster, part of every epoch
	Logger  *slog.Logger

	LogBytes   int // of applied entries kept for copies that lag; 0: DefaultLogBytes
	LogEntries int // 0: DefaultLogEntries
}

// Defaults of Config. A slot with one voter keeps no applied entry, whatever the bounds.
const (
	DefaultLogBytes   = 8 << 20
	DefaultLogEntries = 8192
)

func (c *Config) validate() error {
	if !slices.Contains(c.Voters, c.Self) {
		return fmt.Errorf("slot %d: instance %x is none of its voters %x", c.ID, c.Self, c.Voters)
	}
	seen := make(map[uint64]bool)
	for _, voter := range c.Voters {
		if voter == 0 || raft.IsLocalMsgTarget(voter) || seen[voter] {
			return fmt.Errorf("slot %d: voter %x is reserved or named twice", c.ID, voter)
		}
		seen[voter] = true
	}
	return nil
}

// Slot is one copy of a slot.
type Slot struct {
	// immutable after New
	id       int
	self     uint64
	logLimit bounds

	node    *raft.RawNode
	storage *storage
	state   *channel.State
	applied uint64    // index of the entry applied last
	ticket  uint64    // given last
	arrived []arrived // since the latest Advance

	role        raft.SoftState
	term        uint64
	appliedTerm uint64
}

// New returns a copy of a slot with an empty log. It leads nothing until it, or its peers, have been told to Campaign or a
// second of ticks has passed.
func New(config Config) (*Slot, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	s := &Slot{
		id:       config.ID,
		self:     config.Self,
		logLimit: config.bounds(),
		state:    channel.NewState(config.Cluster),
	}
	s.storage = newStorage(config.Voters, s.snapshot)
	node, err := raft.NewRawNode(&raft.Config{
		ID:                        config.Self,
		ElectionTick:              electionTicks,
		HeartbeatTick:             heartbeatTicks,
		Storage:                   s.storage,
		MaxSizePerMsg:             messageBytes,
		MaxUncommittedEntriesSize: uncommittedBytes,
		MaxInflightMsgs:           inflightMessages,
		MaxInflightBytes:          inflightBytes,
		CheckQuorum:               true,
		PreVote:                   true,
		DisableProposalForwarding: true,
		Logger:                    newLogger(config.Logger, config.ID),
	})
	if err != nil {
		return nil, fmt.Errorf("slot %d: start raft: %w", config.ID, err)
	}
	s.node = node
	return s, nil
}

// Tick tells the slot that 100 ms have passed.
func (s *Slot) Tick() { s.node.Tick() }

// Campaign stands for election. With one voter, the slot leads after the next Advance.
func (s *Slot) Campaign() error {
	if err := s.node.Campaign(); err != nil {
		return fmt.Errorf("slot %d: campaign: %w", s.id, err)
	}
	return nil
}

// SuspectLeader takes it that the leader is gone: from now on this copy grants its vote to others. Only votes decide.
func (s *Slot) SuspectLeader() error {
	if err := s.node.ForgetLeader(); err != nil {
		return fmt.Errorf("slot %d: forget the leader: %w", s.id, err)
	}
	return nil
}

// Propose puts a batch of commands in line as one log entry, stamped with now (Unix milliseconds). What became of it comes out
// of an Advance as the Outcome with the same ticket; if the lead is lost first, it never comes, and whether the batch was
// committed is unknown. Tickets rise from 1 and mean nothing to other copies. Errors: ErrNotLeader, ErrOverloaded.
func (s *Slot) Propose(now int64, commands []channel.Command) (ticket uint64, err error) {
	entry := channel.AppendBatch(nil, channel.Batch{Proposer: s.self, Ticket: s.ticket + 1, Now: now, Commands: commands})
	switch err := s.node.Propose(entry); {
	case errors.Is(err, raft.ErrProposalDropped) && s.node.BasicStatus().RaftState == raft.StateLeader:
		return 0, ErrOverloaded
	case errors.Is(err, raft.ErrProposalDropped):
		return 0, ErrNotLeader
	case err != nil:
		return 0, fmt.Errorf("slot %d: propose: %w", s.id, err)
	}
	s.ticket++
	return s.ticket, nil
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
}

// Advance does what there is to do: keeps new entries, applies those that are committed. It must be called after Tick, Step,
// Propose, Campaign and SuspectLeader, or a number of these.
func (s *Slot) Advance() Output {
	var out Output
	for s.node.HasReady() {
		ready := s.node.Ready()
		s.observe(ready)
		s.restore(ready.Snapshot, &out)
		s.storage.append(ready.Entries)
		for _, m := range ready.Messages {
			out.Messages = append(out.Messages, Message{raft: m})
		}
		for _, entry := range ready.CommittedEntries {
			s.apply(entry, &out)
		}
		s.node.Advance(ready)
	}
	s.arrived = nil
	s.storage.compact(s.applied, s.state.Now(), s.logLimit)
	return out
}

// observe takes note of the role and term that raft is in. They are not stored: a process that starts is a new member.
func (s *Slot) observe(ready raft.Ready) {
	if ready.SoftState != nil {
		s.role = *ready.SoftState
	}
	if ready.HardState != nil {
		s.term = ready.HardState.GetTerm()
	}
}

// apply applies one committed entry. An empty one is what a new leader begins its term with.
func (s *Slot) apply(entry *raftpb.Entry, out *Output) {
	if entry.GetIndex() != s.applied+1 || entry.GetType() != raftpb.EntryNormal {
		s.broken("entry %d of kind %v in term %d follows %d", entry.GetIndex(), entry.GetType(), entry.GetTerm(), s.applied)
	}
	s.applied, s.appliedTerm = entry.GetIndex(), entry.GetTerm()
	if len(entry.GetData()) == 0 {
		return
	}
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

// broken ends the process's trust in this copy: going on could give two messages one offset.
func (s *Slot) broken(format string, args ...any) {
	panic(fmt.Sprintf("slot %d, instance %x: ", s.id, s.self) + fmt.Sprintf(format, args...))
}

// State is what the applied entries made. It belongs to the slot: read it only between calls of the slot's methods.
func (s *Slot) State() *channel.State { return s.state }
