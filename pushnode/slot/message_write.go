package slot

import (
	"encoding/binary"
	"slices"

	"go.etcd.io/raft/v3/raftpb"
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
	w := messageWriter{data: slices.Grow(dst, m.sizeHint())}
	in := m.raft
	w.byte(messageVersion)
	w.byte(m.kind())
	w.number(uint64(m.generation))
	w.fixed(in.GetFrom())
	w.fixed(in.GetTo())
	w.number(in.GetTerm())
	if m.committed != (position{}) {
		w.number(m.committed.index)
		w.number(m.committed.term)
		return w.data
	}
	switch in.GetType() {
	case raftpb.MsgApp:
		w.entries(in)
	case raftpb.MsgAppResp:
		w.number(in.GetIndex())
		w.bool(in.GetReject())
		if in.GetReject() {
			w.number(in.GetRejectHint())
			w.number(in.GetLogTerm())
		}
	case raftpb.MsgHeartbeat:
		w.number(in.GetCommit())
		w.bytes(in.GetContext())
	case raftpb.MsgHeartbeatResp:
		w.bytes(in.GetContext())
	case raftpb.MsgVote, raftpb.MsgPreVote:
		w.number(in.GetIndex())
		w.number(in.GetLogTerm())
		w.bytes(in.GetContext())
	case raftpb.MsgVoteResp, raftpb.MsgPreVoteResp:
		w.bool(in.GetReject())
	case raftpb.MsgSnap:
		w.snapshot(in.GetSnapshot())
	}
	return w.data
}

func (m Message) kind() byte {
	if m.committed != (position{}) {
		return codeCommitted
	}
	return codes[m.raft.GetType()]
}

// sizeHint is at least how long the encoding gets, short of lists of copies beyond the usual.
func (m Message) sizeHint() int {
	const header, perEntry = 96, 20
	size := header + len(m.raft.GetContext()) + len(m.raft.GetSnapshot().GetData())
	for _, entry := range m.raft.GetEntries() {
		size += perEntry + len(entry.GetData())
	}
	return size
}

// messageWriter appends values.
type messageWriter struct{ data []byte }

func (w *messageWriter) byte(b byte)     { w.data = append(w.data, b) }
func (w *messageWriter) number(n uint64) { w.data = binary.AppendUvarint(w.data, n) }
func (w *messageWriter) fixed(n uint64)  { w.data = binary.LittleEndian.AppendUint64(w.data, n) }
func (w *messageWriter) bytes(b []byte)  { w.number(uint64(len(b))); w.data = append(w.data, b...) }

func (w *messageWriter) bool(b bool) {
	if b {
		w.byte(1)
		return
	}
	w.byte(0)
}

// entries writes what an append carries. The indexes follow from the first.
func (w *messageWriter) entries(m *raftpb.Message) {
	w.number(m.GetIndex())
	w.number(m.GetLogTerm())
	w.number(m.GetCommit())
	w.number(uint64(len(m.GetEntries())))
	for _, entry := range m.GetEntries() {
		w.byte(byte(entry.GetType()))
		w.number(entry.GetTerm())
		w.bytes(entry.GetData())
	}
}

func (w *messageWriter) snapshot(s *raftpb.Snapshot) {
	at := positionOf(s)
	w.number(at.index)
	w.number(at.term)
	config := s.GetMetadata().GetConfState()
	for _, list := range [][]uint64{config.GetVoters(), config.GetLearners(), config.GetVotersOutgoing(), config.GetLearnersNext()} {
		w.number(uint64(len(list)))
		for _, instance := range list {
			w.fixed(instance)
		}
	}
	w.bool(config.GetAutoLeave())
	w.data = append(w.data, s.GetData()...)
}
