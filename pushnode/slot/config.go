package slot

import (
	"fmt"
	"log/slog"

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
	Self uint64 // instance id of this process: random at each start, never 0, and never in this slot before
	// Voters found the slot: they are its copies, with an empty state, and all of them must be given the same ID, Voters,
	// Cluster and Generation. None: an empty copy of a slot that others hold. It has no say until a leader sent it a snapshot.
	Voters     []uint64
	Generation uint32 // how many forced recoveries the slot has been through
	Cluster    uint64 // id of the cluster, part of every epoch
	Logger     *slog.Logger

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
	if reserved(c.Self) {
		return fmt.Errorf("slot %d: instance %x is reserved", c.ID, c.Self)
	}
	if len(c.Voters) == 0 {
		return nil
	}
	if err := distinct(c.Voters); err != nil {
		return fmt.Errorf("slot %d: %w", c.ID, err)
	}
	if !(Copies{Voters: c.Voters}).has(c.Self) {
		return fmt.Errorf("slot %d: instance %x is none of its voters %x", c.ID, c.Self, c.Voters)
	}
	return nil
}

// reserved reports whether raft gives the number a meaning of its own.
func reserved(instance uint64) bool { return instance == raft.None || raft.IsLocalMsgTarget(instance) }

// distinct wants instances that raft can name, each once.
func distinct(instances []uint64) error {
	seen := make(map[uint64]bool, len(instances))
	for _, instance := range instances {
		if reserved(instance) || seen[instance] {
			return fmt.Errorf("instance %x is reserved or named twice", instance)
		}
		seen[instance] = true
	}
	return nil
}

// bounds is how much of the applied log the copies want kept.
func (c *Config) bounds(copies Copies) bounds {
	if len(copies.Voters)+len(copies.Learners) <= 1 {
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
		ID:                        c.Self,
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
