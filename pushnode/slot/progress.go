package slot

import (
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/tracker"
)

// Progress is how far a copy has come, as far as the leader knows.
type Progress struct {
	Instance  uint64
	Learner   bool
	Match     uint64 // it holds the log up to this entry; 0: it has not answered this leader yet, or holds nothing
	Level     bool   // it holds everything committed
	Suspended bool   // it is too far behind for the log: it gets, or waits for, a snapshot
	Entries   uint64 // that it does not hold yet
	Bytes     int    // of these entries, as far as they are kept
}

// Progress returns how far every copy has come, itself among them, in the order of their ids; nothing on a copy that does not
// lead. It looks at the entries that copies miss: for joins, drains and operators, not for every message.
func (s *Slot) Progress() []Progress {
	if !s.leads() {
		return nil
	}
	var all []Progress
	s.node.WithProgress(func(id copyID, kind raft.ProgressType, p tracker.Progress) {
		last := max(s.storage.last(), p.Match)
		all = append(all, Progress{
			Instance: instanceOf(id), Learner: kind == raft.ProgressTypeLearner,
			Match: p.Match, Level: p.Match >= s.applied,
			Suspended: p.State == tracker.StateSnapshot || p.State == tracker.StateProbe && p.Next <= s.storage.before.index,
			Entries:   last - p.Match, Bytes: s.storage.bytesAfter(p.Match),
		})
	})
	return all
}
