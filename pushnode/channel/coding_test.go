package channel_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"reflect"
	"runtime"
	"testing"

	"pgregory.net/rapid"

	"halley/pushnode/channel"
)

// coding is how one kind of value travels between nodes.
type coding[T any] struct {
	append func([]byte, T) []byte
	decode func([]byte) (T, error)
	draw   func(*rapid.T) T
}

// roundTrip holds that every value comes back, that no part of it passes for the whole, and that it owns its memory.
func (c coding[T]) roundTrip(t *testing.T) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		value := c.draw(t)
		encoded := c.append([]byte("before"), value)[len("before"):]
		cut := rapid.IntRange(0, len(encoded)-1).Draw(t, "cut")
		if got, err := c.decode(encoded[:cut]); !errors.Is(err, channel.ErrEncoding) {
			t.Fatalf("cut off at %d of %d: %+v, %v, want ErrEncoding", cut, len(encoded), got, err)
		}
		if got, err := c.decode(append(bytes.Clone(encoded), 0)); !errors.Is(err, channel.ErrEncoding) {
			t.Fatalf("a byte too long: %+v, %v, want ErrEncoding", got, err)
		}
		decoded, err := c.decode(encoded)
		if err != nil {
			t.Fatal(err)
		}
		for i := range encoded {
			encoded[i] = 0xff
		}
		if !reflect.DeepEqual(decoded, value) {
			t.Fatalf("got  %+v\nwant %+v", decoded, value)
		}
	})
}

// fuzz holds that what is not refused comes back.
func (c coding[T]) fuzz(f *testing.F) {
	f.Helper()
	for i := range 40 {
		f.Add(c.append(nil, rapid.Custom(c.draw).Example(i)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		value, err := c.decode(data)
		if err != nil {
			if !errors.Is(err, channel.ErrEncoding) {
				t.Fatalf("%v does not wrap ErrEncoding", err)
			}
			return
		}
		again, err := c.decode(c.append(nil, value))
		if err != nil || !reflect.DeepEqual(again, value) {
			t.Fatalf("%+v became %+v, %v", value, again, err)
		}
	})
}

// pinned holds that the encoding of the value is the one that other versions of the program know.
func (c coding[T]) pinned(t *testing.T, value T, want string) {
	t.Helper()
	if got := hex.EncodeToString(c.append(nil, value)); got != want {
		t.Errorf("%+v\ngot  %s\nwant %s", value, got, want)
	}
}

// refused holds that these bytes, in hexadecimal, are no value.
func (c coding[T]) refused(t *testing.T, cases map[string]string) {
	t.Helper()
	for name, text := range cases {
		data, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if value, err := c.decode(data); !errors.Is(err, channel.ErrEncoding) {
			t.Errorf("%s: got %+v, %v, want ErrEncoding", name, value, err)
		}
	}
}

// bounded holds that a list which claims as many items as there are bytes makes the decoder allocate no more than a small
// multiple of them. The list's length follows the head, which is in hexadecimal.
func (c coding[T]) bounded(t *testing.T, heads ...string) {
	t.Helper()
	const size, multiple = 1 << 20, 24
	for _, text := range heads {
		head, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		data := append(binary.AppendUvarint(head, size), bytes.Repeat([]byte{0xff}, size)...)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if value, err := c.decode(data); !errors.Is(err, channel.ErrEncoding) {
			t.Errorf("%s: got %+v, %v, want ErrEncoding", text, value, err)
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > multiple*size {
			t.Errorf("%s: %d bytes allocated for an input of %d", text, got, len(data))
		}
	}
}
