package auth_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"halley/auth"
)

func capability(tb testing.TB, rights map[string][]string) auth.Capability {
	tb.Helper()
	parsed, err := auth.ParseCapability(rights)
	if err != nil {
		tb.Fatal(err)
	}
	return parsed
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ pattern, matching, others string }{
		{"news", "news", "new newss news: :news news:a News"},
		{"*", "news a:b a:b:c : :: room:1", ""},
		{"room:*", "room:1 room:a:b room:a:b:c room: room::", "room rooms:1 a:room:1 Room:1"},
		{"room:*:chat", "room:1:chat room::chat room:x-y:chat", "room:chat room:1:2:chat room:1:chat:x room:1 room:1:chats chat"},
		{"*:chat", "a:chat :chat", "chat a:b:chat a:chat:b a:chats"},
		{"a:*:*", "a:b:c a:b:c:d a::", "a:b a a:b"},
		{"*:*", "a:b a:b:c :", "a"},
		{"a:*:c:*", "a:b:c:d a:b:c:d:e", "a:b:c a:b:d:e b:b:c:d"},
		{"room/a@b.c,d;e=f_g-h", "room/a@b.c,d;e=f_g-h", "room/a"},
	} {
		scope := capability(t, map[string][]string{test.pattern: {"subscribe"}})
		for name := range strings.FieldsSeq(test.matching) {
			if !scope.Allows(auth.OpSubscribe, name) {
				t.Errorf("%s does not match %s", test.pattern, name)
			}
			if scope.Allows(auth.OpPublish, name) {
				t.Errorf("%s gives publish on %s, which it does not name", test.pattern, name)
			}
		}
		for name := range strings.FieldsSeq(test.others) {
			if scope.Allows(auth.OpSubscribe, name) {
				t.Errorf("%s matches %s", test.pattern, name)
			}
		}
	}
}

func TestOperations(t *testing.T) {
	t.Parallel()
	every := []auth.Op{auth.OpPublish, auth.OpSubscribe, auth.OpPresence, auth.OpHistory}
	for i, name := range []string{"publish", "subscribe", "presence", "history"} {
		scope := capability(t, map[string][]string{"a": {name}})
		for j, op := range every {
			if got, want := scope.Allows(op, "a"), i == j; got != want {
				t.Errorf("%s allows %s: %v, want %v", name, op, got, want)
			}
		}
		if every[i].String() != name {
			t.Errorf("operation %d is called %s, want %s", i, every[i], name)
		}
	}
	all := capability(t, map[string][]string{"a": {"*"}})
	for _, op := range every {
		if !all.Allows(op, "a") || !auth.AllowAll().Allows(op, "any:channel") || (auth.Capability{}).Allows(op, "a") {
			t.Errorf(`%s: "*" and AllowAll must admit it, the zero value must not`, op)
		}
	}
	if all.Allows(0, "a") || auth.Op(0).String() != "none" {
		t.Error("no operation at all is admitted")
	}
}

func TestSeveralEntriesAddUp(t *testing.T) {
	t.Parallel()
	scope := capability(t, map[string][]string{"room:*": {"subscribe"}, "room:1": {"publish"}})
	if !scope.Allows(auth.OpSubscribe|auth.OpPublish, "room:1") {
		t.Error("two entries that each give one operation do not give both")
	}
	if scope.Allows(auth.OpSubscribe|auth.OpPublish, "room:2") {
		t.Error("publish on room:2 was named by no entry")
	}
}

