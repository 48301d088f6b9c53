package slot

import (
	"errors"
	"math"
	"testing"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"pgregory.net/rapid"
)

// TestStorageAgainstMemoryStorage compares the log with raft's own storage for tests.
func TestStorageAgainstMemoryStorage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, model := newStorage(members{voters: []uint64{1}}, position{}, nil), raft.NewMemoryStorage()
		term, applied := uint64(1), uint64(0)
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				last, _ := model.LastIndex()
				first := rapid.Uint64Range(max(applied, s.before.index)+1, last+1).Draw(t, "first")
				term += rapid.Uint64Range(0, 1).Draw(t, "later term")
				var entries []*raftpb.Entry
				for i := range rapid.Uint64Range(0, 4).Draw(t, "count") {
					data := make([]byte, rapid.IntRange(0, 9).Draw(t, "size"))
					entries = append(entries, &raftpb.Entry{Index: new(first + i), Term: new(term), Data: data})
				}
				s.append(entries)
				if err := model.Append(entries); err != nil {
					t.Fatal(err)
				}
			},
			"compact": func(t *rapid.T) {
				last, _ := model.LastIndex()
				applied = rapid.Uint64Range(applied, last).Draw(t, "applied")
				keep := bounds{age: 10, bytes: rapid.IntRange(0, 50).Draw(t, "bytes")}
				keep.entries = rapid.IntRange(0, 10).Draw(t, "entries")
				s.compact(applied, rapid.Int64Range(0, 100).Draw(t, "now"), keep)
				if s.before.index > applied {
					t.Fatalf("entry %d is gone, applied are those up to %d", s.before.index, applied)
				}
				if unapplied := int(last - applied); len(s.entries) > max(keep.entries, unapplied) {
					t.Fatalf("%d entries are kept, want at most %d and %d that are not applied",
						len(s.entries), keep.entries, unapplied)
				}
				if err := model.Compact(s.before.index); err != nil && !errors.Is(err, raft.ErrCompacted) {
					t.Fatal(err)
				}
			},
			"": func(t *rapid.T) { compareStorages(t, s, model) },
		})
	})
}

func compareStorages(t *rapid.T, s *storage, model *raft.MemoryStorage) {
	first, _ := s.FirstIndex()
	last, _ := s.LastIndex()
	wantFirst, _ := model.FirstIndex()
	wantLast, _ := model.LastIndex()
	if first != wantFirst || last != wantLast {
		t.Fatalf("entries %d to %d, want %d to %d", first, last, wantFirst, wantLast)
	}
	for i := range last + 3 {
		term, err := s.Term(i)
		wantTerm, wantErr := model.Term(i)
		if term != wantTerm || !errors.Is(err, wantErr) {
			t.Fatalf("term of %d: %d, %v, want %d, %v", i, term, err, wantTerm, wantErr)
		}
	}
	if first > last {
		return
	}
	lo := rapid.Uint64Range(first-1, last).Draw(t, "lo")
	hi := rapid.Uint64Range(lo+1, last+1).Draw(t, "hi")
	entries, err := s.Entries(lo, hi, math.MaxUint64)
	want, wantErr := model.Entries(lo, hi, math.MaxUint64)
	if len(entries) != len(want) || !errors.Is(err, wantErr) || len(entries) > 0 && entries[0] != want[0] {
		t.Fatalf("entries %d to %d: %d, %v, want %d, %v", lo, hi, len(entries), err, len(want), wantErr)
	}
	if total := size(s.entries); total != s.bytes {
		t.Fatalf("counted %d bytes, there are %d", s.bytes, total)
	}
}

func TestStorageEntries(t *testing.T) {
	s := newStorage(members{voters: []uint64{1}}, position{}, nil)
	for i := range uint64(5) {
		s.append([]*raftpb.Entry{{Index: new(i + 1), Term: new(uint64(1)), Data: make([]byte, 100)}})
	}
	for _, test := range []struct {
		name    string
		maxSize uint64
		want    int
	}{
		{name: "one at least", maxSize: 0, want: 1},
		{name: "as many as fit", maxSize: 300, want: 2},
		{name: "all", maxSize: math.MaxUint64, want: 5},
	} {
		entries, err := s.Entries(1, 6, test.maxSize)
		if err != nil || len(entries) != test.want {
			t.Errorf("%s: %d entries, %v, want %d", test.name, len(entries), err, test.want)
		}
		if cap(entries) != len(entries) {
			t.Errorf("%s: to append to the entries writes into the log", test.name)
		}
	}
	if _, err := s.Entries(3, 7, math.MaxUint64); !errors.Is(err, raft.ErrUnavailable) {
		t.Errorf("beyond the end: %v, want ErrUnavailable", err)
	}
}

// TestStorageDoesNotWriteBehindReaders replaces the tail of the log while raft holds a part of it.
func TestStorageDoesNotWriteBehindReaders(t *testing.T) {
	s := newStorage(members{voters: []uint64{1}}, position{}, nil)
	entry := func(index, term uint64) []*raftpb.Entry { return []*raftpb.Entry{{Index: new(index), Term: new(term)}} }
	for i := range uint64(5) {
		s.append(entry(i+1, 1))
	}
	held, err := s.Entries(1, 6, math.MaxUint64)
	if err != nil {
		t.Fatal(err)
	}
	s.append(entry(3, 2))
	s.append(entry(4, 2))
	for _, e := range held {
		if e.GetTerm() != 1 {
			t.Errorf("entry %d became one of term %d in a reader's hands", e.GetIndex(), e.GetTerm())
		}
	}
	if term, err := s.Term(4); term != 2 || err != nil {
		t.Errorf("the log has term %d at 4, %v, want 2", term, err)
	}
}
