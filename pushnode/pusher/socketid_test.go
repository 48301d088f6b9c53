package pusher_test

import (
	"math"
	"regexp"
	"testing"

	"pgregory.net/rapid"

	"halley/pushnode/pusher"
)

// librarySocketID is what pusher-http-node, -go, -php and -python check before they sign for a connection.
var librarySocketID = regexp.MustCompile(`^\d+\.\d+$`)

func TestSocketIDs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := pusher.SocketIDOf([2]uint64{rapid.Uint64().Draw(t, "first"), rapid.Uint64().Draw(t, "second")})
		if !librarySocketID.MatchString(id) || !pusher.ValidSocketID(id) || len(id) > 21 {
			t.Errorf("%q is no socket id", id)
		}
	})
	if id := pusher.SocketIDOf([2]uint64{math.MaxUint64, 7}); id != "3709551615.7" {
		t.Errorf("two numbers make %q", id)
	}
}

// FuzzSocketID compares with the expression of the libraries.
func FuzzSocketID(f *testing.F) {
	for _, seed := range []string{"1.2", "1234567890.0987654321", "1", "1.", ".1", "1.2.3", "a.b", "1.2\n", "١.٢", "+1.2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want := librarySocketID.MatchString(text) && len(text) <= pusher.MaxSocketIDBytes
		if got := pusher.ValidSocketID(text); got != want {
			t.Errorf("ValidSocketID(%q) = %v, want %v", text, got, want)
		}
	})
}
