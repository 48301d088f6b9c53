package slot

import (
	"slices"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// Electorate is who may have a say in a copy's generation, as far as its log tells, in whichever life. In rising order.
type Electorate struct {
	Voters   []uint64 // in force
	Outgoing []uint64 // the old voters, where a change is half done: a majority of them is needed as well
	Coming   []uint64 // voters of changes that the log holds and that are not applied: they may be in force elsewhere
}

// All returns everyone, each once, in rising order.
func (e Electorate) All() []uint64 {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(e.Voters, e.Outgoing, e.Coming))))
}

// Electorate returns who may have a say. An empty copy knows of nobody.
func (s *Slot) Electorate() Electorate {
	e := Electorate{
		Voters:   slices.Sorted(slices.Values(instancesOf(s.storage.config.Voters))),
		Outgoing: slices.Sorted(slices.Values(instancesOf(s.storage.config.VotersOutgoing))),
	}
	if s.storage.changing > s.applied {
		e.Coming = s.coming()
	}
	return e
}

func (s *Slot) coming() (voters []uint64) {
	for _, entry := range s.storage.entries {
		var step raftpb.ConfChangeV2
		pending := entry.GetIndex() > max(s.applied, s.change.void)
		if !pending || entry.GetType() != raftpb.EntryConfChangeV2 || proto.Unmarshal(entry.GetData(), &step) != nil {
			continue
		}
		for _, one := range step.Changes {
			if one.GetType() == raftpb.ConfChangeAddNode {
				voters = append(voters, instanceOf(one.GetNodeId()))
			}
		}
	}
	slices.Sort(voters)
	return slices.Compact(voters)
}
