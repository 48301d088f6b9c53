package sockjs_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"halley/pushnode/sockjs"
)

func TestLines(t *testing.T) {
	t.Parallel()
	for want, got := range map[string][]byte{
		`before a["{\"event\":\"x\",\"data\":\"é\\n😀\"}"]` + "\n": sockjs.AppendMessage([]byte("before "), []byte(`{"event":"x","data":"é\n😀"}`)),
		`a[""]` + "\n":                      sockjs.AppendMessage(nil, nil),
		`c[4001,"no \"app\"\nhere"]` + "\n": sockjs.AppendClose(nil, 4001, "no \"app\"\nhere"),
		`c[4200,""]` + "\n":                 sockjs.AppendClose(nil, 4200, ""),
	} {
		if string(got) != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if len(sockjs.Prelude) != 2049 || bytes.Count(sockjs.Prelude, []byte("\n")) != 1 || sockjs.Prelude[0] != 'h' {
		t.Errorf("the prelude is %q", sockjs.Prelude)
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	const lines = "a\né\n😀\n" // 2, 2 and 3 units; 2, 3 and 5 bytes
	for _, test := range []struct{ most, size, units int }{
		{-1, 0, 0}, {0, 2, 2}, {1, 2, 2}, {2, 5, 4}, {3, 5, 4}, {4, 10, 7}, {100, 10, 7},
	} {
		if size, units := sockjs.Cut([]byte(lines), test.most); size != test.size || units != test.units {
			t.Errorf("at most %d: %d bytes and %d units, want %d and %d", test.most, size, units, test.size, test.units)
		}
	}
	if size, units := sockjs.Cut([]byte("half a line"), 100); size != 0 || units != 0 {
		t.Errorf("of half a line: %d bytes, %d units", size, units)
	}
}

// FuzzLines holds that clients read what was sent, on one line, and count its units as we do.
func FuzzLines(f *testing.F) {
	f.Add(`{"event":"x","data":"é 😀"}`, 4001)
	f.Add("a\nb\u2028\"\\\x00\xff", -1)
	f.Fuzz(func(t *testing.T, text string, code int) {
		wanted := strings.ToValidUTF8(text, "\uFFFD")
		if !utf8.ValidString(text) { // each byte that is none of a character becomes one
			wanted = string([]rune(text))
		}
		message, end := sockjs.AppendMessage(nil, []byte(text)), sockjs.AppendClose(nil, code, text)
		var texts []string
		if err := json.Unmarshal(message[1:], &texts); err != nil || len(texts) != 1 || texts[0] != wanted || message[0] != 'a' {
			t.Errorf("%q is sent as %q: %v", text, message, err)
		}
		var reason []any
		if err := json.Unmarshal(end[1:], &reason); err != nil || len(reason) != 2 || reason[0] != float64(code) || reason[1] != wanted {
			t.Errorf("%d, %q is sent as %q: %v", code, text, end, err)
		}
		for _, line := range [][]byte{message, end} {
			if bytes.IndexByte(line, '\n') != len(line)-1 {
				t.Errorf("%q is not one line", line)
			}
			if got, want := sockjs.Units(line), len(utf16.Encode([]rune(string(line)))); got != want {
				t.Errorf("%q has %d units, want %d", line, got, want)
			}
		}
	})
}
