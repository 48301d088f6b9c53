package slot

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"go.etcd.io/raft/v3/raftpb"

	"halley/pushnode/channel"
)

func newTestSlot(t *testing.T, voters ...uint64) *Slot {
	t.Helper()
	s, err := New(Config{ID: 7, Self: 1, Voters: voters, Cluster: 1})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNewRefuses(t *testing.T) {
	for name, config := range map[string]Config{
		"not one of the voters":   {Self: 1, Voters: []uint64{2, 3}},
		"nobody":                  {Self: 0},
		"nobody among the voters": {Self: 1, Voters: []uint64{0, 1}},
		"a number too high":       {Self: 1, Voters: []uint64{1, MaxInstance + 1}},
		"itself too high":         {Self: MaxInstance + 1, Life: 1},
		"a founder born again":    {Self: 1, Life: 1, Voters: []uint64{1}},
		"an empty copy, not born": {Self: 1},
		"a life too high":         {Self: 1, Life: 1 << 20},
		"a voter named twice":     {Self: 1, Voters: []uint64{1, 2, 2}},
	} {
		if _, err := New(config); err == nil || !strings.HasPrefix(err.Error(), "slot 0: ") {
			t.Errorf("%s: %v, want an error", name, err)
		}
	}
}

// TestStepRefuses gives a follower messages that it cannot use. It goes on as before.
func TestStepRefuses(t *testing.T) {
	s := newTestSlot(t, 1, 2, 3)
	whole := channel.AppendSnapshot(nil, channel.NewState(1))
	snapshot := func(data []byte) *raftpb.Message {
		return &raftpb.Message{
			Type: raftpb.MsgSnap.Enum(), To: new(idOf(1, 0)), From: new(idOf(2, 0)), Term: new(uint64(1)),
			Snapshot: &raftpb.Snapshot{Data: data, Metadata: &raftpb.SnapshotMetadata{
				ConfState: s.storage.config, Index: new(uint64(9)), Term: new(uint64(1)),
			}},
		}
	}
	for name, m := range map[string]*raftpb.Message{
		"nothing":            nil,
		"for another":        {Type: raftpb.MsgHeartbeat.Enum(), To: new(idOf(2, 0)), From: new(idOf(3, 0)), Term: new(uint64(1))},
		"for another life":   {Type: raftpb.MsgHeartbeat.Enum(), To: new(idOf(1, 9)), From: new(idOf(2, 0)), Term: new(uint64(1))},
		"a local one":        {Type: raftpb.MsgHup.Enum(), To: new(idOf(1, 0)), From: new(idOf(2, 0))},
		"a stranger's":       {Type: raftpb.MsgAppResp.Enum(), To: new(idOf(1, 0)), From: new(idOf(8, 0)), Term: new(uint64(1))},
		"a damaged snapshot": snapshot(whole[:len(whole)-1]),
	} {
		if err := s.Step(Message{raft: m}); err == nil || !strings.HasPrefix(err.Error(), "slot 7: ") {
			t.Errorf("%s: %v, want an error", name, err)
		}
	}
	if err := s.Step(Message{raft: snapshot(whole)}); err != nil {
		t.Fatal(err)
	}
	if out := s.Advance(); !out.Restored || s.Status().Applied != 9 {
		t.Errorf("a whole snapshot was not taken: %+v", s.Status())
	}
	if len(s.arrived) != 0 {
		t.Error("the snapshot is kept although it is the state now")
	}
}

// TestBroken holds that a copy that cannot be trusted any more does nothing, and says which it is.
func TestBroken(t *testing.T) {
	entry := func(index uint64, data []byte) *raftpb.Entry {
		return &raftpb.Entry{Index: new(index), Term: new(uint64(1)), Data: data}
	}
	for name, act := range map[string]func(*Slot){
		"a hole":       func(s *Slot) { s.apply(entry(3, nil), &Output{}) },
		"a repetition": func(s *Slot) { s.apply(entry(1, nil), &Output{}) },
		"an entry of another kind": func(s *Slot) {
			e := entry(2, nil)
			e.Type = raftpb.EntryConfChange.Enum()
			s.apply(e, &Output{})
		},
		"an unreadable change": func(s *Slot) {
			e := entry(2, []byte("?"))
			e.Type = raftpb.EntryConfChangeV2.Enum()
			s.apply(e, &Output{})
		},
		"an unreadable entry": func(s *Slot) { s.apply(entry(2, []byte("?")), &Output{}) },
		"a snapshot from nowhere": func(s *Slot) {
			meta := &raftpb.SnapshotMetadata{Index: new(uint64(3)), Term: new(uint64(1))}
			s.restore(&raftpb.Snapshot{Metadata: meta}, &Output{})
		},
		"what raft calls a panic": func(s *Slot) { newLogger(nil, 7).Fatalf("%s", "no") },
		"and without a format":    func(s *Slot) { newLogger(nil, 7).Fatal("no") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestSlot(t, 1)
			func() {
				defer s.contain(nil)
				act(s)
			}()
			if err := s.Fault(); !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), "slot 7, instance 1: ") {
				t.Errorf("got %v, want ErrBroken with the ids", err)
			}
			refuses(t, s)
		})
	}
}

// refuses wants a broken copy to do nothing.
func refuses(t *testing.T, s *Slot) {
	t.Helper()
	before := s.Status()
	_, proposed := s.Propose(1, []channel.Command{channel.Advance{}})
	for name, err := range map[string]error{
		"Propose": proposed, "Campaign": s.Campaign(), "SuspectLeader": s.SuspectLeader(), "Change": s.Change(Copies{Voters: []uint64{1}}),
		"Transfer": s.Transfer(2), "Recover": s.Recover(9, nil),
		"Step": s.Step(Message{raft: &raftpb.Message{Type: raftpb.MsgHeartbeat.Enum(), From: new(idOf(2, 0)), To: new(s.self), Term: new(uint64(9))}}),
	} {
		if !errors.Is(err, ErrBroken) {
			t.Errorf("%s: got %v, want ErrBroken", name, err)
		}
	}
	s.Tick()
	s.Unreachable(2)
	s.SnapshotDone(2, true)
	if out := s.Advance(); len(out.Messages) > 0 || s.Status() != before {
		t.Errorf("it goes on: %+v, then %+v", before, s.Status())
	}
}

func TestLogger(t *testing.T) {
	var out bytes.Buffer
	handler := slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})
	l := newLogger(slog.New(handler), 7)
	l.Debug("a")
	l.Debugf("b")
	l.Info("c", 1)
	l.Infof("d%d", 1)
	l.Warning("e")
	l.Warningf("f%d", 1)
	l.Error("g")
	l.Errorf("h%d", 1)
	var got []string
	for line := range strings.Lines(out.String()) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		got = append(got, rest)
	}
	want := []string{
		"level=DEBUG msg=raft slot=7 text=c1", "level=DEBUG msg=raft slot=7 text=d1",
		"level=INFO msg=raft slot=7 text=e", "level=INFO msg=raft slot=7 text=f1",
		"level=WARN msg=raft slot=7 text=g", "level=WARN msg=raft slot=7 text=h1",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