func TestParseCapabilityRefuses(t *testing.T) {
	t.Parallel()
	many := map[string][]string{}
	for i := range 65 {
		many[fmt.Sprint("c", i)] = []string{"publish"}
	}
	for name, test := range map[string]struct {
		rights map[string][]string
		says   string
	}{
		"unknown operation":     {map[string][]string{"a": {"read"}}, `unknown operation "read": there are publish`},
		"operation in capitals": {map[string][]string{"a": {"Publish"}}, `unknown operation "Publish"`},
		"no operation":          {map[string][]string{"a": {}}, `"a" names no operation`},
		"empty pattern":         {map[string][]string{"": {"publish"}}, "empty channel pattern"},
		"star in a word":        {map[string][]string{"room*": {"publish"}}, "whole segment"},
		"two stars":             {map[string][]string{"room:**": {"publish"}}, "whole segment"},
		"star before a slash":   {map[string][]string{"*/a": {"publish"}}, "whole segment"},
		"space":                 {map[string][]string{"room 1": {"publish"}}, "names are made of"},
		"question mark":         {map[string][]string{"room:?": {"publish"}}, "names are made of"},
		"not ASCII":             {map[string][]string{"büro": {"publish"}}, "names are made of"},
		"too long":              {map[string][]string{strings.Repeat("a", 201): {"publish"}}, "201 bytes: at most 200"},
		"too many":              {many, "65 channel patterns: at most 64"},
	} {
		_, err := auth.ParseCapability(test.rights)
		if !errors.Is(err, auth.ErrCapability) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: err = %v, want ErrCapability that says %q", name, err, test.says)
		}
	}
}

func TestCapabilityJSON(t *testing.T) {
	t.Parallel()
	scope := capability(t, map[string][]string{
		"room:*": {"history", "subscribe", "subscribe"}, "a": {"*"}, "b": {"publish", "subscribe", "presence", "history"},
	})
	const want = `{"a":["*"],"b":["*"],"room:*":["subscribe","history"]}`
	text, err := json.Marshal(scope)
	if err != nil || string(text) != want {
		t.Errorf("JSON = %s, %v, want %s", text, err, want)
	}
	var back auth.Capability
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, scope) {
		t.Errorf("read back: %v, %v, want %v", back, err, scope)
	}
	if text, err := json.Marshal(auth.Capability{}); err != nil || string(text) != `{}` {
		t.Errorf("the zero value is %s, %v, want {}", text, err)
	}
	if !(auth.Capability{}).IsZero() || scope.IsZero() {
		t.Error("IsZero must hold for the zero value alone")
	}
}

func TestCapabilityJSONIsStrict(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, says string }{
		"null":           {`null`, "null"},
		"list":           {`["publish"]`, ""},
		"not a list":     {`{"a":"publish"}`, ""},
		"number":         {`{"a":[1]}`, ""},
		"duplicate name": {`{"a":["publish"],"a":["*"]}`, "stands twice"},
		"bad UTF-8":      {"{\"a\xff\":[\"publish\"]}", "UTF-8"},
		"cut":            {`{"a":["publish"]`, ""},
		"trailing":       {`{} {}`, ""},
		"null list":      {`{"a":null}`, "names no operation"},
		"unknown":        {`{"a":["fly"]}`, `"fly"`},
	} {
		kept := auth.AllowAll()
		err := kept.UnmarshalJSON([]byte(test.text))
		if !errors.Is(err, auth.ErrCapability) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: err = %v, want ErrCapability that says %q", name, err, test.says)
		}
		if !reflect.DeepEqual(kept, auth.AllowAll()) {
			t.Errorf("%s: a refused text changed the value", name)
		}
	}
}

