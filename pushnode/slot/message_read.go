package slot

import (
	"errors"
	"fmt"
	"math"

	"go.etcd.io/raft/v3/raftpb"

	"halley/pushnode/coding"
)

// ErrMessage is wrapped by every error of DecodeMessage.
var ErrMessage = errors.New("not a message between copies")

// DecodeMessage reads what Message.Append wrote; slot is for the error alone. Entries and states share the memory of data, which
// must not change from then on: a publication that came to a follower is in memory once, in the frame that brought it, and a frame
// lives as long as one of its publications is kept. It allocates no more than some 70 times the length of data. Its errors wrap
// ErrMessage.
func DecodeMessage(slot int, data []byte) (Message, error) {
	r := messageReader{coding.Read(data, ErrMessage)}
	if r.Byte() != messageVersion {
		r.Fail("version")
	}
	kind := r.Byte()
	m := Message{generation: r.Number32()}
	e := &envelope{from: r.Fixed(), to: r.Fixed(), term: r.Number()}
	m.raft = &e.message
	e.message.From, e.message.To, e.message.Term = &e.from, &e.to, &e.term
	if kind == codeCommitted {
		m.committed = r.fact()
	} else {
		r.body(kind, e)
	}
	if err := r.End(); err != nil {
		return Message{}, fmt.Errorf("slot %d: %w", slot, err)
	}
	return m, nil
}

// envelope is a message together with the numbers that it points to, so that it is one piece of memory.
type envelope struct {
	message  raftpb.Message
	from, to uint64
	term     uint64
	index    uint64
	logTerm  uint64
	number   uint64 // commit, or the hint of a refusal
	reject   bool
}

// parcel is the same for an entry.
type parcel struct {
	entry raftpb.Entry
	index uint64
	term  uint64
	kind  raftpb.EntryType
}

func (r *messageReader) body(kind byte, e *envelope) {
	m := &e.message
	switch kind {
	case codeAppend:
		m.Type = raftpb.MsgApp.Enum()
		r.entries(e)
	case codeAppended:
		m.Type = raftpb.MsgAppResp.Enum()
		r.appended(e)
	case codeHeartbeat:
		m.Type = raftpb.MsgHeartbeat.Enum()
		e.number = r.Number()
		m.Commit, m.Context = &e.number, r.Bytes()
	case codeHeartbeatAnswered:
		m.Type = raftpb.MsgHeartbeatResp.Enum()
		m.Context = r.Bytes()
	case codeVote:
		m.Type = raftpb.MsgVote.Enum()
		r.vote(e)
	case codePreVote:
		m.Type = raftpb.MsgPreVote.Enum()
		r.vote(e)
	case codeVoted:
		m.Type = raftpb.MsgVoteResp.Enum()
		e.reject = r.Bool()
		m.Reject = &e.reject
	case codePreVoted:
		m.Type = raftpb.MsgPreVoteResp.Enum()
		e.reject = r.Bool()
		m.Reject = &e.reject
	case codeSnapshot:
		m.Type = raftpb.MsgSnap.Enum()
		m.Snapshot = r.snapshot()
	case codeTimeoutNow:
		m.Type = raftpb.MsgTimeoutNow.Enum()
	default:
		r.Fail("kind")
	}
}

func (r *messageReader) entries(e *envelope) {
	e.index, e.logTerm, e.number = r.Number(), r.Number(), r.Number()
	e.message.Index, e.message.LogTerm, e.message.Commit = &e.index, &e.logTerm, &e.number
	count := r.Count(3) // each entry takes three bytes at least
	if e.index > math.MaxUint64-uint64(count) {
		r.Fail("index")
	}
	if count == 0 {
		return
	}
	parcels := make([]parcel, count)
	e.message.Entries = make([]*raftpb.Entry, count)
	for i := range parcels {
		p := &parcels[i]
		p.kind, p.index = r.entryKind(), e.index+1+uint64(i)
		p.term = r.Number()
		p.entry.Type, p.entry.Index, p.entry.Term = &p.kind, &p.index, &p.term
		p.entry.Data = r.Bytes()
		e.message.Entries[i] = &p.entry
	}
}

func (r *messageReader) entryKind() raftpb.EntryType {
	switch kind := raftpb.EntryType(r.Byte()); kind {
	case raftpb.EntryNormal, raftpb.EntryConfChangeV2:
		return kind
	default:
		r.Fail("kind of entry")
		return raftpb.EntryNormal
	}
}

func (r *messageReader) appended(e *envelope) {
	e.index = r.Number()
	e.message.Index = &e.index
	if e.reject = r.Bool(); e.reject {
		e.number, e.logTerm = r.Number(), r.Number()
		e.message.Reject, e.message.RejectHint, e.message.LogTerm = &e.reject, &e.number, &e.logTerm
	}
}

func (r *messageReader) vote(e *envelope) {
	e.index, e.logTerm = r.Number(), r.Number()
	e.message.Index, e.message.LogTerm, e.message.Context = &e.index, &e.logTerm, r.Bytes()
}

func (r *messageReader) snapshot() *raftpb.Snapshot {
	meta := &raftpb.SnapshotMetadata{Index: new(r.Number()), Term: new(r.Number())}
	meta.ConfState = &raftpb.ConfState{
		Voters: r.Fixeds(), Learners: r.Fixeds(), VotersOutgoing: r.Fixeds(), LearnersNext: r.Fixeds(),
		AutoLeave: new(r.Bool()),
	}
	return &raftpb.Snapshot{Metadata: meta, Data: r.Rest()}
}

// fact is a position; the one before all entries says nothing.
func (r *messageReader) fact() position {
	fact := position{index: r.Number(), term: r.Number()}
	if fact == (position{}) {
		r.Fail("position")
	}
	return fact
}

// messageReader reads what messages are made of.
type messageReader struct{ coding.Reader }
