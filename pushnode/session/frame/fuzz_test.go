package frame_test

import (
	"slices"
	"testing"

	"halley/pushnode/session/frame"
)

// FuzzReader: no bytes make the Reader panic, hold more than the limit, touch what it has not read, or read in pieces what it does not read
// whole.
func FuzzReader(f *testing.F) {
	for _, s := range scripts() {
		if len(s.stream) < 4<<10 {
			f.Add([]byte(s.stream), s.deflate, uint16(100), uint8(3))
		}
	}
	f.Fuzz(func(t *testing.T, stream []byte, deflate bool, limit uint16, step uint8) {
		rules := frame.Rules{MessageBytes: int(limit), Deflate: deflate}
		var whole, pieces frame.Reader
		want := read(t, &whole, []string{string(stream)}, rules)
		var cut []string
		for piece := range slices.Chunk(stream, int(step)+1) {
			cut = append(cut, string(piece))
		}
		if got := read(t, &pieces, cut, rules); !slices.Equal(got, want) {
			t.Errorf("in pieces of %d: got %q, want %q", int(step)+1, brief(got), brief(want))
		}
	})
}
