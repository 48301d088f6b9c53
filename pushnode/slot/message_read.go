package slot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"go.etcd.io/raft/v3/raftpb"
)

// ErrMessage is wrapped by every error of DecodeMessage.
var ErrMessage = errors.New("not a message between copies")

// DecodeMessage reads what Message.Append wrote; slot is for the error alone. Entries and states share the memory of data, which
// must not change from then on: a publication that came to a follower is in memory once, in the frame that brought it, and a frame
// lives as long as one of its publications is kept. It allocates no more than some 70 times the length of data. Its errors wrap
// ErrMessage.
func DecodeMessage(slot int, data []byte) (Message, error) {
	r := messageReader{data: data, rest: data}
	if r.byte() != messageVersion {
		r.fail("version")
	}
	kind := r.byte()
	m := Message{generation: r.number32()}
	e := &envelope{from: r.fixed(), to: r.fixed(), term: r.number()}
	m.raft = &e.message
	e.message.From, e.message.To, e.message.Term = &e.from, &e.to, &e.term
	if kind == codeCommitted {
		m.committed = r.fact()
	} else {
		r.body(kind, e)
	}
	if err := r.end(); err != nil {
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
		e.number = r.number()
		m.Commit, m.Context = &e.number, r.bytes()
	case codeHeartbeatAnswered:
		m.Type = raftpb.MsgHeartbeatResp.Enum()
		m.Context = r.bytes()
	case codeVote:
		m.Type = raftpb.MsgVote.Enum()
		r.vote(e)
	case codePreVote:
		m.Type = raftpb.MsgPreVote.Enum()
		r.vote(e)
	case codeVoted:
		m.Type = raftpb.MsgVoteResp.Enum()
		e.reject = r.bool()
		m.Reject = &e.reject
	case codePreVoted:
		m.Type = raftpb.MsgPreVoteResp.Enum()
		e.reject = r.bool()
		m.Reject = &e.reject
	case codeSnapshot:
		m.Type = raftpb.MsgSnap.Enum()
		m.Snapshot = r.snapshot()
	case codeTimeoutNow:
		m.Type = raftpb.MsgTimeoutNow.Enum()
	default:
		r.fail("kind")
	}
}

func (r *messageReader) entries(e *envelope) {
	e.index, e.logTerm, e.number = r.number(), r.number(), r.number()
	e.message.Index, e.message.LogTerm, e.message.Commit = &e.index, &e.logTerm, &e.number
	count := r.count(3) // each entry takes three bytes at least
	if e.index > math.MaxUint64-uint64(count) {
		r.fail("index")
	}
	if count == 0 {
		return
	}
	parcels := make([]parcel, count)
	e.message.Entries = make([]*raftpb.Entry, count)
	for i := range parcels {
		p := &parcels[i]
		p.kind, p.index = r.entryKind(), e.index+1+uint64(i)
		p.term = r.number()
		p.entry.Type, p.entry.Index, p.entry.Term = &p.kind, &p.index, &p.term
		p.entry.Data = r.bytes()
		e.message.Entries[i] = &p.entry
	}
}

func (r *messageReader) entryKind() raftpb.EntryType {
	switch kind := raftpb.EntryType(r.byte()); kind {
	case raftpb.EntryNormal, raftpb.EntryConfChangeV2:
		return kind
	default:
		r.fail("kind of entry")
		return raftpb.EntryNormal
	}
}

func (r *messageReader) appended(e *envelope) {
	e.index = r.number()
	e.message.Index = &e.index
	if e.reject = r.bool(); e.reject {
		e.number, e.logTerm = r.number(), r.number()
		e.message.Reject, e.message.RejectHint, e.message.LogTerm = &e.reject, &e.number, &e.logTerm
	}
}

func (r *messageReader) vote(e *envelope) {
	e.index, e.logTerm = r.number(), r.number()
	e.message.Index, e.message.LogTerm, e.message.Context = &e.index, &e.logTerm, r.bytes()
}

func (r *messageReader) snapshot() *raftpb.Snapshot {
	meta := &raftpb.SnapshotMetadata{Index: new(r.number()), Term: new(r.number())}
	meta.ConfState = &raftpb.ConfState{
		Voters: r.instances(), Learners: r.instances(), VotersOutgoing: r.instances(), LearnersNext: r.instances(),
		AutoLeave: new(r.bool()),
	}
	return &raftpb.Snapshot{Metadata: meta, Data: r.take(len(r.rest))}
}

// fact is a position; the one before all entries says nothing.
func (r *messageReader) fact() position {
	fact := position{index: r.number(), term: r.number()}
	if fact == (position{}) {
		r.fail("position")
	}
	return fact
}

func (r *messageReader) instances() []uint64 {
	count := r.count(8)
	if count == 0 {
		return nil
	}
	list := make([]uint64, count)
	for i := range list {
		list[i] = r.fixed()
	}
	return list
}

// messageReader takes values off the front of rest. After the first mistake it returns zeros; end tells the mistake.
type messageReader struct {
	data []byte
	rest []byte
	err  error
}

func (r *messageReader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s near byte %d", ErrMessage, what, len(r.data)-len(r.rest))
	}
	r.rest = nil
}

// end returns the first mistake, which is also that something is left over.
func (r *messageReader) end() error {
	if len(r.rest) > 0 {
		r.fail("end")
	}
	return r.err
}

// take returns the next n bytes. They cannot be appended to; none are nil.
func (r *messageReader) take(n int) []byte {
	if n > len(r.rest) {
		r.fail("length")
		return nil
	}
	if n == 0 {
		return nil
	}
	taken := r.rest[:n:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *messageReader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *messageReader) bool() bool {
	b := r.byte()
	if b > 1 {
		r.fail("bool")
	}
	return b == 1
}

func (r *messageReader) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.fail("number")
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *messageReader) number32() uint32 {
	n := r.number()
	if n > math.MaxUint32 {
		r.fail("number")
		return 0
	}
	return uint32(n)
}

func (r *messageReader) fixed() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// count reads how many items follow, each of so many bytes at least: a wrong count cannot make anybody allocate much.
func (r *messageReader) count(size int) int {
	n := r.number()
	if n > uint64(len(r.rest)/size) {
		r.fail("count")
		return 0
	}
	return int(n)
}

func (r *messageReader) bytes() []byte { return r.take(r.count(1)) }
