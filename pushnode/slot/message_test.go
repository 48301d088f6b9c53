package slot

import (
	"errors"
	"runtime"
	"testing"

	"go.etcd.io/raft/v3/raftpb"
	"pgregory.net/rapid"

	"halley/pushnode/channel"
)

// drawMessage is any message that raft may give.
func drawMessage(t *rapid.T) Message {
	number := rapid.OneOf(rapid.Uint64Range(0, 300), rapid.Uint64Range(0, 1<<63))
	draw := func(name string) *uint64 { return new(number.Draw(t, name)) }
	text := func(name string) []byte { return rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, name) }
	kind := rapid.SampledFrom([]raftpb.MessageType{
		raftpb.MsgApp, raftpb.MsgAppResp, raftpb.MsgHeartbeat, raftpb.MsgHeartbeatResp, raftpb.MsgVote, raftpb.MsgVoteResp,
		raftpb.MsgPreVote, raftpb.MsgPreVoteResp, raftpb.MsgSnap, raftpb.MsgTimeoutNow,
	}).Draw(t, "kind")
	m := &raftpb.Message{Type: kind.Enum(), From: draw("from"), To: draw("to"), Term: draw("term")}
	switch kind {
	case raftpb.MsgApp:
		m.Index, m.LogTerm, m.Commit = draw("index"), draw("log term"), draw("commit")
		for i := range rapid.Uint64Range(0, 4).Draw(t, "entries") {
			m.Entries = append(m.Entries, &raftpb.Entry{
				Type: rapid.SampledFrom([]raftpb.EntryType{raftpb.EntryNormal, raftpb.EntryConfChangeV2}).Draw(t, "type").Enum(),
				Term: draw("term"), Index: new(m.GetIndex() + 1 + i), Data: text("data"),
			})
		}
	case raftpb.MsgAppResp:
		m.Index = draw("index")
		if rapid.Bool().Draw(t, "reject") {
			m.Reject, m.RejectHint, m.LogTerm = new(true), draw("hint"), draw("log term")
		}
	case raftpb.MsgHeartbeat:
		m.Commit, m.Context = draw("commit"), text("context")
	case raftpb.MsgHeartbeatResp:
		m.Context = text("context")
	case raftpb.MsgVote, raftpb.MsgPreVote:
		m.Index, m.LogTerm, m.Context = draw("index"), draw("log term"), text("context")
	case raftpb.MsgVoteResp, raftpb.MsgPreVoteResp:
		m.Reject = new(rapid.Bool().Draw(t, "reject"))
	case raftpb.MsgSnap:
		list := func(name string) []uint64 { return rapid.SliceOfN(number, 0, 3).Draw(t, name) }
		m.Snapshot = &raftpb.Snapshot{Data: text("data"), Metadata: &raftpb.SnapshotMetadata{
			Index: draw("index"), Term: draw("term"), ConfState: &raftpb.ConfState{
				Voters: list("voters"), Learners: list("learners"), VotersOutgoing: list("outgoing"),
				LearnersNext: list("learners to be"), AutoLeave: new(rapid.Bool().Draw(t, "auto leave")),
			},
		}}
	}
	drawn := Message{raft: m, generation: rapid.Uint32().Draw(t, "generation")}
	if kind == raftpb.MsgTimeoutNow && rapid.Bool().Draw(t, "fact instead") {
		m.Type, drawn.committed = nil, position{index: number.Draw(t, "index"), term: 1}
	}
	return drawn
}

func TestMessageRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMessage(t)
		data := m.Append([]byte("before"))
		if string(data[:6]) != "before" {
			t.Fatal("what was there before is gone")
		}
		read, err := DecodeMessage(7, data[6:])
		if err != nil {
			t.Fatal(err)
		}
		if !Same(m, read) {
			t.Fatalf("wrote %v, read %v", m.raft, read.raft)
		}
		for cut := range data[6:] {
			if m.Snapshot() && cut >= len(data)-6-len(m.raft.GetSnapshot().GetData()) {
				break // the state goes up to the end, and has a check of its own
			}
			if _, err := DecodeMessage(7, data[6:6+cut]); !errors.Is(err, ErrMessage) {
				t.Fatalf("cut off at %d of %d: %v, want ErrMessage", cut, len(data)-6, err)
			}
		}
	})
}

