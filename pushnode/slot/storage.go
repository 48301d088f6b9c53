package slot

import (
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// storage is a slot's log, in memory alone; raft reads it. The bytes of its entries are those that the state's publications
// share.
type storage struct {
	config   *raftpb.ConfState // applied last; without voters in an empty copy
	begin    *raftpb.HardState // what raft starts with
	before   position          // of the entry before the first
	entries  []*raftpb.Entry   // never changed in place: raft holds parts of it
	bytes    int
	changing uint64 // the last entry that changes the configuration, as far as entries reach; else 0 or one that was applied
	mark     mark   // where the log ended a while ago
	snapshot func() *raftpb.Snapshot

	maySnapshot func() bool // nil: always
}

// position names an entry.
type position struct {
	index uint64
	term  uint64
}

// mark says where the log ended at a moment of the state's clock.
type mark struct {
	index uint64
	at    int64
}

// bounds is how much of the applied log is kept for copies that lag. Beyond it they get a snapshot.
type bounds struct {
	bytes   int
	entries int
	age     int64 // ms: kept at least as long within the other bounds, and at most twice as long
}

// logAge is how long a copy may lag before it takes a snapshot, in milliseconds.
const logAge = 10_000

// newStorage returns a log that begins behind a position, in the term of that.
func newStorage(copies members, before position, snapshot func() *raftpb.Snapshot) *storage {
	return &storage{
		config:   configOf(copies),
		begin:    &raftpb.HardState{Term: new(before.term), Commit: new(before.index)},
		before:   before,
		snapshot: snapshot,
	}
}

// configOf is the configuration in which the copies decide, and no others.
func configOf(copies members) *raftpb.ConfState {
	copies = copies.sorted()
	return raftpb.EnsureConfState(&raftpb.ConfState{Voters: copies.voters, Learners: copies.learners})
}

// empty reports whether the log has no beginning yet.
func (s *storage) empty() bool { return len(s.config.Voters) == 0 }

// joint reports whether the old voters still decide together with the new ones.
func (s *storage) joint() bool { return len(s.config.VotersOutgoing) > 0 }

// copies are those that the configuration is to have in the end.
func (s *storage) copies() members {
	return members{voters: s.config.Voters, learners: slices.Concat(s.config.Learners, s.config.LearnersNext)}.sorted()
}

// everyone is all that entries may have to be sent to.
func (s *storage) everyone() members {
	all := s.copies()
	for _, voter := range s.config.VotersOutgoing {
		if !all.has(voter) {
			all.voters = append(all.voters, voter)
		}
	}
	return all
}

func (s *storage) last() uint64 { return s.before.index + uint64(len(s.entries)) }

// append keeps new entries. They replace what the log has from their first index on: the tail of a leader that is none any more.
func (s *storage) append(entries []*raftpb.Entry) {
	if len(entries) == 0 {
		return
	}
	kept := entries[0].GetIndex() - s.before.index - 1
	if kept < uint64(len(s.entries)) {
		s.bytes -= size(s.entries[kept:])
		s.entries = s.entries[:kept:kept]
		s.changing = lastChange(s.entries)
	}
	s.entries = append(s.entries, entries...)
	s.bytes += size(entries)
	s.changing = max(s.changing, lastChange(entries))
}

// lastChange is the index of the last entry that changes the configuration; 0: there is none.
func lastChange(entries []*raftpb.Entry) uint64 {
	for _, entry := range slices.Backward(entries) {
		if entry.GetType() != raftpb.EntryNormal {
			return entry.GetIndex()
		}
	}
	return 0
}

// bytesAfter is how many bytes the kept entries after index have.
func (s *storage) bytesAfter(index uint64) int {
	if index <= s.before.index {
		return s.bytes
	}
	return size(s.entries[min(index-s.before.index, uint64(len(s.entries))):])
}

func size(entries []*raftpb.Entry) (bytes int) {
	for _, entry := range entries {
		bytes += len(entry.GetData())
	}
	return bytes
}

// compact lets go applied entries that are too many or too old. Half of the bound stays when it is passed, so that the work is
// paid for by many entries.
func (s *storage) compact(applied uint64, now int64, keep bounds) {
	drop := s.tooOld(now, keep.age)
	if s.bytes > keep.bytes || len(s.entries) > keep.entries {
		bytes, entries := s.bytes, len(s.entries)
		for bytes > keep.bytes/2 || entries > keep.entries/2 {
			bytes -= len(s.entries[len(s.entries)-entries].GetData())
			entries--
		}
		drop = max(drop, s.last()-uint64(entries))
	}
	s.release(min(drop, applied))
}

// tooOld returns the index of an entry that is as old as age at least, as far as the mark tells, and moves the mark.
func (s *storage) tooOld(now, age int64) uint64 {
	if now < s.mark.at+age {
		return 0
	}
	old := s.mark
	s.mark = mark{index: s.last(), at: now}
	return old.index
}

// release lets go the entries up to index.
func (s *storage) release(index uint64) {
	if index <= s.before.index {
		return
	}
	count := index - s.before.index
	s.before.term = s.entries[count-1].GetTerm()
	s.before.index = index
	s.bytes -= size(s.entries[:count])
	s.entries = append([]*raftpb.Entry(nil), s.entries[count:]...) // the old array would keep all entries alive
}

// reset makes the log begin after a snapshot.
func (s *storage) reset(snapshot *raftpb.Snapshot) {
	s.config = snapshot.GetMetadata().GetConfState()
	s.before = positionOf(snapshot)
	s.entries, s.bytes, s.changing, s.mark = nil, 0, 0, mark{}
}

// The methods of raft.Storage.

// InitialState returns where raft starts: at the position that the log begins behind, or, after a forced recovery, with all of
// the log. Nothing outlives a process.
func (s *storage) InitialState() (*raftpb.HardState, *raftpb.ConfState, error) {
	return s.begin, s.config, nil
}

// Entries returns entries lo to hi-1, or fewer to stay below maxSize, but one at least.
func (s *storage) Entries(lo, hi, maxSize uint64) ([]*raftpb.Entry, error) {
	switch {
	case lo <= s.before.index:
		return nil, raft.ErrCompacted
	case hi > s.last()+1:
		return nil, raft.ErrUnavailable
	}
	found := s.entries[lo-s.before.index-1 : hi-s.before.index-1]
	var bytes uint64
	for i, entry := range found {
		bytes += entryOverhead + uint64(len(entry.GetData()))
		if i > 0 && bytes > maxSize {
			found = found[:i]
			break
		}
	}
	return found[:len(found):len(found)], nil
}

// entryOverhead is what an entry takes on the wire beside its data, at most.
const entryOverhead = 32

// Term returns the term of entry i.
func (s *storage) Term(i uint64) (uint64, error) {
	switch {
	case i < s.before.index:
		return 0, raft.ErrCompacted
	case i == s.before.index:
		return s.before.term, nil
	case i > s.last():
		return 0, raft.ErrUnavailable
	}
	return s.entries[i-s.before.index-1].GetTerm(), nil
}

// LastIndex returns the index of the last entry.
func (s *storage) LastIndex() (uint64, error) { return s.last(), nil }

// FirstIndex returns the index of the first entry that is kept.
func (s *storage) FirstIndex() (uint64, error) { return s.before.index + 1, nil }

// Snapshot returns the state as it is, for a copy that is too far behind for the log.
func (s *storage) Snapshot() (*raftpb.Snapshot, error) {
	if s.maySnapshot != nil && !s.maySnapshot() {
		return nil, raft.ErrSnapshotTemporarilyUnavailable // raft asks again when the copy answers a heartbeat
	}
	return s.snapshot(), nil
}
