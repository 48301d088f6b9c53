package frame_test

import (
	"fmt"
	"testing"

	"halley/pushnode/session/frame"
)

// texts are the borders of UTF-8, as the cases 6.5 to 6.22 of the Autobahn test suite draw them.
var texts = map[string]bool{
	"Hello-µ@ßöäüàá-UTF-8!!":                true,
	"κόσμε":                                 true,
	"\x00":                                  true,
	"\x7f":                                  true,
	"\xc2\x80":                              true,
	"\xdf\xbf":                              true,
	"\xe0\xa0\x80":                          true,
	"\xed\x9f\xbf":                          true,
	"\xee\x80\x80":                          true,
	"\xef\xbf\xbd":                          true,
	"\xef\xbf\xbe":                          true, // no character, but allowed
	"\xef\xbf\xbf":                          true,
	"\xf0\x90\x80\x80":                      true,
	"\xf4\x8f\xbf\xbf":                      true,
	"\xf4\x90\x80\x80":                      false, // beyond Unicode
	"\xf7\xbf\xbf\xbf":                      false,
	"\xf8\x88\x80\x80\x80":                  false, // five bytes
	"\xfc\x84\x80\x80\x80\x80":              false,
	"\x80":                                  false, // goes on without a beginning
	"\xbf":                                  false,
	"\x80\xbf\x80\xbf\x80\xbf":              false,
	"\xc0 \xc1 ":                            false,
	"\xe0 \xe1 ":                            false,
	"\xf0 \xf1 ":                            false,
	"\xfe":                                  false,
	"\xff":                                  false,
	"\xc0\xaf":                              false, // not the shortest form
	"\xe0\x80\xaf":                          false,
	"\xf0\x80\x80\xaf":                      false,
	"\xc1\xbf":                              false,
	"\xe0\x9f\xbf":                          false,
	"\xf0\x8f\xbf\xbf":                      false,
	"\xed\xa0\x80":                          false, // halves of pairs of UTF-16
	"\xed\xbf\xbf":                          false,
	"\xed\xa0\x80\xed\xb0\x80":              false,
	"κόσμε\xed\xa0\x80edited":               false,
	"\xce":                                  false, // ends amid a character
	"\xce\xba\xe1\xbd":                      false,
	"\xf0\x9f\x98":                          false,
	"κόσμε\xf4\x90\x80\x80" + "edited":      false,
	"a long text, all of it well, and then": true,
}

// textScripts sends each of the texts as one frame, byte by byte in fragments, and compressed.
func textScripts() map[string]script {
	out := map[string]script{}
	for payload, valid := range texts {
		want := []string{badData}
		if valid {
			want = []string{fmt.Sprintf("text %q", payload)}
		}
		fragments := masked(text, "")
		for _, piece := range singly(payload) {
			fragments += masked(continuation, piece)
		}
		compressed := string(frame.AppendDeflated(nil, []byte(payload)))
		name := fmt.Sprintf("6: %q ", payload)
		out[name+"in one frame"] = script{stream: masked(fin|text, payload), want: want}
		out[name+"in fragments"] = script{stream: fragments + masked(fin|continuation, ""), want: want}
		out[name+"compressed"] = script{stream: masked(fin|text|deflated, compressed), want: want, deflate: true}
		out[name+"as binary"] = script{stream: masked(fin|binaryFrame, payload), want: []string{fmt.Sprintf("binary %q", payload)}}
	}
	return out
}

// TestBadTextIsToldAtOnce: the fault is told with the byte that makes it one, not at the end of the message (cases 6.3 and 6.4 of the Autobahn
// test suite).
func TestBadTextIsToldAtOnce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ good, bad string }{
		{"κόσμε", "\xff"}, {"κόσμε\xed", "\xa0"}, {"κόσμε\xf4", "\x90"}, {"\xe0", "\x80"}, {"\xf0\x90\x80", "a"}, {"a", "\x80"}, {"", "\xc0"},
	} {
		whole := masked(fin|text, test.good+test.bad+"and much more")
		pieces := singly(whole)[:6+len(test.good)+len(test.bad)]
		var reader frame.Reader
		if got := read(t, &reader, pieces[:len(pieces)-1], script{}.rules()); len(got) > 0 {
			t.Errorf("%q and nothing more: got %q", test.good, got)
		}
		if got := read(t, &reader, pieces[len(pieces)-1:], script{}.rules()); !isWanted(got, []string{badData}) {
			t.Errorf("%q behind %q: got %q", test.bad, test.good, got)
		}
	}
}
