package wire_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"halley/pushnode/channel"
	"halley/pushnode/wire"
)

// TestReplyTranscript shows every reply to a command.
func TestReplyTranscript(t *testing.T) {
	t.Parallel()
	ada := wire.Member{ClientID: "ada", Session: "ses_1", Data: []byte(`1`)}
	epoch := channel.Epoch{Cluster: 7, Incarnation: 2}
	page := channel.HistoryPage{
		Epoch: epoch,
		Publications: []*channel.Publication{
			{ID: "msg_1", Offset: 4, Event: "greeting", Data: []byte(`"hello"`), Time: 1795458123456},
			{ID: "msg_2", Offset: 5, Data: []byte(`{}`), Time: 1795458123457},
		},
		From: 3,
		More: true,
		Gap:  &channel.Gap{Reason: channel.ReasonEvicted, From: 1, To: 3},
	}
	replies := []wire.Object{
		wire.SubscribeReply{Channel: "news", Epoch: "1-0-1", Offset: 3, Recovered: true},
		wire.SubscribeReply{Channel: "news", Epoch: "1-0-1", Presence: &wire.PresenceSet{Version: 2, Members: []wire.Member{ada}}},
		wire.ChannelReply{Channel: "news"},
		wire.Published{ID: "msg_1", Channel: "news", Epoch: "1-0-1", Offset: 3, Copies: 2},
		wire.Published{ID: "msg_1", Channel: "news", Epoch: "1-0-1", Offset: 3, Copies: 2, Duplicate: true},
		wire.VersionReply{Channel: "room", Version: 3},
		wire.MembersReply{Channel: "room", Version: 3, Members: []wire.Member{ada, {ClientID: "bob", Session: "ses_2"}}},
		wire.MembersReply{Channel: "room"},
		wire.HistoryOf("news", page),
		wire.HistoryOf("news", channel.HistoryPage{Epoch: epoch}),
		wire.TokenReply{Expires: 1795458123456},
		wire.TokenReply{},
		wire.TimeReply{Time: 1795458123456},
		nil,
	}
	var transcript bytes.Buffer
	for _, reply := range replies {
		fmt.Fprintf(&transcript, "%T\n  %s\n  %s\n", reply, wire.AppendReply(nil, 7, reply), wire.AppendReply(nil, 0, reply))
	}
	denied := wire.NewError(wire.CodeDenied)
	full := wire.NewError(wire.CodeQueueFull)
	fmt.Fprintf(&transcript, "error\n  %s\n  %s\n", wire.AppendErrorReply(nil, 7, denied), wire.AppendErrorReply(nil, 0, full))
	fmt.Fprintf(&transcript, "http\n  %s\n", wire.AppendErrorBody(nil, denied))
	both := [][]byte{wire.AppendReply(nil, 1, nil), wire.AppendErrorReply(nil, 2, denied)}
	fmt.Fprintf(&transcript, "commands\n  %s\n", wire.AppendReplies(nil, both))
	golden(t, "replies.txt", transcript.Bytes())
	for _, reply := range replies {
		if text := jsontext.Value(wire.AppendReply(nil, 7, reply)); !text.IsValid() {
			t.Errorf("not valid: %s", text)
		}
	}
}

func TestAppendPublishedAndHistoryAreTheObject(t *testing.T) {
	t.Parallel()
	published := wire.Published{ID: "a", Channel: "b", Epoch: "1-0-1", Offset: 1, Copies: 1}
	if got, want := wire.AppendPublished(nil, published), wire.AppendObject(nil, published); !bytes.Equal(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	history := wire.HistoryReply{Channel: "b", Epoch: "1-0-1"}
	if got, want := wire.AppendHistory(nil, history), wire.AppendObject(nil, history); !bytes.Equal(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}
