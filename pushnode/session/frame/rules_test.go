package frame_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"halley/pushnode/session/frame"
)

// script is what a client sends, and what is to be read from it.
type script struct {
	stream  string
	want    []string
	deflate bool
	limit   int // 1 MB where none is given
}

func (s script) rules() frame.Rules {
	limit := s.limit
	if limit == 0 {
		limit = 1 << 20
	}
	return frame.Rules{MessageBytes: limit, Deflate: s.deflate}
}

// check reads a script in pieces, and again what is whole of it.
func (s script) check(tb rapid.TB, pieces []string) {
	tb.Helper()
	var reader frame.Reader
	if got := read(tb, &reader, pieces, s.rules()); !isWanted(got, s.want) {
		tb.Fatalf("got %q, want %q", brief(got), brief(s.want))
	}
	wantIdle(tb, &reader)
}

// scripts are the rules of RFC 6455, in the order of the Autobahn test suite, whose cases 1 to 7 they follow.
func scripts() map[string]script {
	all := map[string]script{}
	for _, more := range []map[string]script{
		messageScripts(), controlScripts(), headerScripts(), fragmentScripts(), textScripts(), closeScripts(), limitScripts(), deflateScripts(),
	} {
		maps.Copy(all, more)
	}
	return all
}

func TestRules(t *testing.T) {
	t.Parallel()
	all := scripts()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := all[name]
			s.check(t, []string{s.stream})
			s.check(t, singly(s.stream))
		})
	}
}

func messageScripts() map[string]script {
	out := map[string]script{
		"1: the example of section 5.7": {
			stream: "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", want: []string{`text "Hello"`}},
		"1: two texts at once": {
			stream: masked(fin|text, "one") + masked(fin|text, "two"), want: []string{`text "one"`, `text "two"`}},
		"1: binary that is no text": {
			stream: masked(fin|binaryFrame, "\xfe\xff"), want: []string{`binary "\xfe\xff"`}},
	}
	for _, size := range []int{0, 1, 125, 126, 127, 128, 65535, 65536} {
		payload := strings.Repeat("*", size)
		out[fmt.Sprintf("1: text of %d bytes", size)] = script{
			stream: masked(fin|text, payload), want: []string{fmt.Sprintf("text %q", payload)}}
		out[fmt.Sprintf("1: binary of %d bytes", size)] = script{
			stream: masked(fin|binaryFrame, payload), want: []string{fmt.Sprintf("binary %q", payload)}}
	}
	return out
}

func controlScripts() map[string]script {
	full := strings.Repeat("\xfe", 125)
	return map[string]script{
		"2: empty ping":          {stream: masked(fin|ping, ""), want: []string{`ping ""`}},
		"2: ping with text":      {stream: masked(fin|ping, "are you there"), want: []string{`ping "are you there"`}},
		"2: ping with no text":   {stream: masked(fin|ping, "\x00\xff\xfe"), want: []string{`ping "\x00\xff\xfe"`}},
		"2: ping of 125 bytes":   {stream: masked(fin|ping, full), want: []string{fmt.Sprintf("ping %q", full)}},
		"2: ping of 126 bytes":   {stream: masked(fin|ping, full+"x"), want: []string{refused}},
		"2: pong without ping":   {stream: masked(fin|pong, "so"), want: []string{`pong "so"`}},
		"2: pong of 126 bytes":   {stream: masked(fin|pong, full+"x"), want: []string{refused}},
		"2: close of 126 bytes":  {stream: closeFrame(1000, full), want: []string{refused}},
		"2: pings in a row":      {stream: strings.Repeat(masked(fin|ping, "x"), 10), want: slices.Repeat([]string{`ping "x"`}, 10)},
		"2: ping before a close": {stream: masked(fin|ping, "") + closeFrame(1000, ""), want: []string{`ping ""`, `close 1000 ""`}},
	}
}

func headerScripts() map[string]script {
	key := "\x37\xfa\x21\x3d"
	out := map[string]script{
		"3: a reserved bit behind a message": {
			stream: masked(fin|text, "one") + masked(fin|text|0x20, "two"), want: []string{`text "one"`, refused}},
		"3: compressed, though not agreed upon": {stream: masked(fin|text|deflated, "one"), want: []string{refused}},
		"5.1: not masked":                       {stream: "\x81\x05Hello", want: []string{refused}},
		"5.1: a ping that is not masked":        {stream: "\x89\x00", want: []string{refused}},
		"5.2: 125 bytes with 16 bits of length": {stream: "\x81\xfe\x00\x7d" + key, want: []string{refused}},
		"5.2: 0 bytes with 16 bits of length":   {stream: "\x81\xfe\x00\x00" + key, want: []string{refused}},
		"5.2: 65535 bytes with 64 bits":         {stream: "\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff" + key, want: []string{refused}},
		"5.2: 5 bytes with 64 bits":             {stream: "\x81\xff\x00\x00\x00\x00\x00\x00\x00\x05" + key, want: []string{refused}},
		"5.2: the highest bit of 64":            {stream: "\x81\xff\x80\x00\x00\x00\x00\x01\x00\x00" + key, want: []string{refused}},
		"5.5: a ping with 16 bits of length":    {stream: "\x89\xfe\x00\x05" + key, want: []string{refused}},
	}
	for rsv := byte(0x10); rsv <= 0x70; rsv += 0x10 {
		for _, opcode := range []byte{text, binaryFrame, continuation, closing, ping, pong} {
			out[fmt.Sprintf("3: reserved bits %#x of opcode %d", rsv, opcode)] = script{
				stream: masked(fin|opcode|rsv, ""), want: []string{refused}}
			if rsv != deflated || opcode != text && opcode != binaryFrame {
				out[fmt.Sprintf("3: reserved bits %#x of opcode %d with compression", rsv, opcode)] = script{
					stream: masked(fin|opcode|rsv, ""), want: []string{refused}, deflate: true}
			}
		}
	}
	for _, opcode := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		out[fmt.Sprintf("4: opcode %d", opcode)] = script{
			stream: masked(fin|text, "one") + masked(fin|opcode, "two"), want: []string{`text "one"`, refused}}
	}
	return out
}

