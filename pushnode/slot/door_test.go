package slot

import (
	"errors"
	"math"
	"testing"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"halley/pushnode/channel"
)

// accused is a copy of three, and a peer that says anything that can be decoded.
type accused struct {
	slot *Slot
	// poisoned says that an entry was sent that no copy can apply: that one copy breaks by it is right.
	poisoned bool
}

func newAccused(t *rapid.T) *accused {
	config := Config{ID: 7, Self: 1, Cluster: 1, Voters: []uint64{1, 2, 3}, LogEntries: 4}
	if rapid.Bool().Draw(t, "empty") {
		config.Voters, config.Life = nil, 5
	}
	made, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return &accused{slot: made}
}

// number is near what the copy counts with, or anything.
func number(t *rapid.T, name string, near uint64) *uint64 {
	switch rapid.IntRange(0, 9).Draw(t, name+": kind") {
	case 0:
		return new(rapid.Uint64().Draw(t, name))
	case 1:
		return new(rapid.SampledFrom([]uint64{0, math.MaxUint64, math.MaxUint64 - 1, math.MaxUint64 >> 1, 1 << 32, 1 << 62}).Draw(t, name))
	default:
		return new(near + rapid.Uint64Range(0, 4).Draw(t, name) - min(near, 2))
	}
}

func (h *accused) entry(t *rapid.T, index uint64) *raftpb.Entry {
	entry := &raftpb.Entry{Type: raftpb.EntryNormal.Enum(), Index: &index, Term: number(t, "entry term", h.slot.term)}
	switch rapid.IntRange(0, 19).Draw(t, "entry") {
	case 0:
		entry.Data, h.poisoned = []byte("?"), true
	case 1:
		kind := rapid.SampledFrom([]raftpb.ConfChangeType{
			raftpb.ConfChangeAddNode, raftpb.ConfChangeRemoveNode, raftpb.ConfChangeAddLearnerNode, raftpb.ConfChangeUpdateNode,
		}).Draw(t, "change")
		change := &raftpb.ConfChangeV2{}
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			node := idOf(rapid.Uint64Range(0, 4).Draw(t, "changed"), 0)
			change.Changes = append(change.Changes, &raftpb.ConfChangeSingle{Type: kind.Enum(), NodeId: &node})
		}
		entry.Type, h.poisoned = raftpb.EntryConfChangeV2.Enum(), true
		entry.Data, _ = proto.Marshal(change)
	case 2, 3:
	default:
		entry.Data = channel.AppendBatch(nil, channel.Batch{Proposer: h.slot.self, Ticket: 1, Now: 1, Commands: []channel.Command{channel.Advance{}}})
	}
	return entry
}

// message is one for the copy, with numbers near those that it counts with.
func (h *accused) message(t *rapid.T) Message {
	last, term := h.slot.storage.last(), h.slot.term
	from := idOf(rapid.Uint64Range(0, 4).Draw(t, "from"), 0)
	if rapid.IntRange(0, 19).Draw(t, "stranger") == 0 {
		from = *number(t, "stranger's id", h.slot.self)
	}
	drawn := drawMessage(t)
	m := drawn.raft
	m.From, m.To, m.Term = &from, &h.slot.self, number(t, "near term", term)
	switch m.GetType() {
	case raftpb.MsgApp:
		m.Index, m.LogTerm, m.Commit = number(t, "near index", last), number(t, "near log term", term), number(t, "near commit", last)
		for i := range m.Entries {
			m.Entries[i] = h.entry(t, m.GetIndex()+1+uint64(i))
		}
	case raftpb.MsgAppResp:
		m.Index = number(t, "near index", last)
		if m.GetReject() {
			m.RejectHint, m.LogTerm = number(t, "near hint", last), number(t, "near log term", term)
		}
	case raftpb.MsgHeartbeat:
		m.Commit = number(t, "near commit", last)
	case raftpb.MsgVote, raftpb.MsgPreVote:
		m.Index, m.LogTerm = number(t, "near index", last), number(t, "near log term", term)
	case raftpb.MsgSnap:
		config := &raftpb.ConfState{AutoLeave: new(false)}
		for _, list := range []*[]uint64{&config.Voters, &config.Learners, &config.VotersOutgoing, &config.LearnersNext} {
			for range rapid.IntRange(0, 3).Draw(t, "copies") {
				*list = append(*list, idOf(rapid.Uint64Range(0, 4).Draw(t, "copy"), 0))
			}
			if rapid.Bool().Draw(t, "this copy") {
				*list = append(*list, h.slot.self)
			}
		}
		m.Snapshot = &raftpb.Snapshot{Data: channel.AppendSnapshot(nil, channel.NewState(1)), Metadata: &raftpb.SnapshotMetadata{
			Index: number(t, "near index", last), Term: number(t, "near snapshot's term", term), ConfState: config,
		}}
	}
	drawn.generation = h.slot.generation
	if drawn.committed != (position{}) {
		drawn.committed = position{index: *number(t, "near fact", last), term: *number(t, "near fact's term", term)}
	}
	return drawn
}

