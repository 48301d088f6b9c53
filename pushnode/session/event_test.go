package session

import (
	"fmt"
	"testing"

	"halley/pushnode/channel"
	"halley/pushnode/wire"
)

// The events that streams of one channel share are those that each would have written by itself.
func TestSharedEventsAreTheirOwn(t *testing.T) {
	t.Parallel()
	var messages []outgoing
	for offset := range uint64(3) {
		text := wire.Share(&wire.Message{Channel: "a b", Data: []byte(fmt.Sprint(offset)), Epoch: "7-0-1", Offset: offset + 1})
		messages = append(messages, outgoing{text: text})
	}
	sub := &subscription{entry: &entry{id: channel.ID{App: "app", Name: "a b"}}}
	one := item{shared: messages[0].text, sub: sub}
	three := item{batch: batchOf(messages), sub: sub}
	for name, only := range map[string]string{"bare": "a b", "named": ""} {
		alone, also := &eventDialect{trail: trail{only: only}}, &eventDialect{trail: trail{only: only}}
		for i, what := range []item{one, three, one, three} {
			want := string(also.encode(nil, &what))
			got := alone.whole(&what)
			if i == 0 { // where the stream begins it does not know its channel yet
				if got != nil {
					t.Errorf("%s: a stream that has not begun shares %q", name, got)
				}
				got = alone.encode(nil, &what)
			}
			if string(got) != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
			if again := (&eventDialect{trail: also.trail}).whole(&what); i > 0 && &again[0] != &got[0] {
				t.Errorf("%s: encoded again", name)
			}
		}
	}
	both := &eventDialect{}
	both.trail.set("a b", "7-0-1", 1)
	both.trail.set("c", "7-0-1", 1)
	if got := both.whole(&one); got != nil {
		t.Errorf("a stream of two channels shares %q", got)
	}
}
