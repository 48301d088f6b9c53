package verify

import (
	"maps"
	"testing"
)

func TestParseCursor(t *testing.T) {
	for text, test := range map[string]struct {
		channels []string
		want     map[string]mark // nil: refused
	}{
		"3k9f0-0-7:42":                      {[]string{"news"}, map[string]mark{"news": {"3k9f0-0-7", 42}}},
		"news*3k9f0-0-7:42":                 {[]string{"news"}, map[string]mark{"news": {"3k9f0-0-7", 42}}},
		"news*3k9f0-0-7:42~room:1*a-0-9:18": {[]string{"news", "room:1"}, map[string]mark{"news": {"3k9f0-0-7", 42}, "room:1": {"a-0-9", 18}}},
		"":                                  {[]string{"news"}, nil},
		"news*3k9f0":                        {[]string{"news"}, nil},
		"3k9f0:-1":                          {[]string{"news"}, nil},
		"3k9f0:99999999999999999999":        {[]string{"news"}, nil},
	} {
		got, err := parseCursor(text, test.channels)
		if (err != nil) != (test.want == nil) || test.want != nil && !maps.Equal(got, test.want) {
			t.Errorf("%q: %v, %v; want %v", text, got, err, test.want)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add("news*3k9f0-0-7:42~chat*3k9f0-0-9:7")
	f.Add("~*:")
	f.Fuzz(func(t *testing.T, text string) {
		marks, err := parseCursor(text, []string{"news"})
		if err == nil && len(marks) == 0 {
			t.Error("a cursor without a position is none")
		}
		if len(marks) > len(text)+1 {
			t.Errorf("%d positions of %d bytes", len(marks), len(text))
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"op":"message","channel":"news","epoch":"a","offset":1,"presence":{"members":[{"session":"ses_1"}]}}`))
	f.Add([]byte(`{"op":"error","error":{"code":4301}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := decode(text)
		if err == nil && got.Op == "" && len(got.Members) > len(text) {
			t.Errorf("%d members of %d bytes", len(got.Members), len(text))
		}
	})
}
