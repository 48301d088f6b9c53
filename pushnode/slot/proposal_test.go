package slot_test

import (
	"fmt"
	"strings"
	"testing"

	"halley/pushnode/channel"
)

// Batches are encoded in one memory, one after the other: none may be changed by those that follow before it is applied.
func TestProposalsDoNotShareMemory(t *testing.T) {
	t.Parallel()
	s := start(t)
	room := channel.ID{App: "app", Name: "room"}
	sizes := []int{10, 5, 2000, 7, 300, 7}
	for i, size := range sizes {
		publish := channel.Publish{
			Channel: room, ID: fmt.Sprint("id", i), Event: "e", Data: []byte(strings.Repeat(fmt.Sprint(i), size)), Retention: channel.DefaultRetention,
		}
		if _, err := s.Propose(1000, []channel.Command{publish}); err != nil {
			t.Fatal(err)
		}
	}
	out := s.Advance()
	if len(out.Effects) != len(sizes) {
		t.Fatalf("%d effects, want %d", len(out.Effects), len(sizes))
	}
	for i, effect := range out.Effects {
		got := effect.(channel.Published).Publication
		if want := strings.Repeat(fmt.Sprint(i), sizes[i]); string(got.Data) != want || got.ID != fmt.Sprint("id", i) {
			t.Errorf("publication %d is %s %.20q, want %.20q", i, got.ID, got.Data, want)
		}
	}
}
