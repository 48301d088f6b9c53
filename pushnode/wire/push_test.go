package wire_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"halley/pushnode/wire"
)

// somePushes is every push, with and without what may be left out.
func somePushes() []wire.Push {
	denied := wire.Errorf(wire.CodeDenied, "this token may not subscribe to \"news\"")
	ada := wire.Member{ClientID: "ada", Session: "ses_1", Data: []byte(`{"colour":"blue"}`)}
	bob := wire.Member{ClientID: "bob", Session: "ses_2"}
	return []wire.Push{
		&wire.Message{Channel: "news", Event: "greeting", Data: []byte(`{"any":"JSON"}`), ID: "msg_01jd", Epoch: "3k9f0-0-7",
			Offset: 42, Timestamp: 1795458123456},
		&wire.Message{Channel: "news", Event: "message", Data: []byte(`1`), ID: "msg_01je", Epoch: "3k9f0-0-7", Offset: 43,
			Timestamp: 1795458123456, ClientID: "ada"},
		wire.Message{Channel: "a:b/c", ID: "\"quoted\\\"", Epoch: "1-0-1", Offset: 18446744073709551615},
		&wire.Message{Channel: "news", Event: "sépia\t\u2028<&>\x00", Data: []byte(`"line\nbreak"`), ID: "x", Epoch: "1-0-1",
			Offset: 1},
		wire.Connected{Session: "ses_1", Resume: "ses_1.c2VjcmV0", Time: 1795458123456, Ping: 25000, Timeout: 10000,
			MessageBytes: 65536, Channels: 200},
		wire.Connected{Ref: 1, Session: "ses_1", Resume: "ses_1.c2VjcmV0", Resumed: true, ClientID: "ada", Expires: 1795461723456,
			Time: 1795458123456, Ping: 25000, Timeout: 10000, MessageBytes: 65536, Channels: 200},
		wire.Subscribed{Channel: "news", Epoch: "3k9f0-0-7", Offset: 42, Recovered: true},
		wire.Unsubscribed{Channel: "news", Err: denied},
		wire.Presence{Channel: "room", Action: "enter", Member: ada, Version: 12},
		wire.Presence{Channel: "room", Action: "leave", Member: bob, Version: 13},
		wire.Presence{Channel: "room", Action: wire.ActionSync, Members: []wire.Member{ada, bob}, Version: 14},
		wire.Presence{Channel: "room", Action: wire.ActionSync, Version: 15},
		wire.Gap{Channel: "news", Reason: "evicted", From: 3, To: 9, Epoch: "3k9f0-0-7", Offset: 9},
		wire.Gap{Channel: "news", Reason: "unknown_epoch", Epoch: "3k9f0-0-8"},
		wire.Dropped{Channel: "news", Count: 7},
		wire.Suspended{Channel: "news", RetryAfter: 1500},
		wire.Expiring{Expires: 1795461723456, In: 60000},
		wire.Drain{ReconnectIn: 730},
		wire.Ping{},
		wire.Fault{Err: wire.NewError(wire.CodeOverCapacity).After(2500 * time.Millisecond)},
	}
}

// TestPushTranscript shows every push in every dialect.
func TestPushTranscript(t *testing.T) {
	t.Parallel()
	var transcript bytes.Buffer
	for _, push := range somePushes() {
		fmt.Fprintf(&transcript, "%s\n", push.Op())
		fmt.Fprintf(&transcript, "  websocket  %s\n", wire.AppendNative(nil, push))
		fmt.Fprintf(&transcript, "  poll       %s\n", wire.AppendObject(nil, push))
		for line := range strings.Lines(string(wire.AppendEvent(nil, push, "news*1-0-1:1"))) {
			fmt.Fprintf(&transcript, "  sse        %s", line)
		}
	}
	golden(t, "pushes.txt", transcript.Bytes())
}

// TestPushesAreStrictJSON reads every push as strictly as we read clients.
func TestPushesAreStrictJSON(t *testing.T) {
	t.Parallel()
	for _, push := range somePushes() {
		for _, text := range [][]byte{wire.AppendNative(nil, push), wire.AppendObject(nil, push)} {
			if value := jsontext.Value(text); !value.IsValid() {
				t.Errorf("not valid: %s", text)
			}
			if bytes.ContainsAny(text, "\r\n") {
				t.Errorf("has a line end, which would end a field of an event: %q", text)
			}
		}
	}
}

// TestSharedIsTheSame encodes once and compares with each dialect's own encoding.
func TestSharedIsTheSame(t *testing.T) {
	t.Parallel()
	for _, push := range somePushes() {
		shared := wire.Share(push)
		if got, want := fmt.Sprintf("%#v", shared.Push()), fmt.Sprintf("%#v", push); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		native := wire.AppendNative(nil, push)
		if got := shared.Native(); !bytes.Equal(got, native) {
			t.Errorf("native: got %s, want %s", got, native)
		}
		frame := append(wire.AppendFrameHeader(nil, wire.OpcodeText, len(native)), native...)
		if got, want := shared.Frame(), frame; !bytes.Equal(got, want) {
			t.Errorf("frame: got %q, want %q", got, want)
		}
		if got, want := shared.AppendObject([]byte("x")), wire.AppendObject([]byte("x"), push); !bytes.Equal(got, want) {
			t.Errorf("object: got %s, want %s", got, want)
		}
		for _, id := range []string{"", "1-0-1:1"} {
			if got, want := shared.AppendEvent(nil, id), wire.AppendEvent(nil, push, id); !bytes.Equal(got, want) {
				t.Errorf("event: got %q, want %q", got, want)
			}
		}
	}
}

// TestSharedFrameOfAnyLength crosses the lengths at which the header grows.
func TestSharedFrameOfAnyLength(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 10, 100, 126, 1000, 65535, 70000} {
		data := []byte(`"` + strings.Repeat("x", size) + `"`)
		shared := wire.Share(&wire.Message{Channel: "c", Data: data, ID: "i", Epoch: "1-0-1", Offset: 1})
		want := append(wire.AppendFrameHeader(nil, wire.OpcodeText, len(shared.Native())), shared.Native()...)
		if !bytes.Equal(shared.Frame(), want) {
			t.Errorf("%d bytes: the header is %x, want %x", size, shared.Frame()[:10], want[:10])
		}
	}
}

func TestEncodingAllocatesNothing(t *testing.T) {
	shared := wire.Share(somePushes()[0])
	push := somePushes()[0]
	dst := make([]byte, 0, 1024)
	for name, encode := range map[string]func(){
		"AppendNative": func() { dst = wire.AppendNative(dst[:0], push) },
		"AppendObject": func() { dst = wire.AppendObject(dst[:0], push) },
		"AppendEvent":  func() { dst = shared.AppendEvent(dst[:0], "1-0-1:1") },
	} {
		if allocations := testing.AllocsPerRun(100, encode); allocations != 0 {
			t.Errorf("%s allocates %v times", name, allocations)
		}
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	if got := string(wire.AppendRetry(nil, 3000)); got != "retry: 3000\n\n" {
		t.Errorf("got %q", got)
	}
}
