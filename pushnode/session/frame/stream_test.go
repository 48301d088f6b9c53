package frame_test

import (
	"encoding/binary"
	"fmt"
	"pgregory.net/rapid"
	"slices"
	"strings"

	"halley/pushnode/session/frame"
	"halley/pushnode/wire"
)

// The first bytes of frames, as the tables write them.
const (
	fin          = 0x80
	deflated     = 0x40
	continuation = 0x0
	text         = 0x1
	binaryFrame  = 0x2
	closing      = 0x8
	ping         = 0x9
	pong         = 0xA
)

// key is that of the examples in RFC 6455, section 5.7.
const key = 0x3d21fa37

// masked returns a frame of a client with the given first byte and the shortest length.
func masked(first byte, payload string) string { return maskedBy(key, first, payload) }

func maskedBy(key uint32, first byte, payload string) string {
	header := wire.AppendFrameHeader(nil, 0, len(payload))
	header[0] = first
	header[1] |= 0x80
	return string(binary.LittleEndian.AppendUint32(header, key)) + xor(payload, key)
}

// xor masks a payload byte by byte, as section 5.3 of RFC 6455 says it.
func xor(payload string, key uint32) string {
	out := []byte(payload)
	for i := range out {
		out[i] ^= byte(key >> (8 * (i % 4)))
	}
	return string(out)
}

// closeFrame returns a client's close.
func closeFrame(code uint16, reason string) string {
	return masked(fin|closing, string(binary.BigEndian.AppendUint16(nil, code))+reason)
}

// read feeds a reader pieces, and returns the events in words. After an error that is not final it goes on.
func read(tb rapid.TB, r *frame.Reader, pieces []string, rules frame.Rules) []string {
	tb.Helper()
	var events []string
	for _, piece := range pieces {
		p := []byte(piece)
		for len(p) > 0 {
			event, rest, err := r.Next(p, rules)
			wantBounds(tb, r, rules)
			if tail := piece[len(piece)-len(rest):]; string(rest) != tail {
				tb.Fatalf("the rest is %q, not %q: it was not yet read", rest, tail)
			}
			switch {
			case err != nil:
				events = append(events, fmt.Sprint("error ", err.(*frame.Error).Code, ": ", err))
				if err != frame.ErrTooLarge {
					wantFinal(tb, r, err, rules)
					return events
				}
			case event.Opcode != 0:
				events = append(events, inWords(event))
			case len(rest) > 0:
				tb.Fatalf("there is no event, but the rest is %q", rest)
			}
			p = rest
		}
	}
	return events
}

// wantFinal holds a reader to its error.
func wantFinal(tb rapid.TB, r *frame.Reader, err error, rules frame.Rules) {
	tb.Helper()
	if _, rest, again := r.Next([]byte(masked(fin|text, "more")), rules); again != err || len(rest) > 0 {
		tb.Fatalf("after the error %v the reader said %v", err, again)
	}
	wantIdle(tb, r)
}

// wantBounds holds a reader to its bounds.
func wantBounds(tb rapid.TB, r *frame.Reader, rules frame.Rules) {
	tb.Helper()
	bound := rules.MessageBytes
	if rules.Deflate {
		bound += bound/8 + bound/64 + 16
	}
	if message, control, _ := r.Held(); message > bound || control > 2*wire.MaxControlBytes {
		tb.Fatalf("the reader holds %d bytes of a message and %d of a control frame", message, control)
	}
}

// wantIdle wants a reader to hold nothing.
func wantIdle(tb rapid.TB, r *frame.Reader) {
	tb.Helper()
	if message, control, open := r.Held(); open {
		tb.Fatalf("between messages the reader holds %d bytes of a message and %d of a control frame", message, control)
	}
}

// inWords says what an event is.
func inWords(event frame.Event) string {
	names := map[wire.Opcode]string{text: "text", binaryFrame: "binary", closing: "close", ping: "ping", pong: "pong"}
	if event.Opcode == closing {
		return fmt.Sprintf("close %d %q", event.Code, event.Payload)
	}
	return fmt.Sprintf("%s %q", names[event.Opcode], event.Payload)
}

// The errors in words.
const (
	refused  = "error 1002"
	badData  = "error 1007"
	tooLarge = "error 1009"
)

// isWanted compares events with what a table wants: errors by their code.
func isWanted(got, want []string) bool {
	return slices.EqualFunc(got, want, func(got, want string) bool {
		return got == want || strings.HasPrefix(want, "error") && strings.HasPrefix(got, want+":")
	})
}

// singly cuts a text into its bytes.
func singly(stream string) []string {
	var pieces []string
	for i := range len(stream) {
		pieces = append(pieces, stream[i:i+1])
	}
	return pieces
}

// brief shortens long events.
func brief(events []string) []string {
	out := slices.Clone(events)
	for i, event := range out {
		if len(event) > 80 {
			out[i] = fmt.Sprintf("%.60s… (%d)", event, len(event))
		}
	}
	return out
}
