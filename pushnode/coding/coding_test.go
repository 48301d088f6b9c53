package coding_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"halley/pushnode/coding"
)

var errWrong = errors.New("wrong")

// TestRoundTrip reads back whatever was written, and nothing of what was cut off or goes on.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number, small, signed := rapid.Uint64().Draw(t, "number"), rapid.Uint32().Draw(t, "small"), rapid.Int64().Draw(t, "signed")
		text, flag := rapid.SliceOf(rapid.Byte()).Draw(t, "text"), rapid.Bool().Draw(t, "flag")
		list := rapid.SliceOf(rapid.Uint64()).Draw(t, "list")
		var w coding.Writer
		w.Number(number)
		w.Number(uint64(small))
		w.Signed(signed)
		w.Bytes(text)
		w.Bool(flag)
		w.Fixeds(list)
		read := func(data []byte) (same bool, err error) {
			r := coding.Read(data, errWrong)
			same = r.Number() == number && r.Number32() == small && r.Signed() == signed && bytes.Equal(r.Bytes(), text) &&
				r.Bool() == flag && slices.Equal(r.Fixeds(), list)
			return same, r.End()
		}
		if same, err := read(w.Data); !same || err != nil {
			t.Fatalf("read back: %v, %v", same, err)
		}
		if _, err := read(w.Data[:rapid.IntRange(0, len(w.Data)-1).Draw(t, "cut")]); !errors.Is(err, errWrong) {
			t.Fatalf("cut off: %v", err)
		}
		if _, err := read(append(w.Data, 0)); !errors.Is(err, errWrong) {
			t.Fatalf("a byte too long: %v", err)
		}
	})
}

// TestMistakes names the first one and where it is.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		data []byte
		read func(*coding.Reader)
		want string
	}{
		"too many items":   {[]byte{9, 1}, func(r *coding.Reader) { r.Count(1) }, "wrong: count near byte 1"},
		"items too large":  {[]byte{1, 0, 0, 0, 0, 0, 0, 0}, func(r *coding.Reader) { r.Fixeds() }, "wrong: count near byte 1"},
		"a third boolean":  {[]byte{2}, func(r *coding.Reader) { r.Bool() }, "wrong: bool near byte 1"},
		"more than 32 bit": {[]byte{0xff, 0xff, 0xff, 0xff, 0x1f}, func(r *coding.Reader) { r.Number32() }, "wrong: number near byte 5"},
		"the first counts": {[]byte{2, 9}, func(r *coding.Reader) { r.Bool(); r.Count(1) }, "wrong: bool near byte 1"},
	} {
		r := coding.Read(test.data, errWrong)
		test.read(&r)
		if err := r.End(); err == nil || err.Error() != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}
