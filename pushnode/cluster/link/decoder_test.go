package link

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// Whatever the lengths of frames and the pieces in which they come, those that were put come out.
func TestDecoderTakesWhatOutboxHolds(t *testing.T) {
	lengths := []int{0, 1, headerBytes, 1000, bufferBytes - headerBytes, bufferBytes, keepBytes, keepBytes + bufferBytes, 2 << 20}
	rapid.Check(t, func(t *rapid.T) {
		out := newOutbox(1 << 30)
		sent := rapid.SliceOfN(rapid.SampledFrom(lengths), 1, 4).Draw(t, "lengths")
		for i, length := range sent {
			if !out.put(payloadKind, bytes.Repeat([]byte{byte(i)}, length)) {
				t.Fatal("not put")
			}
		}
		batch, _ := out.take(nil)
		var source io.Reader = bytes.NewReader(batch)
		source = rapid.SampledFrom([]io.Reader{source, iotest.HalfReader(source), iotest.DataErrReader(source)}).Draw(t, "pieces")
		frames := newDecoder(source, 2<<20)
		for i, length := range sent {
			k, payload, err := frames.next()
			if err != nil || k != payloadKind || !bytes.Equal(payload, bytes.Repeat([]byte{byte(i)}, length)) {
				t.Fatalf("frame %d: %d bytes of kind %d, error %v", i, len(payload), k, err)
			}
		}
		if _, _, err := frames.next(); err != io.EOF {
			t.Fatalf("after the last frame: %v", err)
		}
		if len(frames.buffer) > bufferBytes && slices.Max(sent) <= bufferBytes-headerBytes {
			t.Fatalf("a buffer of %d bytes for short frames", len(frames.buffer))
		}
	})
}

// Each single flipped bit is found, and found without waiting for more than came.
func TestDecoderFindsFlippedBits(t *testing.T) {
	frame := encode(payloadKind, []byte("something to keep whole"))
	for bit := range 8 * len(frame) {
		damaged := bytes.Clone(frame)
		damaged[bit/8] ^= 1 << (bit % 8)
		if _, _, err := newDecoder(bytes.NewReader(damaged), 1<<20).next(); !errors.Is(err, errDamaged) {
			t.Errorf("bit %d: %v", bit, err)
		}
	}
}

func TestDecoderTellsACutFromAnEnd(t *testing.T) {
	frame := encode(payloadKind, []byte("cut"))
	for length := 1; length < len(frame); length++ {
		if _, _, err := newDecoder(bytes.NewReader(frame[:length]), 1<<20).next(); err != io.ErrUnexpectedEOF {
			t.Errorf("cut after %d bytes: %v", length, err)
		}
	}
}

// A header that promises much makes the decoder hold no more than twice what comes.
func TestDecoderBelievesNoLength(t *testing.T) {
	frame := encode(payloadKind, make([]byte, 16<<20))
	for _, comes := range []int{headerBytes, 100 << 10, 1 << 20} {
		frames := newDecoder(bytes.NewReader(frame[:comes]), 16<<20)
		if _, _, err := frames.next(); err != io.ErrUnexpectedEOF {
			t.Errorf("%d bytes: %v", comes, err)
		}
		if held := len(frames.buffer); held > max(2*comes, bufferBytes) {
			t.Errorf("%d bytes came, %d are held", comes, held)
		}
	}
	if _, _, err := newDecoder(bytes.NewReader(frame), 2<<20).next(); !errors.Is(err, errDamaged) {
		t.Errorf("a frame above the limit: %v", err)
	}
}

func encode(k kind, payload []byte) []byte {
	return append(appendHeader(nil, k, len(payload), crc32.Checksum(payload, castagnoli)), payload...)
}

func FuzzDecoder(f *testing.F) {
	f.Add(encode(payloadKind, []byte("a")))
	f.Add(append(encode(pingKind, ping(5)), encode(byeKind, []byte{byte(Left)})...))
	f.Add(encode(pongKind, make([]byte, pongBytes))[:20])
	f.Fuzz(func(t *testing.T, stream []byte) {
		frames := newDecoder(bytes.NewReader(stream), 1<<20)
		var again []byte
		for {
			k, payload, err := frames.next()
			if err != nil {
				break
			}
			again = append(again, encode(k, payload)...)
		}
		if !bytes.HasPrefix(stream, again) {
			t.Errorf("%x was read as %x", stream, again)
		}
	})
}
