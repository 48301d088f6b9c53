package channel_test

import (
	"fmt"
	"testing"

	"halley/pushnode/channel"
)

// TestPagesAreBoundedInBytes reads publications of which two are more than a page: each page has one, and the next follows it.
func TestPagesAreBoundedInBytes(t *testing.T) {
	t.Parallel()
	state := channel.NewState(1)
	id := channel.ID{App: "app", Name: "room"}
	for i := range 3 {
		state.Apply(int64(i+1), []channel.Command{channel.Publish{
			Channel: id, ID: fmt.Sprint(i), Event: "e", Data: make([]byte, channel.MaxPageBytes*2/3),
			Retention: channel.Retention{Messages: 10, Bytes: 10 * channel.MaxPageBytes, Age: channel.DefaultRetention.Age},
		}})
	}
	for offset := uint64(0); offset < 3; offset++ {
		epoch := state.Backlog(id, channel.Start{}, 1).Head.Epoch
		since := channel.Position{Epoch: epoch, Offset: offset}
		backlog := state.Backlog(id, channel.Start{Since: &since}, 10)
		if len(backlog.Publications) != 1 || backlog.Position.Offset != offset+1 || backlog.Head.Offset != 3 || backlog.Gap != nil {
			t.Errorf("backlog after %d: %d publications up to %v of %v, gap %v",
				offset, len(backlog.Publications), backlog.Position, backlog.Head, backlog.Gap)
		}
		forward := state.History(id, channel.HistoryQuery{Limit: 10, Forward: true, Since: &since})
		if len(forward.Publications) != 1 || forward.Publications[0].Offset != offset+1 || forward.More != (offset < 2) {
			t.Errorf("forward after %d: %d publications, more %v", offset, len(forward.Publications), forward.More)
		}
		since.Offset++
		backward := state.History(id, channel.HistoryQuery{Limit: 10, Since: &since})
		want := min(offset, 1)
		if uint64(len(backward.Publications)) != want || want > 0 && backward.Publications[0].Offset != offset || backward.More != (offset > 1) {
			t.Errorf("backward before %d: %d publications, more %v", offset+1, len(backward.Publications), backward.More)
		}
	}
}
