package slot

import (
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/raft/v3/confchange"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"

	"halley/pushnode/channel"
)

// arrived is the state that a snapshot message brought, decoded before raft is told of it: what is damaged on its way is
// refused at the door, and costs no copy its trust.
type arrived struct {
	at    position
	state *channel.State
}

// positionOf is the last entry that a snapshot stands for. raft never gives one position two contents.
func positionOf(snapshot *raftpb.Snapshot) position {
	return position{index: snapshot.GetMetadata().GetIndex(), term: snapshot.GetMetadata().GetTerm()}
}

// snapshot is the state with the index that it stands for; raft asks for it when a copy is too far behind.
func (s *Slot) snapshot() *raftpb.Snapshot {
	return &raftpb.Snapshot{
		Data: channel.AppendSnapshot(nil, s.state),
		Metadata: &raftpb.SnapshotMetadata{
			ConfState: s.storage.config,
			Index:     new(s.applied),
			Term:      new(s.appliedTerm),
		},
	}
}

// receive decodes the snapshot that a message carries, and looks at its configuration.
func (s *Slot) receive(m *raftpb.Message) error {
	if err := possible(m.GetSnapshot().GetMetadata().GetConfState()); err != nil {
		return fmt.Errorf("slot %d: snapshot from %x: %w", s.id, instanceOf(m.GetFrom()), err)
	}
	state, err := channel.RestoreSnapshot(m.GetSnapshot().GetData())
	if err != nil {
		return fmt.Errorf("slot %d: snapshot from %x: %w", s.id, instanceOf(m.GetFrom()), err)
	}
	s.arrived = append(s.arrived, arrived{at: positionOf(m.GetSnapshot()), state: state})
	return nil
}

// possible refuses a configuration that raft could not put in force.
func possible(config *raftpb.ConfState) error {
	if len(config.GetVoters()) == 0 {
		return errors.New("no voters")
	}
	restored, _, err := confchange.Restore(confchange.Changer{Tracker: tracker.MakeProgressTracker(1, 0)}, config)
	if err != nil {
		return err
	}
	restoredState := (&tracker.ProgressTracker{Config: restored}).ConfState()
	return config.Equivalent(restoredState)
}

// restore replaces the state by the snapshot that raft accepted.
func (s *Slot) restore(snapshot *raftpb.Snapshot, out *Output) {
	at := positionOf(snapshot)
	if at.index == 0 {
		return
	}
	i := slices.IndexFunc(s.arrived, func(a arrived) bool { return a.at == at })
	if i < 0 || at.index <= s.applied {
		s.broken("snapshot of entry %d, term %d, was accepted at %d and never arrived", at.index, at.term, s.applied)
	}
	s.storage.reset(snapshot)
	s.logLimit = s.config.bounds(s.storage.everyone())
	s.state = s.arrived[i].state
	s.applied, s.appliedTerm = at.index, at.term
	out.Effects, out.Restored, out.Changed = nil, true, true
}
