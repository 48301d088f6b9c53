package link

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"pgregory.net/rapid"
)

func TestGreetingsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := hello{
			min: rapid.Byte().Draw(t, "min"), purpose: purpose(rapid.IntRange(0, 1).Draw(t, "purpose")),
			class: Class(rapid.IntRange(0, int(classes)-1).Draw(t, "class")), label: rapid.Uint64().Draw(t, "label"),
			cluster: rapid.Uint64().Draw(t, "cluster"), from: rapid.Uint64Min(1).Draw(t, "from"), to: rapid.Uint64().Draw(t, "to"),
			number: rapid.Uint64().Draw(t, "number"),
		}
		h.max = rapid.ByteMin(h.min).Draw(t, "max")
		encoded := h.append(nil)
		if got, err := readHello(bytes.NewReader(encoded)); err != nil || got != h || len(encoded) != helloBytes {
			t.Fatalf("got %+v of %d bytes, error %v, want %+v", got, len(encoded), err, h)
		}
		w := welcome{
			version: rapid.Byte().Draw(t, "version"), answer: answer(rapid.IntRange(0, int(answers)-1).Draw(t, "answer")),
			instance: rapid.Uint64Min(1).Draw(t, "instance"),
		}
		encoded = w.append(nil)
		if got, err := readWelcome(bytes.NewReader(encoded)); err != nil || got != w || len(encoded) != welcomeBytes {
			t.Fatalf("got %+v of %d bytes, error %v, want %+v", got, len(encoded), err, w)
		}
	})
}

func TestGreetingsThatMakeNoSense(t *testing.T) {
	for name, h := range map[string]hello{
		"class":    {class: classes, from: 1},
		"purpose":  {purpose: probing + 1, from: 1},
		"nobody":   {},
		"versions": {min: 2, max: 1, from: 1},
	} {
		if _, err := readHello(bytes.NewReader(h.append(nil))); !errors.Is(err, errMisfit) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, w := range map[string]welcome{"answer": {answer: answers, instance: 1}, "nobody": {}} {
		if _, err := readWelcome(bytes.NewReader(w.append(nil))); !errors.Is(err, errMisfit) {
			t.Errorf("%s: %v", name, err)
		}
	}
	damaged := hello{from: 1}.append(nil)
	damaged[20] ^= 1
	if _, err := readHello(bytes.NewReader(damaged)); !errors.Is(err, errMisfit) {
		t.Errorf("damaged: %v", err)
	}
	// Judged at once: the rest never comes.
	if _, err := readHello(io.MultiReader(bytes.NewReader([]byte("GET ")), neverReader{})); !errors.Is(err, errMisfit) {
		t.Errorf("another protocol: %v", err)
	}
}

// neverReader is a reader that must not be asked.
type neverReader struct{}

func (neverReader) Read([]byte) (int, error) { panic("read") }

func FuzzReadHello(f *testing.F) {
	f.Add(hello{max: 1, from: 1, to: 2, number: 3}.append(nil))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := readHello(bytes.NewReader(b)); err == nil && !bytes.HasPrefix(b, h.append(nil)) {
			t.Errorf("%x was read as %+v", b, h)
		}
	})
}

func FuzzReadWelcome(f *testing.F) {
	f.Add(welcome{version: 1, instance: 1}.append(nil))
	f.Add([]byte("\x15\x03\x01\x00\x02\x02\x28"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if w, err := readWelcome(bytes.NewReader(b)); err == nil && !bytes.HasPrefix(b, w.append(nil)) {
			t.Errorf("%x was read as %+v", b, w)
		}
	})
}
