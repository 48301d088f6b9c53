package slot

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"go.etcd.io/raft/v3"
)

// Bounds of a slot's log. Ticks are 500 ms, and only a leader's count.
const (
	electionTicks    = 2 // a leader looks so often whether a quorum answers: without one it steps down after 1.0 to 2.0 s
	heartbeatTicks   = 1
	uncommittedBytes = 4 << 20 // above it Propose answers ErrOverloaded: the copies do not keep up
	inflightBytes    = 8 << 20 // on the way to one peer
	inflightMessages = 256
	messageBytes     = 1 << 20
)

// Config says what a copy of a slot begins as.
type Config struct {
	ID   int    // of the slot
	Self uint64 // instance id of this process: random at each start, from 1 to MaxInstance
	// Life is 0 in a copy that founds the slot. An empty copy has the one that Message.Life of its leader's first message says: later
	// (see Later) than any that the instance had in this generation of the slot.
	Life uint32
	// Voters found the slot: they are its copies, with an empty state, and all of them must be given the same ID, Voters,
	// Cluster and Generation. None: an empty copy of a slot that others hold. It has no say until a leader sent it a snapshot.
	Voters     []uint64
	Generation uint32 // how many forced recoveries the slot has been through
	Cluster    uint64 // id of the cluster, part of every epoch
	Logger     *slog.Logger

	// MaySnapshot says whether there is room for another whole state to be encoded for a copy that is too far behind; nil: always. A copy
	// that finds none waits for its next heartbeat.
	MaySnapshot func() bool

	LogBytes   int // of applied entries kept for copies that lag; 0: DefaultLogBytes
	LogEntries int // 0: DefaultLogEntries
}

// Defaults of Config. A slot with one voter and no learner keeps no applied entry, whatever the bounds.
const (
	DefaultLogBytes   = 8 << 20
	DefaultLogEntries = 8192
)

// founded is the position that the log of a founded slot begins behind. An empty copy has nothing at it, and so can only
// begin with a snapshot, which carries the configuration.
var founded = position{index: 1, term: 1}

func (c *Config) validate() error {
	err := errors.Join(valid([]uint64{c.Self}), valid(c.Voters))
	switch {
	case err != nil:
	case c.Life > lives || (c.Life == 0) != (len(c.Voters) > 0):
		err = fmt.Errorf("life %d of a copy with %d founders cannot be", c.Life, len(c.Voters))
	case len(c.Voters) > 0 && !slices.Contains(c.Voters, c.Self):
		err = fmt.Errorf("instance %x is none of its voters %x", c.Self, c.Voters)
	}
	if err != nil {
		return fmt.Errorf("slot %d: %w", c.ID, err)
	}
	return nil
}

// bounds is how much of the applied log the copies want kept.
func (c *Config) bounds(copies members) bounds {
	if len(copies.voters)+len(copies.learners) <= 1 {
		return bounds{}
	}
	b := bounds{bytes: c.LogBytes, entries: c.LogEntries, age: logAge}
	if b.bytes == 0 {
		b.bytes = DefaultLogBytes
	}
	if b.entries == 0 {
		b.entries = DefaultLogEntries
	}
	return b
}

// raft is the configuration of the engine, on a log that is applied up to an index.
func (c *Config) raft(storage *storage, applied uint64) *raft.Config {
	return &raft.Config{
		ID:                        idOf(c.Self, c.Life),
		ElectionTick:              electionTicks,
		HeartbeatTick:             heartbeatTicks,
		Storage:                   storage,
		Applied:                   applied,
		MaxSizePerMsg:             messageBytes,
		MaxUncommittedEntriesSize: uncommittedBytes,
		MaxInflightMsgs:           inflightMessages,
		MaxInflightBytes:          inflightBytes,
		CheckQuorum:               true,
		PreVote:                   true,
		DisableProposalForwarding: true,
		StepDownOnRemoval:         true,
		Logger:                    newLogger(c.Logger, c.ID),
	}
}
