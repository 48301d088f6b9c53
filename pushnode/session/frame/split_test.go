package frame_test

import (
	"testing"

	"pgregory.net/rapid"

	"halley/pushnode/session/frame"
	"halley/pushnode/wire"
)

// TestSplits: however the bytes of a client are cut, the same is read from them.
func TestSplits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawScript(t)
		s.check(t, drawPieces(t, s.stream))
		s.check(t, []string{s.stream})
	})
}

// TestRulesInPieces reads the scripts of all rules in pieces that chance cuts.
func TestRulesInPieces(t *testing.T) {
	t.Parallel()
	for name, s := range scripts() {
		random := rapid.Custom(func(t *rapid.T) []string { return drawPieces(t, s.stream) })
		for seed := range 5 {
			pieces := random.Example(seed)
			var reader frame.Reader
			if got := read(t, &reader, pieces, s.rules()); !isWanted(got, s.want) {
				t.Errorf("%s in %d pieces: got %q, want %q", name, len(pieces), brief(got), brief(s.want))
			}
		}
	}
}

// drawScript draws what a lawful client sends: messages in fragments, compressed or not, and control frames between.
func drawScript(t *rapid.T) script {
	s := script{deflate: rapid.Bool().Draw(t, "deflate")}
	for range rapid.IntRange(1, 6).Draw(t, "messages") {
		payload, opcode := rapid.String().Draw(t, "text"), byte(text)
		if rapid.Bool().Draw(t, "binary") {
			payload, opcode = string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")), binaryFrame
		}
		event := inWords(frame.Event{Opcode: wire.Opcode(opcode), Payload: []byte(payload)})
		if s.deflate && rapid.Bool().Draw(t, "compressed") {
			payload, opcode = deflate(payload, rapid.IntRange(-2, 9).Draw(t, "level")), opcode|deflated
		}
		s.addMessage(t, opcode, payload)
		s.want = append(s.want, event)
	}
	if rapid.Bool().Draw(t, "close") {
		s.stream += closeFrame(1000, "end") + masked(fin|text, "too late")
		s.want = append(s.want, `close 1000 "end"`)
	}
	return s
}

// addMessage adds the frames of a message, with pings between them.
func (s *script) addMessage(t *rapid.T, opcode byte, payload string) {
	pieces := drawPieces(t, payload)
	if len(pieces) == 0 {
		pieces = []string{""}
	}
	for i, piece := range pieces {
		if rapid.IntRange(0, 3).Draw(t, "ping") == 0 {
			s.stream += masked(fin|ping, "?")
			s.want = append(s.want, `ping "?"`)
		}
		first := opcode
		if i > 0 {
			first = continuation
		}
		if i == len(pieces)-1 {
			first |= fin
		}
		s.stream += maskedBy(rapid.Uint32().Draw(t, "key"), first, piece)
	}
}

// drawPieces cuts a text in pieces, most of them short.
func drawPieces(t *rapid.T, whole string) []string {
	var pieces []string
	for whole != "" {
		n := min(len(whole), rapid.OneOf(rapid.IntRange(1, 4), rapid.IntRange(1, 1+len(whole)/2)).Draw(t, "piece"))
		pieces, whole = append(pieces, whole[:n]), whole[n:]
	}
	return pieces
}

// TestUnmask holds the words of 8 bytes against the rule for single bytes, with every remainder, from any byte of the key on.
func TestUnmask(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		payload := string(rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "payload"))
		key := rapid.Uint32().Draw(t, "key")
		rest, out := key, ""
		for _, piece := range drawPieces(t, payload) {
			p := []byte(piece)
			rest = frame.Unmask(p, rest)
			out += string(p)
		}
		if want := xor(payload, key); out != want {
			t.Fatalf("got %q, want %q", out, want)
		}
	})
}

// TestSize: a million idle clients have a million Readers.
func TestSize(t *testing.T) {
	t.Parallel()
	if size := frame.Size(); size > 24 {
		t.Errorf("a Reader has %d bytes", size)
	}
}
