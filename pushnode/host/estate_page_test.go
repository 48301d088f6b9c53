package host

import (
	"reflect"
	"testing"

	"halley/pushnode/channel"
)

// TestEstateKeepsAllOfAPublication holds that what a generation hands over is what it was told, whole.
func TestEstateKeepsAllOfAPublication(t *testing.T) {
	t.Parallel()
	told := &channel.Publication{
		ID: "m1", Offset: 7, Event: "e", Data: []byte("1"), Exclude: "ses_1", ClientID: "ada", Time: 5,
	}
	e := &estate{remains: []channel.Remaining{{Publication: told}}}
	want := []channel.Imported{{ID: "m1", Event: "e", Data: []byte("1"), Exclude: "ses_1", ClientID: "ada", Timestamp: 5}}
	if got := e.page(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
