package frame_test

import (
	"fmt"
	"strings"
	"testing"

	"halley/pushnode/session/frame"
)

// BenchmarkText reads one text frame that came as a whole. The mask goes off and on again: as every other payload is unmasked text, those
// are checked against UTF-8 too, since the key has ASCII bytes alone.
func BenchmarkText(b *testing.B) {
	for _, size := range []int{100, 1 << 10, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			benchmark(b, maskedBy(0x01020304, fin|text, strings.Repeat("text", size/4)))
		})
	}
}

// BenchmarkInPieces reads a text frame that came in reads of 4 KB.
func BenchmarkInPieces(b *testing.B) {
	p := []byte(maskedBy(0x01020304, fin|text, strings.Repeat("text", 16<<10)))
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	var reader frame.Reader
	for b.Loop() {
		for rest := p; len(rest) > 0; rest = rest[min(4<<10, len(rest)):] {
			if _, _, err := reader.Next(rest[:min(4<<10, len(rest))], script{}.rules()); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkInflate reads a compressed message of 1 KB.
func BenchmarkInflate(b *testing.B) {
	stream := compressed(strings.Repeat(`{"op":"publish","channel":"news"}`, 32))
	b.ReportAllocs()
	var reader frame.Reader
	for b.Loop() {
		p := []byte(stream)
		if event, _, err := reader.Next(p, script{deflate: true}.rules()); err != nil || event.Opcode != text {
			b.Fatal(event, err)
		}
	}
}

// BenchmarkDeflate compresses a message of 1 KB, as it is done once for all its receivers.
func BenchmarkDeflate(b *testing.B) {
	payload := []byte(strings.Repeat(`{"op":"publish","channel":"news"}`, 32))
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out = frame.AppendDeflated(out[:0], payload)
	}
	b.ReportMetric(float64(len(out))/float64(len(payload)), "ratio")
}

func benchmark(b *testing.B, stream string) {
	b.Helper()
	p := []byte(stream)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	var reader frame.Reader
	for b.Loop() {
		if event, _, err := reader.Next(p, script{}.rules()); err != nil || event.Opcode != text {
			b.Fatal(event, err)
		}
	}
}
