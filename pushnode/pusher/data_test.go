package pusher_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"halley/pushnode/pusher"
)

func TestDataOf(t *testing.T) {
	t.Parallel()
	deepest := strings.Repeat("[", 32) + strings.Repeat("]", 32)
	wide := "[" + strings.Repeat("[],", 99) + "[]]"
	for text, want := range map[string]string{
		`{"a":1.0, "b" : [ ]}`:   `{"a":1.0, "b" : [ ]}`,
		` {"a":1} `:              ` {"a":1} `,
		`[1,2]`:                  `[1,2]`,
		`12345678901234567890.0`: `12345678901234567890.0`,
		`-1e5`:                   `-1e5`,
		`true`:                   `true`,
		`null`:                   `null`,
		`{"b":1,"a":2}`:          `{"b":1,"a":2}`,
		deepest:                  deepest,
		wide:                     wide,
		``:                       `""`,
		` `:                      `" "`,
		`hello`:                  `"hello"`,
		`"hello"`:                `"\"hello\""`,
		`trueish`:                `"trueish"`,
		`01`:                     `"01"`,
		`{} {}`:                  `"{} {}"`,
		"{\n}":                   `"{\n}"`,
		"{}\n":                   `"{}\n"`,
		`{"a":1,"a":2}`:          `"{\"a\":1,\"a\":2}"`,
		`["\ud800"]`:             `"[\"\\ud800\"]"`,
		"[" + deepest + "]":      `"[` + deepest + `]"`,
		"\u2028<>&":              "\"\u2028<>&\"",
	} {
		if got := string(pusher.DataOf(text)); got != want {
			t.Errorf("DataOf(%s) = %s, want %s", text, got, want)
		}
	}
}

func TestAppendText(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`{"a":"b"}`:  `"{\"a\":\"b\"}"`,
		`1`:          `"1"`,
		`null`:       `"null"`,
		`"hi\u00e9"`: `"hi\u00e9"`,
		` "hi" `:     `"hi"`,
		`[""]`:       `"[\"\"]"`,
		`""`:         `""`,
	} {
		if got := string(pusher.AppendText([]byte(`data:`), []byte(data))); got != "data:"+want {
			t.Errorf("AppendText(%s) = %s, want data:%s", data, got, want)
		}
	}
}

// FuzzData holds the rule for data: what is stored is JSON on one line, and a Pusher subscriber receives the publisher's text byte for
// byte.
func FuzzData(f *testing.F) {
	for _, seed := range []string{
		`{"a":1.0}`, "hello", `"x"`, "{\n}", "\xff", "", `[[[]]]`, ` 1 `, `{"a":1,"a":2}`, "\x00", "\u2028", `"\ud800"`, "\ufffd",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		stored := pusher.DataOf(text)
		if !json.Valid(stored) || strings.ContainsFunc(string(stored), func(char rune) bool { return char < ' ' }) {
			t.Fatalf("%q is stored as %q", text, stored)
		}
		var received string
		if err := json.Unmarshal(pusher.AppendText(nil, stored), &received); err != nil {
			t.Fatalf("%q is sent as what is no JSON string: %v", text, err)
		}
		if utf8.ValidString(text) && received != text {
			t.Errorf("%q is received as %q", text, received)
		}
	})
}