// step does something to the copy that its host, or a peer, can.
func (h *accused) step(t *rapid.T) {
	s := h.slot
	switch rapid.IntRange(0, 9).Draw(t, "step") {
	case 0:
		_ = s.Campaign()
	case 1:
		s.Tick()
	case 2:
		_, _ = s.Propose(1, []channel.Command{channel.Advance{}})
	case 3:
		_ = s.SuspectLeader()
	case 4:
		s.SnapshotDone(rapid.Uint64Range(1, 4).Draw(t, "peer"), rapid.Bool().Draw(t, "reached"))
		s.Unreachable(rapid.Uint64Range(1, 4).Draw(t, "peer"))
	default:
		read, err := DecodeMessage(7, h.message(t).Append(nil))
		if err != nil {
			return // what cannot be written in our form cannot come
		}
		before := s.Status()
		err = s.Step(read)
		if errors.Is(err, ErrImpossible) && s.Status() != before {
			t.Fatalf("%v, but it was taken in: %+v, then %+v", err, before, s.Status())
		}
	}
	s.Advance()
}

// TestHostilePeer has a peer say whatever can be decoded: no copy panics, and none breaks but by an entry that nobody can apply.
func TestHostilePeer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newAccused(t)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			h.step(t)
			_, _, _ = h.slot.Status(), h.slot.Progress(), h.slot.Electorate()
			if err := h.slot.Fault(); err != nil && !h.poisoned {
				t.Fatal(err)
			}
		}
	})
}

// TestImpossibleMessages has, by name, what raft panics at.
func TestImpossibleMessages(t *testing.T) {
	t.Parallel()
	from, far := idOf(2, 0), uint64(math.MaxUint64)
	state := channel.AppendSnapshot(nil, channel.NewState(1))
	snapshot := func(index, term uint64) *raftpb.Snapshot {
		config := &raftpb.ConfState{Voters: []uint64{idOf(1, 0), from}}
		return &raftpb.Snapshot{Data: state, Metadata: &raftpb.SnapshotMetadata{Index: &index, Term: &term, ConfState: config}}
	}
	for name, m := range map[string]*raftpb.Message{
		"a heartbeat that commits beyond the log": {Type: raftpb.MsgHeartbeat.Enum(), Term: new(uint64(1)), Commit: new(uint64(2))},
		"one of this copy":                        {Type: raftpb.MsgHeartbeat.Enum(), Term: new(uint64(1)), From: new(idOf(1, 0))},
		"one of nobody":                           {Type: raftpb.MsgHeartbeat.Enum(), Term: new(uint64(1)), From: new(uint64(0))},
		"the last term that there is":             {Type: raftpb.MsgHeartbeat.Enum(), Term: &far},
		"no term":                                 {Type: raftpb.MsgApp.Enum(), Term: new(uint64(0)), Index: new(uint64(1)), LogTerm: new(uint64(1))},
		"entries at the end of all indexes":       {Type: raftpb.MsgApp.Enum(), Term: new(uint64(1)), Index: new(far - 1), LogTerm: new(uint64(1))},
		"entries of a later term than the sender": {
			Type: raftpb.MsgApp.Enum(), Term: new(uint64(1)), Index: new(uint64(1)), LogTerm: new(uint64(1)),
			Entries: []*raftpb.Entry{{Type: raftpb.EntryNormal.Enum(), Index: new(uint64(2)), Term: new(uint64(2))}},
		},
		"a state of no entry":     {Type: raftpb.MsgSnap.Enum(), Term: new(uint64(1)), Snapshot: snapshot(0, 1)},
		"a state beyond all":      {Type: raftpb.MsgSnap.Enum(), Term: new(uint64(1)), Snapshot: snapshot(far, 1)},
		"a state of a later term": {Type: raftpb.MsgSnap.Enum(), Term: new(uint64(1)), Snapshot: snapshot(9, 2)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestSlot(t, 1, 2)
			if m.To = &s.self; m.From == nil {
				m.From = &from
			}
			before := s.Status()
			if err := s.Step(Message{raft: m}); !errors.Is(err, ErrImpossible) {
				t.Errorf("got %v, want ErrImpossible", err)
			}
			if s.Advance(); s.Status() != before || s.Fault() != nil {
				t.Errorf("it was taken in: %+v, fault %v", s.Status(), s.Fault())
			}
		})
	}
}

func TestImpossibleAcknowledgement(t *testing.T) {
	t.Parallel()
	s := newTestSlot(t, 1, 2)
	from, term := idOf(2, 0), uint64(2)
	if err := s.Campaign(); err != nil {
		t.Fatal(err)
	}
	s.Advance()
	for _, kind := range []raftpb.MessageType{raftpb.MsgPreVoteResp, raftpb.MsgVoteResp} {
		if err := s.Step(Message{raft: &raftpb.Message{Type: kind.Enum(), From: &from, To: &s.self, Term: &term}}); err != nil {
			t.Fatal(err)
		}
		s.Advance()
	}
	if !s.Status().Leads {
		t.Fatalf("it does not lead: %+v", s.Status())
	}
	beyond := &raftpb.Message{Type: raftpb.MsgAppResp.Enum(), From: &from, To: &s.self, Term: &term, Index: new(s.storage.last() + 1)}
	if err := s.Step(Message{raft: beyond}); !errors.Is(err, ErrImpossible) {
		t.Errorf("an answer for an entry that was never sent: got %v, want ErrImpossible", err)
	}
	if s.Advance(); s.Status().Settled {
		t.Error("it counted")
	}
}