func TestGrantNeedsEveryScope(t *testing.T) {
	t.Parallel()
	subscribe := capability(t, map[string][]string{"*": {"subscribe"}})
	rooms := capability(t, map[string][]string{"room:*": {"*"}})
	for name, test := range map[string]struct {
		scopes []auth.Capability
		want   bool
	}{
		"none":  {nil, false},
		"one":   {[]auth.Capability{subscribe}, true},
		"both":  {[]auth.Capability{subscribe, rooms}, true},
		"empty": {[]auth.Capability{subscribe, {}}, false},
	} {
		grant := auth.Grant{Kind: auth.KindToken, Scopes: test.scopes}
		if got := grant.Allows(auth.OpSubscribe, "room:1"); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
	grant := auth.Grant{Kind: auth.KindToken, Scopes: []auth.Capability{subscribe, rooms}}
	if grant.Allows(auth.OpSubscribe, "news") || grant.Allows(auth.OpPublish, "room:1") {
		t.Error("what one scope denies was admitted")
	}
}

// drawRights makes capabilities over a small alphabet, so that patterns and names often meet.
func drawRights(t *rapid.T) map[string][]string {
	segment := rapid.SampledFrom([]string{"*", "a", "b", ""})
	patterns := rapid.Map(rapid.SliceOfN(segment, 1, 4), func(s []string) string { return strings.Join(s, ":") }).
		Filter(func(text string) bool { return text != "" })
	ops := rapid.SliceOfN(rapid.SampledFrom([]string{"publish", "subscribe", "presence", "history", "*"}), 1, 4)
	return rapid.MapOfN(patterns, ops, 0, 6).Draw(t, "rights")
}

func drawName(t *rapid.T) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", ""}), 1, 5).Draw(t, "name"), ":")
}

// model is the rule of patterns as a regular expression.
func model(pattern string) *regexp.Regexp {
	segments := strings.Split(pattern, ":")
	for i, segment := range segments {
		switch {
		case segment != "*":
			segments[i] = regexp.QuoteMeta(segment)
		case i == len(segments)-1:
			segments[i] = ".*"
		default:
			segments[i] = "[^:]*"
		}
	}
	return regexp.MustCompile("^" + strings.Join(segments, ":") + "$")
}

func TestAllowsIsTheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rights, name := drawRights(t), drawName(t)
		scope, err := auth.ParseCapability(rights)
		if err != nil {
			t.Fatal(err)
		}
		for i, op := range []string{"publish", "subscribe", "presence", "history"} {
			want := false
			for pattern, ops := range rights {
				named := strings.Contains(strings.Join(ops, " "), op) || strings.Contains(strings.Join(ops, " "), "*")
				want = want || named && model(pattern).MatchString(name)
			}
			if got := scope.Allows(auth.Op(1<<i), name); got != want {
				t.Fatalf("%v allows %s on %q: %v, want %v", rights, op, name, got, want)
			}
		}
	})
}

func TestCapabilityTextIsCanonical(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		scope, err := auth.ParseCapability(drawRights(t))
		if err != nil {
			t.Fatal(err)
		}
		text, err := scope.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var back auth.Capability
		if err := back.UnmarshalJSON(text); err != nil {
			t.Fatal(err)
		}
		if again, _ := back.MarshalJSON(); string(again) != string(text) {
			t.Fatalf("%s became %s", text, again)
		}
	})
}

func FuzzCapabilityJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `{"*":["*"]}`, `{"room:*":["subscribe","publish"]}`, `{"a":["x"]}`,
		`{"a":["publish"],"a":[]}`, `{"**":["*"]}`, "{\"\xff\":[]}",
	} {
		f.Add(seed, "room:1")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		var scope auth.Capability
		if err := scope.UnmarshalJSON([]byte(text)); err != nil {
			if !errors.Is(err, auth.ErrCapability) || !scope.IsZero() {
				t.Errorf("%q: %v, and %v was kept", text, err, scope)
			}
			return
		}
		for pattern := range scope.Map() {
			if !strings.Contains(pattern, "*") && pattern == name && !anyAllowed(scope, name) {
				t.Errorf("%q does not admit the name %q that it names", text, name)
			}
		}
		out, err := scope.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var back auth.Capability
		if err := back.UnmarshalJSON(out); err != nil || !reflect.DeepEqual(back, scope) {
			t.Errorf("%q was written as %s and read as %v, %v", text, out, back, err)
		}
	})
}

func anyAllowed(scope auth.Capability, name string) bool {
	return scope.Allows(auth.OpPublish, name) || scope.Allows(auth.OpSubscribe, name) ||
		scope.Allows(auth.OpPresence, name) || scope.Allows(auth.OpHistory, name)
}
