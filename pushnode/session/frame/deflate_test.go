package frame_test

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"halley/pushnode/session/frame"
)

// compressed returns a text as a client sends it that compresses with the standard library.
func compressed(payload string) string {
	return masked(fin|text|deflated, deflate(payload, flate.DefaultCompression))
}

// deflate compresses as RFC 7692, section 7.2.1, says it.
func deflate(payload string, level int) string {
	var out bytes.Buffer
	stream, err := flate.NewWriter(&out, level)
	if err == nil {
		_, err = io.WriteString(stream, payload)
	}
	if err == nil {
		err = stream.Flush()
	}
	if err != nil {
		panic(err)
	}
	return strings.TrimSuffix(out.String(), "\x00\x00\xff\xff")
}

// deflateScripts are the examples of RFC 7692, section 7.2.3, and what the cases 12 and 13 of the Autobahn test suite send.
func deflateScripts() map[string]script {
	hello := []string{`text "Hello"`}
	one, first, rest := "\xf2\x48\xcd\xc9\xc9\x07\x00", "\xf2\x48\xcd", "\xc9\xc9\x07\x00"
	out := map[string]script{
		"7.2.3.1: one block":               {stream: masked(fin|text|deflated, one), want: hello},
		"7.2.3.1: in fragments":            {stream: masked(text|deflated, first) + masked(fin|continuation, rest), want: hello},
		"7.2.3.1: a ping between":          {stream: masked(text|deflated, first) + masked(fin|ping, "") + masked(fin|continuation, rest), want: []string{`ping ""`, hello[0]}},
		"7.2.3.3: a block as it is":        {stream: masked(fin|text|deflated, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), want: hello},
		"7.2.3.4: a final block":           {stream: masked(fin|text|deflated, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), want: hello},
		"7.2.3.5: two blocks":              {stream: masked(fin|text|deflated, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), want: hello},
		"7.2.3.6: an empty message":        {stream: masked(fin|text|deflated, "\x00"), want: []string{`text ""`}},
		"a block behind a final one":       {stream: masked(fin|text|deflated, "\xf3\x48\xcd\xc9\xc9\x07\x00"+one), want: []string{`text "HelloHello"`}},
		"many final blocks":                {stream: masked(fin|text|deflated, strings.Repeat("\x03\x00", frame.MaxStreams)+"\x00"), want: []string{badData}},
		"as many final blocks as may be":   {stream: masked(fin|text|deflated, strings.Repeat("\x03\x00", frame.MaxStreams-1)+"\x00"), want: []string{`text ""`}},
		"not compressed, though it may be": {stream: masked(fin|text, "Hello"), want: hello},
		"compressed and not, in turn":      {stream: compressed("one") + masked(fin|text, "two") + compressed("one"), want: []string{`text "one"`, `text "two"`, `text "one"`}},
		"compressed binary":                {stream: masked(fin|binaryFrame|deflated, deflate("\xff\xfe", 1)), want: []string{`binary "\xff\xfe"`}},
		"nothing, not even an empty block": {stream: masked(fin|text|deflated, ""), want: []string{badData}},
		"cut amid a block":                 {stream: masked(fin|text|deflated, one[:4]), want: []string{badData}},
		"no DEFLATE at all":                {stream: masked(fin|text|deflated, "\xff\xff\xff"), want: []string{badData}},
		"a distance beyond the beginning":  {stream: masked(fin|text|deflated, "\x02\x13\x00\x00"), want: []string{badData}}, // context takeover, which was not agreed upon
		"the tail was not cut":             {stream: masked(fin|text|deflated, one+"\x00\x00\xff\xff\x00"), want: hello},
	}
	for _, size := range []int{16, 64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10} {
		random := rand.New(rand.NewPCG(7, uint64(size)))
		payload := make([]byte, size)
		for i := range payload {
			payload[i] = "    abcdefghijklm\"{}:0123"[random.IntN(25)]
		}
		for _, level := range []int{flate.NoCompression, flate.HuffmanOnly, flate.BestSpeed, flate.BestCompression} {
			out[fmt.Sprintf("12: %d bytes at level %d", size, level)] = script{
				stream: masked(fin|text|deflated, deflate(string(payload), level)), want: []string{fmt.Sprintf("text %q", payload)}, limit: size}
		}
	}
	for name, s := range out {
		s.deflate = true
		out[name] = s
	}
	return out
}

// TestAppendDeflated: what it writes is what RFC 7692 wants, and the Reader reads it.
func TestAppendDeflated(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		payload := rapid.StringN(0, 200, 1000).Draw(t, "payload")
		before := rapid.StringMatching(`[a-z]{0,10}`).Draw(t, "before")
		out := frame.AppendDeflated([]byte(before), []byte(payload))
		body, found := strings.CutPrefix(string(out), before)
		if !found || strings.HasSuffix(body, "\x00\x00\xff\xff") {
			t.Fatalf("%q was appended to %q", out, before)
		}
		stream := masked(fin|text|deflated, body)
		script{stream: stream, want: []string{fmt.Sprintf("text %q", payload)}, deflate: true}.check(t, []string{stream})
	})
}

// TestNoContextTakeover: a message refers to none before it, though the same compressor wrote it.
func TestNoContextTakeover(t *testing.T) {
	t.Parallel()
	payload := strings.Repeat("the same words again, ", 10)
	for range 10 {
		body := string(frame.AppendDeflated(nil, []byte(payload)))
		plain, err := io.ReadAll(flate.NewReader(strings.NewReader(body + "\x00\x00\xff\xff\x01\x00\x00\xff\xff")))
		if err != nil || string(plain) != payload {
			t.Fatalf("inflated to %q, error %v", plain, err)
		}
	}
}

// TestBombIsCheap: a message that would inflate to a thousand times its limit costs the limit, and is told for what it is.
func TestBombIsCheap(t *testing.T) {
	const limit = 1 << 14
	bomb := []byte(compressed(strings.Repeat("\x00", 12<<20)))
	if len(bomb) > limit {
		t.Fatalf("the bomb has %d bytes: it would not be inflated at all", len(bomb))
	}
	var before, after runtime.MemStats
	var reader frame.Reader
	runtime.ReadMemStats(&before)
	_, _, err := reader.Next(bomb, frame.Rules{MessageBytes: limit, Deflate: true})
	runtime.ReadMemStats(&after)
	if err != frame.ErrTooLarge {
		t.Errorf("the reader said %v", err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 4*limit+(64<<10) { // with a decoder
		t.Errorf("it took %d bytes", took)
	}
}
