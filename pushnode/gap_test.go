package pushnode_test

import (
	"fmt"
	"net/http"
	"testing"
)

// TestGapsSayWhereToGoOn reads history with positions that mean nothing to the channel: its gap must say where the page begins,
// as that of poll does, or a client that goes on from there begins anew each time.
func TestGapsSayWhereToGoOn(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "ada", nil)
	var epoch string
	for i := range 3 {
		epoch = a.publish(t, "news", i).text("epoch")
	}
	for position, want := range map[string]struct {
		reason            string
		forward, backward int
	}{
		epoch + ":99": {"position_ahead", 3, 3},
		"zz-0-1:1":    {"unknown_epoch", 0, 3}, // forward the page begins with the oldest
	} {
		path := "/v1/channels/news/messages?since=" + position
		for direction, offset := range map[string]int{"forward": want.forward, "backward": want.backward} {
			got := a.call(t, http.MethodGet, path+"&direction="+direction, "").JSON
			gap := got.in("gap")
			if gap.text("reason") != want.reason || gap.number("offset") != offset || gap.text("epoch") != epoch {
				t.Errorf("%s of %s: the gap is %v, want %s at %v", direction, position, gap, want.reason, offset)
			}
		}
	}
	polled := a.call(t, http.MethodGet, fmt.Sprintf("/v1/poll?channel=news&wait=0s&cursor=%s:99", epoch), "").JSON
	if gaps := polled.list("gaps"); len(gaps) != 1 || gaps[0].number("offset") != 3 {
		t.Errorf("poll tells of %v", gaps)
	}
}