func fragmentScripts() map[string]script {
	begin, middle, end := masked(text, "one "), masked(continuation, "two "), masked(fin|continuation, "three")
	whole := `text "one two three"`
	return map[string]script{
		"5: a ping in fragments":         {stream: masked(ping, "x"), want: []string{refused}},
		"5: a pong in fragments":         {stream: masked(pong, "x"), want: []string{refused}},
		"5: a close in fragments":        {stream: masked(closing, ""), want: []string{refused}},
		"5: three fragments":             {stream: begin + middle + end, want: []string{whole}},
		"5: binary fragments":            {stream: masked(binaryFrame, "\xff") + masked(fin|continuation, "\xfe"), want: []string{`binary "\xff\xfe"`}},
		"5: a ping between":              {stream: begin + masked(fin|ping, "?") + middle + end, want: []string{`ping "?"`, whole}},
		"5: a pong between":              {stream: begin + middle + masked(fin|pong, "!") + end, want: []string{`pong "!"`, whole}},
		"5: a close between":             {stream: begin + closeFrame(1001, "") + end, want: []string{`close 1001 ""`}},
		"5: pings between all":           {stream: begin + masked(fin|ping, "first") + middle + masked(fin|ping, "second") + end, want: []string{`ping "first"`, `ping "second"`, whole}},
		"5: empty fragments":             {stream: masked(text, "") + masked(continuation, "") + masked(fin|continuation, ""), want: []string{`text ""`}},
		"5: an empty end":                {stream: begin + masked(fin|continuation, ""), want: []string{`text "one "`}},
		"5: an empty beginning":          {stream: masked(text, "") + end, want: []string{`text "three"`}},
		"5: no beginning":                {stream: end, want: []string{refused}},
		"5: no beginning, more to come":  {stream: middle + begin + end, want: []string{refused}},
		"5: one end too many":            {stream: begin + end + end, want: []string{`text "one three"`, refused}},
		"5: a text amid a text":          {stream: begin + masked(fin|text, "other"), want: []string{refused}},
		"5: a beginning amid a text":     {stream: begin + begin, want: []string{refused}},
		"5: binary amid a text":          {stream: begin + masked(fin|binaryFrame, "other"), want: []string{refused}},
		"5: an unmasked end":             {stream: begin + "\x80\x00", want: []string{refused}},
		"5: a second message":            {stream: begin + end + begin + middle + end, want: []string{`text "one three"`, whole}},
		"5: a compressed bit in the end": {stream: masked(text|deflated, "\xf2\x48") + masked(fin|continuation|deflated, ""), want: []string{refused}, deflate: true},
	}
}

func closeScripts() map[string]script {
	longest := strings.Repeat("*", 123)
	out := map[string]script{
		"7: close without code":         {stream: masked(fin|closing, ""), want: []string{`close 1005 ""`}},
		"7: close of one byte":          {stream: masked(fin|closing, "\x03"), want: []string{refused}},
		"7: close with reason":          {stream: closeFrame(1000, "bye"), want: []string{`close 1000 "bye"`}},
		"7: close with longest reason":  {stream: closeFrame(1000, longest), want: []string{fmt.Sprintf("close 1000 %q", longest)}},
		"7: reason that is not UTF-8":   {stream: closeFrame(1000, "\xce\xba\xed\xa0\x80"), want: []string{badData}},
		"7: reason cut in a character":  {stream: closeFrame(1000, "\xce"), want: []string{badData}},
		"7: nothing behind a close":     {stream: closeFrame(1000, "") + masked(fin|text, "x") + masked(fin|ping, ""), want: []string{`close 1000 ""`}},
		"7: no fault behind a close":    {stream: closeFrame(1000, "") + "\xff\xff\xff", want: []string{`close 1000 ""`}},
		"7: two closes":                 {stream: closeFrame(1000, "") + closeFrame(1001, ""), want: []string{`close 1000 ""`}},
		"7: close behind a message":     {stream: masked(fin|text, "x") + closeFrame(1000, ""), want: []string{`text "x"`, `close 1000 ""`}},
		"7: close amid a large message": {stream: masked(text, longest) + closeFrame(1000, ""), want: []string{`close 1000 ""`}},
	}
	for _, code := range []uint16{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999} {
		out[fmt.Sprintf("7.7: code %d", code)] = script{stream: closeFrame(code, ""), want: []string{fmt.Sprintf(`close %d ""`, code)}}
	}
	for _, code := range []uint16{0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		out[fmt.Sprintf("7.9: code %d", code)] = script{stream: closeFrame(code, ""), want: []string{refused}}
	}
	return out
}
