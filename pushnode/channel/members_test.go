package channel_test

import (
	"strings"
	"testing"

	"halley/pushnode/channel"
)

// TestMembersOwnTheirMemory holds that presence keeps no log entry: neither that of an enter, nor that of a leave, after which another
// session of the client stands in the place of the one that left.
func TestMembersOwnTheirMemory(t *testing.T) {
	s := channel.NewState(1)
	for _, command := range []channel.Command{
		channel.EnterPresence{Channel: room("room"), ClientID: "ada", Session: "s1", Generation: 1, Data: []byte("1")},
		channel.EnterPresence{Channel: room("room"), ClientID: "ada", Session: "s2", Generation: 1, Data: []byte("2")},
		channel.EnterPresence{Channel: room("room"), ClientID: "ada", Session: "s3", Generation: 1, Data: []byte("3")},
		channel.LeavePresence{Channel: room("room"), ClientID: "ada", Session: "s1", Generation: 1},
	} {
		entry := channel.AppendBatch(nil, channel.Batch{Commands: []channel.Command{command}})
		batch, err := channel.DecodeBatch(entry)
		if err != nil {
			t.Fatal(err)
		}
		s.Apply(1, batch.Commands)
		clear(entry)
	}
	members, _ := s.Members(room("room"))
	if len(members) != 2 || showMember(members[0]) != "ada/s2(2)" || showMember(members[1]) != "ada/s3(3)" {
		t.Errorf("members %q", members)
	}
}

// TestSnapshotWithMemberTwice holds that a set whose counts would not agree is refused.
func TestSnapshotWithMemberTwice(t *testing.T) {
	one := channel.NewState(1)
	one.Apply(1, []channel.Command{
		channel.EnterPresence{Channel: room("r"), ClientID: "a", Session: "s", Generation: 1},
		channel.EnterPresence{Channel: room("r"), ClientID: "a", Session: "t", Generation: 1},
	})
	snapshot := channel.AppendSnapshot(nil, one)
	body := snapshot[:len(snapshot)-8]
	last := len(body) - len("\x01t\x01\x00\x02\x00") - 3 // then come no tombstones, sessions and departures
	if body[last+1] != 't' {
		t.Fatalf("the second member is not at %d of %q", last, body)
	}
	body[last+1] = 's'
	if _, err := channel.RestoreSnapshot(sealed(body)); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("a snapshot with a member that comes twice: %v", err)
	}
}
