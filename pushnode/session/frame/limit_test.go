package frame_test

import (
	"fmt"
	"strings"
	"testing"

	"halley/pushnode/session/frame"
)

// limitScripts are messages at and above a limit of 10 bytes. What comes behind one that is too large is read.
func limitScripts() map[string]script {
	ten, end := "0123456789", closeFrame(1000, "")
	closed := `close 1000 ""`
	out := map[string]script{
		"limit: reached":                   {stream: masked(fin|text, ten), want: []string{fmt.Sprintf("text %q", ten)}},
		"limit: reached in fragments":      {stream: masked(text, ten) + masked(fin|continuation, ""), want: []string{fmt.Sprintf("text %q", ten)}},
		"limit: passed":                    {stream: masked(fin|text, ten+"x") + end, want: []string{tooLarge, closed}},
		"limit: passed by a fragment":      {stream: masked(text, ten) + masked(fin|continuation, "x") + end, want: []string{tooLarge, closed}},
		"limit: told once a message":       {stream: masked(text, ten+"x") + masked(continuation, ten+"x") + masked(fin|continuation, "") + end, want: []string{tooLarge, closed}},
		"limit: told for each message":     {stream: masked(fin|text, ten+"x") + masked(fin|binaryFrame, ten+"x") + end, want: []string{tooLarge, tooLarge, closed}},
		"limit: a ping within":             {stream: masked(text, ten+"x") + masked(fin|ping, "?") + masked(fin|continuation, "") + end, want: []string{tooLarge, `ping "?"`, closed}},
		"limit: a small message behind":    {stream: masked(fin|text, ten+"x") + masked(fin|text, "small"), want: []string{tooLarge, `text "small"`}},
		"limit: bad text that is skipped":  {stream: masked(fin|text, ten+"\xff") + end, want: []string{tooLarge, closed}},
		"limit: bad order while skipping":  {stream: masked(text, ten+"x") + masked(fin|text, "x"), want: []string{tooLarge, refused}},
		"limit: a ping may be longer":      {stream: masked(fin|ping, ten+"x"), want: []string{fmt.Sprintf("ping %q", ten+"x")}},
		"limit: compressed, reached":       {stream: compressed(ten), want: []string{fmt.Sprintf("text %q", ten)}, deflate: true},
		"limit: compressed, passed":        {stream: compressed(ten+"x") + end, want: []string{tooLarge, closed}, deflate: true},
		"limit: compressed, by its length": {stream: masked(fin|text|deflated, strings.Repeat("\x00", 40)) + end, want: []string{tooLarge, closed}, deflate: true},
		"limit: a bomb":                    {stream: compressed(strings.Repeat("\x00", 9000)) + end, want: []string{tooLarge, closed}, deflate: true},
	}
	for name, s := range out {
		s.limit = 10
		out[name] = s
	}
	return out
}

// TestTooLargeIsToldByTheHeader: before a byte of the payload has come, and nothing is kept for it.
func TestTooLargeIsToldByTheHeader(t *testing.T) {
	t.Parallel()
	header := "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00"
	var reader frame.Reader
	if got := read(t, &reader, singly(header), script{limit: 1 << 16}.rules()); !isWanted(got, []string{tooLarge}) {
		t.Errorf("got %q", got)
	}
	for range 100 {
		if got := read(t, &reader, []string{strings.Repeat("x", 1<<10)}, script{limit: 1 << 16}.rules()); len(got) > 0 {
			t.Fatalf("the payload that is skipped: got %q", got)
		}
		if held, _, _ := reader.Held(); held != 0 {
			t.Fatalf("of the payload that is skipped the reader holds %d bytes", held)
		}
	}
}

// TestWholeFrameTakesNoMemory: its payload is part of what was read, unmasked there.
func TestWholeFrameTakesNoMemory(t *testing.T) {
	var reader frame.Reader
	if allocations := testing.AllocsPerRun(100, func() {
		p := []byte("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58")
		event, _, err := reader.Next(p, script{}.rules())
		if err != nil || &event.Payload[0] != &p[6] || string(p[6:]) != "Hello" {
			t.Fatalf("got %v, error %v, and %q is left", event, err, p)
		}
	}); allocations > 1 { // p itself
		t.Errorf("it takes %v allocations", allocations)
	}
}

// TestHoldsWhatCame: a header that promises much takes no memory for it.
func TestHoldsWhatCame(t *testing.T) {
	t.Parallel()
	payload := strings.Repeat("x", 1<<16)
	stream := masked(fin|text, payload)
	var reader frame.Reader
	for i := 0; i < len(stream)-1; i += 100 {
		if got := read(t, &reader, []string{stream[i:min(i+100, len(stream)-1)]}, script{limit: 1 << 16}.rules()); len(got) > 0 {
			t.Fatalf("got %q", got)
		}
		if held, _, _ := reader.Held(); held > 2*(i+100) {
			t.Fatalf("after %d bytes the reader holds %d", i+100, held)
		}
	}
	if got := read(t, &reader, []string{stream[len(stream)-1:]}, script{limit: 1 << 16}.rules()); !isWanted(got, []string{fmt.Sprintf("text %q", payload)}) {
		t.Errorf("got %q", brief(got))
	}
}

// TestFragmentsStayWithinTheLimit: nobody knows how many follow, but room is made for no more than may.
func TestFragmentsStayWithinTheLimit(t *testing.T) {
	t.Parallel()
	half, limit := strings.Repeat("x", 600), script{limit: 1000}.rules()
	var reader frame.Reader
	if got := read(t, &reader, []string{masked(text, half), masked(continuation, half[:399])}, limit); len(got) > 0 {
		t.Errorf("got %q", got)
	}
	if held, _, _ := reader.Held(); held != limit.MessageBytes {
		t.Errorf("the reader has room for %d bytes", held)
	}
	if got := read(t, &reader, []string{masked(continuation, "xx")}, limit); !isWanted(got, []string{tooLarge}) {
		t.Errorf("got %q", got)
	}
}

// TestLimitMayFall: an application may lower it amid a message, for what is still to come.
func TestLimitMayFall(t *testing.T) {
	t.Parallel()
	var reader frame.Reader
	if got := read(t, &reader, []string{masked(text, "0123456789")}, script{limit: 10}.rules()); len(got) > 0 {
		t.Errorf("got %q", got)
	}
	if got := read(t, &reader, []string{masked(fin|continuation, "")}, script{limit: 5}.rules()); !isWanted(got, []string{`text "0123456789"`}) {
		t.Errorf("got %q", got)
	}
	if got := read(t, &reader, []string{masked(text, "0123456789")}, script{limit: 10}.rules()); len(got) > 0 {
		t.Errorf("got %q", got)
	}
	rest := []string{masked(continuation, "") + masked(fin|continuation, "x") + masked(fin|text, "small")}
	if got := read(t, &reader, rest, script{limit: 5}.rules()); !isWanted(got, []string{tooLarge, `text "small"`}) {
		t.Errorf("got %q", got)
	}
}
