package channel_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/cespare/xxhash/v2"

	"halley/pushnode/channel"
)

// full returns a state that has something of each kind.
func full() *channel.State {
	s := channel.NewState(3)
	keep := channel.DefaultRetention
	s.Apply(1_000, []channel.Command{
		channel.Publish{Channel: room("gone"), ID: "a", Retention: keep},
		channel.EnterPresence{Channel: room("gone"), ClientID: "ada", Session: "s1", Generation: 1},
		channel.LeavePresence{Channel: room("gone"), ClientID: "ada", Session: "s1", Generation: 1},
	})
	s.Apply(200_000, []channel.Command{
		channel.Advance{},
		channel.Publish{Channel: room("room"), ID: "a", Event: "e", Data: []byte("1"), Exclude: "s2", ClientID: "ada", Retention: keep},
		channel.Publish{Channel: room("room"), ID: "b", Event: "e", Data: []byte("2"), Retention: keep},
		channel.EnterPresence{Channel: room("room"), ClientID: "ada", Session: "s1", Generation: 1, Data: []byte("{}")},
		channel.AttachSession{
			App: "app", Session: "s1", SecretHash: [32]byte{1}, ClientID: "ada", Edge: 9, Expires: 5, Create: true,
		},
		channel.UpdateSession{
			App: "app", Session: "s1", Generation: 1, Channels: subscriptions([]string{"room+", "gone"}),
			Presence: []string{"room", "x"},
		},
		channel.DetachSession{App: "app", Session: "s1", Generation: 1},
		channel.LeavePresence{Channel: room("x"), ClientID: "ada", Session: "s1", Generation: 1, Final: true},
		channel.Occupy{Channel: room("room"), Present: true},
		channel.Occupy{Channel: room("room"), ClientID: "ada", Present: true},
		channel.Occupy{Channel: room("room"), ClientID: "ada"},
		channel.Announced{Hooks: []uint64{2}},
		channel.BreakEpoch{Generation: 2, Whole: true},
	})
	s.Apply(216_000, []channel.Command{
		channel.UpdateSession{App: "app", Session: "s1", Generation: 1, Presence: []string{"y"}},
	})
	return s
}

func TestSnapshotRefused(t *testing.T) {
	snapshot := channel.AppendSnapshot(nil, full())
	if _, err := channel.RestoreSnapshot(snapshot); err != nil {
		t.Fatal(err)
	}
	for i := range snapshot {
		damaged := bytes.Clone(snapshot)
		damaged[i] ^= 0x40
		if _, err := channel.RestoreSnapshot(damaged); !errors.Is(err, channel.ErrEncoding) {
			t.Fatalf("byte %d changed: %v, want ErrEncoding", i, err)
		}
		if _, err := channel.RestoreSnapshot(snapshot[:i]); !errors.Is(err, channel.ErrEncoding) {
			t.Fatalf("cut off at %d: %v, want ErrEncoding", i, err)
		}
	}
	body := snapshot[:len(snapshot)-8]
	empty := channel.AppendSnapshot(nil, channel.NewState(1))
	empty = empty[:len(empty)-4-8] // without the numbers of channels, tombstones, sessions and departures
	for name, changed := range map[string][]byte{
		"more messages than the head":  append(empty, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
		"another version":              append([]byte{1}, body[1:]...),
		"something after the end":      append(bytes.Clone(body), 0),
		"hooks of which there is none": append(slices.Clone(empty), 0, 0, 0, 0, 0, 0, 0, 0),
	} {
		if _, err := channel.RestoreSnapshot(sealed(changed)); !errors.Is(err, channel.ErrEncoding) {
			t.Errorf("%s: %v, want ErrEncoding", name, err)
		}
	}
}

// sealed gives the body of a snapshot the right checksum.
func sealed(body []byte) []byte {
	return binary.LittleEndian.AppendUint64(bytes.Clone(body), xxhash.Sum64(body))
}

// TestSnapshotOwnsItsMemory holds that a state does not keep the snapshot alive, nor change with it.
func TestSnapshotOwnsItsMemory(t *testing.T) {
	snapshot := channel.AppendSnapshot(nil, full())
	kept := bytes.Clone(snapshot)
	restored, err := channel.RestoreSnapshot(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	clear(snapshot)
	if !bytes.Equal(channel.AppendSnapshot(nil, restored), kept) {
		t.Error("the restored state changed with the snapshot's bytes")
	}
}

func FuzzRestoreSnapshot(f *testing.F) {
	for _, s := range []*channel.State{channel.NewState(1), full()} {
		snapshot := channel.AppendSnapshot(nil, s)
		f.Add(snapshot[:len(snapshot)-8])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		restored, err := channel.RestoreSnapshot(sealed(body))
		if err != nil {
			if !errors.Is(err, channel.ErrEncoding) {
				t.Fatalf("%v does not wrap ErrEncoding", err)
			}
			return
		}
		first := channel.AppendSnapshot(nil, restored)
		again, err := channel.RestoreSnapshot(first)
		if err != nil || !bytes.Equal(channel.AppendSnapshot(nil, again), first) {
			t.Fatalf("a restored state does not come back: %v", err)
		}
		restored.Apply(restored.Now(), publishes(3))
		restored.Channels("app", "", "", 10)
		restored.History(room("room"), channel.HistoryQuery{Limit: 10})
	})
}
