package channel_test

import (
	"testing"

	"halley/pushnode/channel"
)

// TestPublishAgain tells a request that is sent again from a publisher who repeats an id: the position is the same, and only the second
// is a duplicate. A copy that was restored from a snapshot tells them apart as well.
func TestPublishAgain(t *testing.T) {
	t.Parallel()
	state := channel.NewState(1)
	id := channel.ID{App: "app", Name: "room"}
	publish := func(state *channel.State, message string, attempt uint32) channel.Result {
		results, _ := state.Apply(1, []channel.Command{channel.Publish{
			Channel: id, ID: message, Event: "e", Data: []byte("1"), Retention: channel.DefaultRetention, Attempt: attempt,
		}})
		return results[0]
	}
	publish(state, "first", 7)
	publish(state, "second", 8)
	publish(state, "none", 0)
	restored, err := channel.RestoreSnapshot(channel.AppendSnapshot(nil, state))
	if err != nil {
		t.Fatal(err)
	}
	for _, copied := range []*channel.State{state, restored} {
		for _, test := range []struct {
			message   string
			attempt   uint32
			offset    uint64
			duplicate bool
		}{
			{"first", 7, 1, false}, {"first", 8, 1, true}, {"first", 0, 1, true}, {"second", 8, 2, false}, {"none", 0, 3, true}, {"none", 9, 3, true},
		} {
			got := publish(copied, test.message, test.attempt)
			if got.Position.Offset != test.offset || got.Duplicate != test.duplicate {
				t.Errorf("%s by attempt %d: %+v, want offset %d, duplicate %v", test.message, test.attempt, got, test.offset, test.duplicate)
			}
		}
	}
}