// TestMessageCosts holds that an append is read in a few pieces of memory, and that its entries share that of the frame.
func TestMessageCosts(t *testing.T) {
	m := &raftpb.Message{Type: raftpb.MsgApp.Enum(), From: new(uint64(1)), To: new(uint64(2)), Term: new(uint64(3))}
	for i := range uint64(64) {
		m.Entries = append(m.Entries, &raftpb.Entry{Term: new(uint64(3)), Index: new(i + 1), Data: make([]byte, 300)})
	}
	data := Message{raft: m}.Append(nil)
	if got := testing.AllocsPerRun(100, func() { _, _ = DecodeMessage(7, data) }); got > 8 {
		t.Errorf("an append of 64 entries took %v allocations, want at most 8", got)
	}
	read, err := DecodeMessage(7, data)
	if err != nil {
		t.Fatal(err)
	}
	clear(data)
	data[len(data)-1] = 9
	last := read.raft.GetEntries()[63].GetData()
	if last[len(last)-1] != 9 {
		t.Error("an entry does not share the memory of the frame")
	}
	if cap(last) != len(last) {
		t.Error("to append to an entry writes into the frame")
	}
}

// hostile are messages that promise more than they hold, or what there is not.
func hostile() map[string][]byte {
	head := func(kind byte, rest ...byte) []byte {
		return append(append([]byte{messageVersion, kind, 0}, make([]byte, 17)...), rest...)
	}
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}
	return map[string][]byte{
		"nothing":                nil,
		"another version":        {messageVersion + 1},
		"no kind":                head(0),
		"a kind that is not":     head(codeCommitted + 1),
		"no entry committed":     head(codeCommitted, 0, 0),
		"something after it":     head(codeTimeoutNow, 0),
		"a generation too large": append([]byte{messageVersion, codeTimeoutNow, 0xff, 0xff, 0xff, 0xff, 0x7f}, make([]byte, 17)...),
		"too many entries":       append(head(codeAppend, 1, 1, 1), huge...),
		"more than there are":    append(head(codeAppend, 1, 1, 1, 100), make([]byte, 200)...),
		"an entry too long":      append(head(codeAppend, 1, 1, 1, 1, 0, 1), huge...),
		"an entry of no kind":    head(codeAppend, 1, 1, 1, 1, 1, 1, 0),
		"indexes that run over":  append(head(codeAppend, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1), 1, 1, 1, 0, 1, 0),
		"too many voters":        append(head(codeSnapshot, 1, 1), huge...),
		"neither yes nor no":     head(codeVoted, 2),
		"a number without end":   append(head(codeAppended), 0x80, 0x80),
	}
}

func TestMessageRefused(t *testing.T) {
	for name, data := range hostile() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := DecodeMessage(7, data)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrMessage) {
			t.Errorf("%s: %v, want ErrMessage", name, err)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 64<<10 {
			t.Errorf("%s: %d bytes of input took %d bytes", name, len(data), got)
		}
	}
}

// TestSnapshotConfigurationRefused holds that a snapshot whose configuration cannot be is refused before raft sees it.
func TestSnapshotConfigurationRefused(t *testing.T) {
	for name, config := range map[string]*raftpb.ConfState{
		"no voters":                            {},
		"a voter and a learner":                {Voters: []uint64{1}, Learners: []uint64{1}},
		"twice a voter":                        {Voters: []uint64{1, 1}},
		"a learner to be that does not decide": {Voters: []uint64{1}, VotersOutgoing: []uint64{2}, LearnersNext: []uint64{3}},
		"nobody":                               {Voters: []uint64{1, 0}},
	} {
		s, err := New(Config{ID: 7, Self: 1, Life: 1})
		if err != nil {
			t.Fatal(err)
		}
		m := &raftpb.Message{
			Type: raftpb.MsgSnap.Enum(), To: new(idOf(1, 1)), From: new(idOf(2, 0)), Term: new(uint64(3)),
			Snapshot: &raftpb.Snapshot{Data: channel.AppendSnapshot(nil, channel.NewState(1)), Metadata: &raftpb.SnapshotMetadata{
				ConfState: raftpb.EnsureConfState(config), Index: new(uint64(9)), Term: new(uint64(1)),
			}},
		}
		if err := s.Step(Message{raft: m}); err == nil {
			t.Errorf("%s: taken in", name)
		}
		if s.Advance(); !s.Status().Empty {
			t.Errorf("%s: the copy is not empty any more", name)
		}
	}
}

func FuzzDecodeMessage(f *testing.F) {
	for _, data := range hostile() {
		f.Add(data)
	}
	for _, seed := range []int{1, 2, 3, 4, 5, 6, 7, 8} {
		f.Add(rapid.Custom(drawMessage).Example(seed).Append(nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := DecodeMessage(7, data)
		if err != nil {
			if !errors.Is(err, ErrMessage) {
				t.Fatalf("%v does not wrap ErrMessage", err)
			}
			return
		}
		again, err := DecodeMessage(7, m.Append(nil))
		if err != nil || !Same(m, again) {
			t.Fatalf("read %v, after writing it %v, %v", m.raft, again.raft, err)
		}
	})
}
