package pushnode_test

import (
	"testing"

	"halley/pushnode/channel"
	"halley/pushnode/pusher"
)

// FuzzPusherNames holds that every name which Pusher's clients may use is a name of Halley, and that no name which a native client may use
// is a user's channel.
func FuzzPusherNames(f *testing.F) {
	for _, seed := range []string{"news", "private-a", "#server-to-user-1", "a:b/c", "é", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		native := channel.ValidName(name) == nil
		if pusher.ValidChannel(name) && !native {
			t.Errorf("%q is a channel of Pusher and none of Halley", name)
		}
		if pusher.KindOf(name).Is(pusher.User) && native {
			t.Errorf("%q is a user's channel and a name that anybody may use", name)
		}
	})
}
