package auth_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"halley/auth"
)

func TestLacks(t *testing.T) {
	t.Parallel()
	rooms := map[string][]string{"room:*": {"subscribe", "history"}, "room:1": {"publish"}}
	history := func(pattern string) map[string][]string { return map[string][]string{pattern: {"history"}} }
	for name, test := range map[string]struct {
		has, wants map[string][]string
		op         auth.Op
		pattern    string
	}{
		"the same":               {rooms, rooms, 0, ""},
		"nothing":                {rooms, nil, 0, ""},
		"all by the key of all":  {map[string][]string{"*": {"*"}}, map[string][]string{"*": {"*"}, "a:*:b": {"publish"}}, 0, ""},
		"one of many":            {rooms, map[string][]string{"room:7": {"subscribe"}}, 0, ""},
		"by two entries":         {rooms, map[string][]string{"room:1": {"publish", "history"}}, 0, ""},
		"a star within":          {rooms, map[string][]string{"room:*:chat": {"history"}}, 0, ""},
		"everything":             {rooms, map[string][]string{"*": {"subscribe"}}, auth.OpSubscribe, "*"},
		"another operation":      {rooms, map[string][]string{"room:*": {"presence"}}, auth.OpPresence, "room:*"},
		"one channel for many":   {rooms, map[string][]string{"room:*": {"publish"}}, auth.OpPublish, "room:*"},
		"the first in order":     {rooms, map[string][]string{"room:1": {"*"}, "a": {"history"}}, auth.OpHistory, "a"},
		"deeper than a star":     {history("a:*:c"), history("a:*"), auth.OpHistory, "a:*"},
		"a name for a star":      {history("a:b:c"), history("a:*:c"), auth.OpHistory, "a:*:c"},
		"segments more than one": {history("*:*"), history("*"), auth.OpHistory, "*"},
	} {
		has, wants := capability(t, test.has), capability(t, test.wants)
		if op, pattern := has.Lacks(wants); op != test.op || pattern != test.pattern {
			t.Errorf("%s: lacks %s on %q, want %s on %q", name, op, pattern, test.op, test.pattern)
		}
	}
}

// TestLacksIsTheModel holds Lacks against Allows: nothing is lacking where every name that one admits the other admits too. Names
// stand for all others if their segments are those of the patterns and one that none has.
func TestLacksIsTheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		has, err := auth.ParseCapability(drawRights(t))
		if err != nil {
			t.Fatal(err)
		}
		wants, err := auth.ParseCapability(drawRights(t))
		if err != nil {
			t.Fatal(err)
		}
		lacked, pattern := has.Lacks(wants)
		if lacked != 0 {
			witness := strings.ReplaceAll(pattern, "*", "x")
			if !wants.Allows(lacked, witness) || has.Allows(lacked, witness) {
				t.Fatalf("%v lacks %s on %s of %v, which %q does not show", has.Map(), lacked, pattern, wants.Map(), witness)
			}
			return
		}
		name := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "", "x"}), 1, 5).Draw(t, "name"), ":")
		for _, op := range []auth.Op{auth.OpPublish, auth.OpSubscribe, auth.OpPresence, auth.OpHistory} {
			if wants.Allows(op, name) && !has.Allows(op, name) {
				t.Fatalf("%v lacks nothing of %v, but %s on %q", has.Map(), wants.Map(), op, name)
			}
		}
	})
}

func TestGrantLacks(t *testing.T) {
	t.Parallel()
	subscribe := capability(t, map[string][]string{"*": {"subscribe"}})
	rooms := capability(t, map[string][]string{"room:*": {"*"}})
	none, both := auth.Grant{}, auth.Grant{Scopes: []auth.Capability{subscribe, rooms}}
	if op, pattern := none.Lacks(subscribe); op != auth.OpSubscribe || pattern != "*" {
		t.Errorf("a grant without scopes lacks %s on %q", op, pattern)
	}
	if op, pattern := both.Lacks(rooms); op != auth.OpPublish || pattern != "room:*" {
		t.Errorf("what one scope lacks: %s on %q", op, pattern)
	}
	if op, _ := both.Lacks(capability(t, map[string][]string{"room:1": {"subscribe"}})); op != 0 {
		t.Errorf("both scopes admit it, but %s is lacking", op)
	}
	if none.AllowsSome("room:1") || both.AllowsSome("news") || !both.AllowsSome("room:1") {
		t.Error("AllowsSome does not say what Allows does")
	}
}
