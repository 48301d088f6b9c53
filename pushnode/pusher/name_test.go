package pusher_test

import (
	"regexp"
	"strings"
	"testing"

	"halley/pushnode/pusher"
)

func TestKindOf(t *testing.T) {
	t.Parallel()
	const private, presence = pusher.Private, pusher.Private | pusher.Presence
	for name, want := range map[string]pusher.Kind{
		"":                          0,
		"news":                      0,
		"privateer":                 0,
		"my-private-room":           0,
		"presences":                 0,
		"Private-room":              0,
		"private-room":              private,
		"private-":                  private,
		"private-encrypted":         private,
		"private-encrypted-room":    private | pusher.Encrypted,
		"private-cache-room":        private | pusher.Cache,
		"private-encrypted-cache-r": private | pusher.Encrypted | pusher.Cache,
		"presence-room":             presence,
		"presence-cache-room":       presence | pusher.Cache,
		"presence-encrypted-room":   presence,
		"cache-room":                pusher.Cache,
		"cached":                    0,
		"#server-to-user-7":         pusher.User,
		"#other":                    0,
	} {
		if got := pusher.KindOf(name); got != want {
			t.Errorf("KindOf(%q) = %b, want %b", name, got, want)
		}
	}
	if kind := pusher.KindOf("presence-cache-a"); !kind.Is(pusher.Presence|pusher.Cache) || kind.Is(pusher.Presence|pusher.User) {
		t.Error("Is does not ask for all properties")
	}
}

func TestValidNames(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name            string
		channel, target bool
	}{
		{"news", true, true},
		{"private-Az09_-=@,.;", true, true},
		{strings.Repeat("a", 200), true, true},
		{strings.Repeat("a", 201), false, false},
		{"", false, false},
		{"a b", false, false},
		{"a:b", false, false},
		{"a/b", false, false},
		{"a#b", false, false},
		{"é", false, false},
		{"a\x00", false, false},
		{"#server-to-user-7", false, true},
		{"#server-to-user-Zoë van Dyk", false, true},
		{"#server-to-user-", false, false},
		{"#server-to-user-a\nb", false, false},
		{"#server-to-user-\xff", false, false},
		{"#server-to-user-" + strings.Repeat("ë", 128), false, true},
		{"#server-to-user-" + strings.Repeat("ë", 129), false, false},
		{"#server-to-group-7", false, false},
	} {
		if got := pusher.ValidChannel(row.name); got != row.channel {
			t.Errorf("ValidChannel(%q) = %v", row.name, got)
		}
		if got := pusher.ValidTarget(row.name); got != row.target {
			t.Errorf("ValidTarget(%q) = %v", row.name, got)
		}
	}
	if id, found := pusher.UserOf(pusher.UserChannel("7")); !found || id != "7" {
		t.Errorf("UserOf(UserChannel) = %q, %v", id, found)
	}
}

func TestEventNames(t *testing.T) {
	t.Parallel()
	for event, valid := range map[string]bool{
		"greeting": true, strings.Repeat("ë", 200): true, strings.Repeat("e", 201): false, "": false, "a\tb": false,
	} {
		if got := pusher.ValidEvent(event); got != valid {
			t.Errorf("ValidEvent(%q) = %v", event, got)
		}
	}
	for event, reserved := range map[string]bool{
		"pusher:ping": true, "pusher_internal:x": true, "pusher": false, "client-pusher:": false,
	} {
		if got := pusher.Reserved(event); got != reserved {
			t.Errorf("Reserved(%q) = %v", event, got)
		}
	}
	if !pusher.ByClient("client-typing") || pusher.ByClient("clients") {
		t.Error("ByClient goes by something else than the prefix client-")
	}
}

// libraryChannel is what pusher-http-node and its like check before they send.
var libraryChannel = regexp.MustCompile(`^[-a-zA-Z0-9_=@,.;]{1,200}$`)

// FuzzNames compares with the expression of the libraries.
func FuzzNames(f *testing.F) {
	for _, seed := range []string{"news", "private-a", "#server-to-user-1", "a:b/c", "é", "", "a\n", strings.Repeat("a", 201)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		valid := pusher.ValidChannel(name)
		if want := libraryChannel.MatchString(name); valid != want {
			t.Errorf("ValidChannel(%q) = %v, want %v", name, valid, want)
		}
		if valid && (!pusher.ValidTarget(name) || pusher.KindOf(name).Is(pusher.User)) {
			t.Errorf("%q is a channel, and no target or a user's", name)
		}
	})
}
