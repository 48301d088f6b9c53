package slot

import (
	"errors"
	"fmt"
	"math"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// raft believes its peers: what it holds impossible it panics at. A peer with a fault must not break a copy by that, so what raft
// asserts of a message is looked at before raft is.

// ErrImpossible means that a message says what no sound copy can say. It was not taken in.
var ErrImpossible = errors.New("no sound copy says that")

const (
	// termsAhead is how much a message's term may be ahead of ours at most: some lifetimes of elections, and far from where terms would
	// come round.
	termsAhead = 1 << 32
	// highestIndex is the highest index of an entry: far from where indexes would come round.
	highestIndex = math.MaxUint64 >> 1
)

// credible wants of a message what raft asserts.
func (s *Slot) credible(m Message) error {
	in := m.raft
	switch term := in.GetTerm(); {
	case m.From() == raft.None || m.From() > MaxInstance || m.From() == s.config.Self:
		return fmt.Errorf("%w: %x is no peer", ErrImpossible, in.GetFrom())
	case term == 0 || term > s.term+termsAhead:
		return fmt.Errorf("%w: term %d, ours is %d", ErrImpossible, term, s.term)
	}
	switch in.GetType() {
	case raftpb.MsgApp:
		return credibleEntries(in)
	case raftpb.MsgHeartbeat:
		return s.held("commits", in.GetCommit())
	case raftpb.MsgAppResp:
		if s.leads() && in.GetTerm() == s.term && !in.GetReject() {
			return s.held("acknowledges", in.GetIndex())
		}
	case raftpb.MsgSnap:
		return credibleSnapshot(in)
	}
	return nil
}

// held wants an entry that a peer counts on, because we have told that we hold it or have sent it ourselves, to be there.
func (s *Slot) held(what string, index uint64) error {
	if last := s.storage.last(); index > last {
		return fmt.Errorf("%w: it %s entry %d, our last is %d", ErrImpossible, what, index, last)
	}
	return nil
}

// credibleEntries wants terms that do not fall, and none after the leader's.
func credibleEntries(m *raftpb.Message) error {
	if m.GetIndex() > highestIndex {
		return fmt.Errorf("%w: entries after %d", ErrImpossible, m.GetIndex())
	}
	before := m.GetLogTerm()
	for _, entry := range m.GetEntries() {
		if entry.GetTerm() < max(before, 1) || entry.GetTerm() > m.GetTerm() {
			return fmt.Errorf("%w: entry %d of term %d follows term %d, sent in term %d",
				ErrImpossible, entry.GetIndex(), entry.GetTerm(), before, m.GetTerm())
		}
		before = entry.GetTerm()
	}
	if before > m.GetTerm() {
		return fmt.Errorf("%w: entries after one of term %d, sent in term %d", ErrImpossible, before, m.GetTerm())
	}
	return nil
}

func credibleSnapshot(m *raftpb.Message) error {
	at := positionOf(m.GetSnapshot())
	if at.index == 0 || at.index > highestIndex || at.term == 0 || at.term > m.GetTerm() {
		return fmt.Errorf("%w: a state of entry %d of term %d, sent in term %d", ErrImpossible, at.index, at.term, m.GetTerm())
	}
	return nil
}
