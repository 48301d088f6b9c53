package sockjs_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"halley/pushnode/sockjs"
)

func TestDecodeTexts(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]string{
		`[]`:                              nil,
		" [ ] \n":                         nil,
		`["{\"event\":\"pusher:ping\"}"]`: {`{"event":"pusher:ping"}`},
		`["a", "é\n\ud83d\ude00"]`:        {"a", "é\n😀"},
		`["\ud800"]`:                      {"\uFFFD"},
		"[\"\xff\"]":                      {"\uFFFD"},
		many(sockjs.MaxTexts):             slices.Repeat([]string{"x"}, sockjs.MaxTexts),
	} {
		if got, err := texts(body); err != nil || !slices.Equal(got, want) {
			t.Errorf("%.80s: got %q, %v", body, got, err)
		}
	}
	for _, body := range []string{
		``, ` `, `x`, `null`, `{}`, `"a"`, `[`, `["a"`, `["a",`, `["a",]`, `["a" "b"]`, `[1]`, `["a",null]`, `[["a"]]`, `["a"]]`, `["a"]["b"]`, `["a"]x`,
		`["\x"]`, many(sockjs.MaxTexts + 1), strings.Repeat("[", 20_000),
	} {
		if got, err := texts(body); err == nil {
			t.Errorf("%.80s is taken for %q", body, got)
		}
	}
}

func many(count int) string {
	return `["x"` + strings.Repeat(`,"x"`, count-1) + `]`
}

func texts(body string) (list []string, err error) {
	decoded, err := sockjs.DecodeTexts([]byte(body))
	for _, text := range decoded {
		list = append(list, string(text))
	}
	return list, err
}

// FuzzDecodeTexts compares with what the standard library reads.
func FuzzDecodeTexts(f *testing.F) {
	f.Add(`["{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\"}}"]`)
	f.Add(`["\ud800", "é"]`)
	f.Add(`[null]`)
	f.Fuzz(func(t *testing.T, body string) {
		got, err := texts(body)
		if err != nil {
			if len(got) > 0 {
				t.Errorf("%q gives %q and %v", body, got, err)
			}
			return
		}
		var want []string
		if err := json.Unmarshal([]byte(body), &want); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q, %v", body, got, want, err)
		}
	})
}
