package wire_test

import (
	"testing"

	"halley/pushnode/wire"
)

// publishBody is a publish of about 128 bytes of data.
var publishBody = []byte(`{"event":"greeting",` +
	`"data":{"text":"hello, this is a message of ordinary size","from":"ada","room":"lobby","n":12345,"tags":["a","b"]}}`)

func BenchmarkDecodePublish(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, fault := wire.DecodePublish(publishBody); fault != nil {
			b.Fatal(fault)
		}
	}
}

func BenchmarkDecodeCommand(b *testing.B) {
	frame := []byte(`{"op":"publish","ref":7,"channel":"room:lobby",` + string(publishBody[1:]))
	b.ReportAllocs()
	for b.Loop() {
		if _, fault := wire.DecodeCommand(frame); fault != nil {
			b.Fatal(fault)
		}
	}
}

func BenchmarkShare(b *testing.B) {
	message := &wire.Message{
		Channel: "room:lobby", Event: "greeting", Data: publishBody, ID: "msg_01jd0000000000000000000000",
		Epoch: "3k9f0-0-7", Offset: 42, Timestamp: 1795458123456,
	}
	b.ReportAllocs()
	for b.Loop() {
		wire.Share(message)
	}
}

func BenchmarkAppendEvent(b *testing.B) {
	shared := wire.Share(&wire.Message{Channel: "room:lobby", Data: publishBody, ID: "msg_1", Epoch: "3k9f0-0-7", Offset: 42})
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = shared.AppendEvent(dst[:0], "3k9f0-0-7:42")
	}
}

func BenchmarkAppendPublished(b *testing.B) {
	published := wire.Published{ID: "msg_01jd0000000000000000000000", Channel: "room:lobby", Epoch: "3k9f0-0-7", Offset: 42}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = wire.AppendPublished(dst[:0], published)
	}
}
