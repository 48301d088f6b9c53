package slot

import (
	"slices"

	"go.etcd.io/raft/v3/raftpb"

	"halley/pushnode/coding"
)

// messageVersion is the first byte of a message. A reader refuses every other.
const messageVersion = 1

// The kinds of message, as encoded. They are never reused.
const (
	codeAppend = iota + 1
	codeAppended
	codeHeartbeat
	codeHeartbeatAnswered
	codeVote
	codeVoted
	codePreVote
	codePreVoted
	codeSnapshot
	codeTimeoutNow
	codeCommitted
)

var codes = map[raftpb.MessageType]byte{
	raftpb.MsgApp: codeAppend, raftpb.MsgAppResp: codeAppended,
	raftpb.MsgHeartbeat: codeHeartbeat, raftpb.MsgHeartbeatResp: codeHeartbeatAnswered,
	raftpb.MsgVote: codeVote, raftpb.MsgVoteResp: codeVoted,
	raftpb.MsgPreVote: codePreVote, raftpb.MsgPreVoteResp: codePreVoted,
	raftpb.MsgSnap: codeSnapshot, raftpb.MsgTimeoutNow: codeTimeoutNow,
}

// Append appends the encoding of the message to dst. Its form, all numbers varints unless fixed:
//
//	version byte, kind byte, generation, from and to (8 bytes, little endian), term, then by kind
//	append     index and term of the entry before, committed, count, entries: kind byte, term, length, data
//	appended   index, and if refused 1 byte, hint index, hint term; else 0 byte
//	heartbeat  committed, length, context;   its answer: length, context
//	vote, pre-vote  index and term of the last entry, length, context;   answers: refused byte
//	snapshot   index, term, four lists of copies (count, 8 bytes each), leaves by itself byte, then the state up to the end
//	timeout    nothing: stand for election now
//	committed  index and term of an entry
func (m Message) Append(dst []byte) []byte {
	w := messageWriter{coding.Writer{Data: slices.Grow(dst, m.Size())}}
	in := m.raft
	w.Byte(messageVersion)
	w.Byte(m.kind())
	w.Number(uint64(m.generation))
	w.Fixed(in.GetFrom())
	w.Fixed(in.GetTo())
	w.Number(in.GetTerm())
	if m.committed != (position{}) {
		w.Number(m.committed.index)
		w.Number(m.committed.term)
		return w.Data
	}
	switch in.GetType() {
	case raftpb.MsgApp:
		w.entries(in)
	case raftpb.MsgAppResp:
		w.Number(in.GetIndex())
		w.Bool(in.GetReject())
		if in.GetReject() {
			w.Number(in.GetRejectHint())
			w.Number(in.GetLogTerm())
		}
	case raftpb.MsgHeartbeat:
		w.Number(in.GetCommit())
		w.Bytes(in.GetContext())
	case raftpb.MsgHeartbeatResp:
		w.Bytes(in.GetContext())
	case raftpb.MsgVote, raftpb.MsgPreVote:
		w.Number(in.GetIndex())
		w.Number(in.GetLogTerm())
		w.Bytes(in.GetContext())
	case raftpb.MsgVoteResp, raftpb.MsgPreVoteResp:
		w.Bool(in.GetReject())
	case raftpb.MsgSnap:
		w.snapshot(in.GetSnapshot())
	}
	return w.Data
}

func (m Message) kind() byte {
	if m.committed != (position{}) {
		return codeCommitted
	}
	return codes[m.raft.GetType()]
}

// Size is at least how many bytes Append appends, short of lists of copies beyond the usual.
func (m Message) Size() int {
	const header, perEntry = 96, 20
	size := header + len(m.raft.GetContext()) + len(m.raft.GetSnapshot().GetData())
	for _, entry := range m.raft.GetEntries() {
		size += perEntry + len(entry.GetData())
	}
	return size
}

// messageWriter appends what messages are made of.
type messageWriter struct{ coding.Writer }

// entries writes what an append carries. The indexes follow from the first.
func (w *messageWriter) entries(m *raftpb.Message) {
	w.Number(m.GetIndex())
	w.Number(m.GetLogTerm())
	w.Number(m.GetCommit())
	w.Number(uint64(len(m.GetEntries())))
	for _, entry := range m.GetEntries() {
		w.Byte(byte(entry.GetType()))
		w.Number(entry.GetTerm())
		w.Bytes(entry.GetData())
	}
}

func (w *messageWriter) snapshot(s *raftpb.Snapshot) {
	at := positionOf(s)
	w.Number(at.index)
	w.Number(at.term)
	config := s.GetMetadata().GetConfState()
	for _, list := range [][]uint64{config.GetVoters(), config.GetLearners(), config.GetVotersOutgoing(), config.GetLearnersNext()} {
		w.Fixeds(list)
	}
	w.Bool(config.GetAutoLeave())
	w.Data = append(w.Data, s.GetData()...)
}
