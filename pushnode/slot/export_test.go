package slot

import (
	"bytes"
	"slices"

	"go.etcd.io/raft/v3/raftpb"
)

// Same reports whether two messages say the same to raft, which does not tell a field that is not set from a zero.
func Same(a, b Message) bool {
	if a.generation != b.generation || a.committed != b.committed || !slices.Equal(numbersOf(a.raft), numbersOf(b.raft)) {
		return false
	}
	sa, sb := a.raft.GetSnapshot(), b.raft.GetSnapshot()
	return bytes.Equal(a.raft.GetContext(), b.raft.GetContext()) &&
		slices.EqualFunc(a.raft.GetEntries(), b.raft.GetEntries(), sameEntry) &&
		(sa == nil) == (sb == nil) && bytes.Equal(sa.GetData(), sb.GetData()) && positionOf(sa) == positionOf(sb) &&
		(sa == nil || sa.GetMetadata().GetConfState().Equivalent(sb.GetMetadata().GetConfState()) == nil)
}

func numbersOf(m *raftpb.Message) []uint64 {
	numbers := []uint64{
		uint64(m.GetType()), m.GetFrom(), m.GetTo(), m.GetTerm(), m.GetIndex(), m.GetLogTerm(), m.GetCommit(), m.GetRejectHint(),
		m.GetVote(), uint64(len(m.GetResponses())),
	}
	if m.GetReject() {
		numbers = append(numbers, 1)
	}
	return numbers
}

func sameEntry(a, b *raftpb.Entry) bool {
	return a.GetType() == b.GetType() && a.GetIndex() == b.GetIndex() && a.GetTerm() == b.GetTerm() &&
		bytes.Equal(a.GetData(), b.GetData())
}
