package session

import (
	"bytes"
	"testing"

	"halley/pushnode/channel"
	"halley/pushnode/wire"
)

// What is written together is what each would have been by itself, and is made once for all.
func TestPusherFramesAreShared(t *testing.T) {
	t.Parallel()
	messages := twoMessages()
	sub := &subscription{entry: &entry{id: channel.ID{App: "app", Name: "news"}}}
	var dialect pusherDialect
	var apart []byte
	for i := range messages {
		one := item{shared: messages[i].shared(), sub: sub}
		apart = dialect.encode(apart, &one)
		if first, second := dialect.whole(&one), dialect.whole(&one); &first[0] != &second[0] {
			t.Errorf("message %d is made twice", i)
		}
	}
	together := item{batch: batchOf(messages), sub: sub}
	if placed := (pusherDialect{placed: true}).whole(&together); bytes.Count(placed, []byte(`"halley":{"at":`)) != len(messages) {
		t.Errorf("placed it is %q", placed)
	}
	if got := dialect.whole(&together); !bytes.Equal(got, apart) {
		t.Errorf("together %q, apart %q", got, apart)
	}
	if first, second := dialect.whole(&together), dialect.whole(&together); &first[0] != &second[0] {
		t.Error("a batch is made twice")
	}
}

// Who resumes is told where messages stand, and what is missing; the others get the same bytes as ever.
func TestPusherFramesArePlaced(t *testing.T) {
	t.Parallel()
	sub := &subscription{entry: &entry{id: channel.ID{App: "app", Name: "news"}}}
	message := &wire.Message{Channel: "news", Event: "e", Data: []byte("1"), Epoch: "7-0-1", Offset: 5}
	rewound := *message
	rewound.Rewound = true
	const text = `{"event":"e","channel":"news","data":"1"`
	for _, test := range []struct {
		one           item
		plain, placed string
	}{
		{item{shared: wire.Share(message)}, text + `}`, text + `,"halley":{"at":"7-0-1:5"}}`},
		{item{shared: wire.Share(&rewound)}, text + `,"halley":{"rewound":true}}`, text + `,"halley":{"at":"7-0-1:5","rewound":true}}`},
		{item{dropped: 2, sub: sub}, "", `{"event":"halley:gap","channel":"news","data":"{\"reason\":\"dropped\"}"}`},
		{
			item{shared: wire.Share(&wire.Gap{Channel: "news", Reason: "evicted", From: 2, To: 4, Epoch: "7-0-1", Offset: 4})},
			"", `{"event":"halley:gap","channel":"news","data":"{\"reason\":\"evicted\",\"from\":2,\"to\":4}","halley":{"at":"7-0-1:4"}}`,
		},
	} {
		for placed, want := range map[bool]string{false: test.plain, true: test.placed} {
			got := pusherDialect{placed: placed}.encode(nil, &test.one)
			if want != "" {
				want = string(textFrame([]byte(want)))
			}
			if string(got) != want {
				t.Errorf("placed %t: got %q, want %q", placed, got, want)
			}
		}
	}
}

// What Pusher's protocol has no word for is not said.
func TestPusherHasNoWordFor(t *testing.T) {
	t.Parallel()
	sub := &subscription{entry: &entry{id: channel.ID{App: "app", Name: "news"}}}
	for _, push := range []wire.Push{
		&wire.Subscribed{Channel: "news"}, &wire.Gap{Channel: "news"}, &wire.Suspended{Channel: "news"}, &wire.Expiring{}, wire.Ping{},
		&wire.Presence{Channel: "news", Action: "update", Only: true}, &wire.Presence{Channel: "news", Action: "enter"},
	} {
		one := item{shared: wire.Share(push), sub: sub}
		if got := (pusherDialect{}).encode(nil, &one); len(got) != 0 {
			t.Errorf("%T is told as %q", push, got)
		}
	}
	if got := (pusherDialect{}).encode(nil, &item{sub: sub, dropped: 3}); len(got) != 0 {
		t.Errorf("what was dropped is told as %q", got)
	}
}

func twoMessages() (messages []outgoing) {
	for offset := range uint64(2) {
		text := wire.Share(&wire.Message{
			Channel: "news", Event: "greet", Data: bytes.Repeat([]byte("1"), 128), ID: "msg_0123456789abcdefghjkmnpqrs", Epoch: "7-0-1", Offset: offset + 1,
		})
		messages = append(messages, outgoing{text: text})
	}
	return messages
}

// BenchmarkFrames is what two messages cost for 1000 receivers beside the writing: to encode them, to join them, and to find the bytes for each.
func BenchmarkFrames(b *testing.B) {
	for name, dialect := range map[string]dialect{"native": frameDialect{}, "pusher": pusherDialect{}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				one := item{batch: batchOf(twoMessages())}
				for range 1000 {
					dialect.whole(&one)
				}
			}
		})
	}
}
