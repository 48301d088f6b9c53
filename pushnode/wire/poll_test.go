package wire_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"halley/pushnode/wire"
)

// TestPollTranscript assembles answers of pushes, shared and not.
func TestPollTranscript(t *testing.T) {
	t.Parallel()
	var transcript bytes.Buffer
	var empty wire.Poll
	if !empty.Empty() || empty.Messages() != 0 || empty.Size() != 0 {
		t.Error("an answer without a push is not empty")
	}
	fmt.Fprintf(&transcript, "nothing\n  %s\n", empty.Append(nil, ""))
	var all, shared wire.Poll
	messages := 0
	for _, push := range somePushes() {
		var one wire.Poll
		one.Add(push)
		if one.Empty() {
			t.Errorf("%s was lost", push.Op())
		}
		fmt.Fprintf(&transcript, "%s\n  %s\n", push.Op(), one.Append(nil, "news*1-0-1:1"))
		all.Add(push)
		shared.AddShared(wire.Share(push))
		if push.Op() == "message" {
			messages++
		}
	}
	fmt.Fprintf(&transcript, "all\n  %s\n", all.Append(nil, "news*1-0-1:1"))
	golden(t, "polls.txt", transcript.Bytes())
	if got, want := shared.Append(nil, "c"), all.Append(nil, "c"); !bytes.Equal(got, want) {
		t.Errorf("of shared pushes: got %s, want %s", got, want)
	}
	if text := jsontext.Value(all.Append(nil, "c")); !text.IsValid() || all.Messages() != messages || all.Size() > len(text) {
		t.Errorf("%d messages, %d bytes, not all of %s", all.Messages(), all.Size(), text)
	}
}
