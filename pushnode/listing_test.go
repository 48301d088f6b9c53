package pushnode

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"halley/pushnode/channel"
	"halley/pushnode/host"
	"halley/pushnode/wire"
)

// TestListingsLeaveRoom makes many more lists than there may be, on a node that finds no leader for any slot: those that are too many are
// refused or end at their deadline, and what is published meanwhile is not refused for them.
func TestListingsLeaveRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(Config{Instance: 1, Cluster: 1, Logger: slog.New(slog.DiscardHandler)}, newDeliveries(handled(func(any) {}), nil), func(channel.Effect) {})
		ctx, stop := context.WithCancel(t.Context())
		var running, listing sync.WaitGroup
		running.Go(func() { s.run(ctx) })
		var refused, others atomic.Int64
		const many = 300
		for i := range many {
			listing.Go(func() {
				mine := t.Context()
				if i%2 == 0 { // some give up, which frees nothing
					impatient, cancel := context.WithTimeout(mine, tickInterval)
					defer cancel()
					mine = impatient
				}
				if _, err := s.queryAll(mine, channel.CountQuery{}); errors.Is(err, errListings) {
					refused.Add(1)
				} else if err != nil {
					others.Add(1)
				}
			})
		}
		synctest.Wait()
		if got := refused.Load(); got != many-maxListings-maxListingsWaiting {
			t.Errorf("%d are refused at once, want all but %d", got, maxListings+maxListingsWaiting)
		}
		if _, err := s.propose(t.Context(), 0, channel.Advance{}); !errors.Is(err, host.ErrNotDone) {
			t.Errorf("what is published meanwhile: %v, want only that there is no leader", err)
		}
		listing.Wait()
		if got := refused.Load() + others.Load(); got != many {
			t.Errorf("%d of %d lists came to an end with an error", got, many)
		}
		for range maxListings {
			if err := s.lists.begin(t.Context()); err != nil { // each turn comes back with the last answer
				t.Error(err)
			}
		}
		stop()
		running.Wait()
	})
}

func TestListingsRefusalIsTold(t *testing.T) {
	t.Parallel()
	told := wire.AsError((&Node{}).wireError("list", errListings))
	if told.Code != wire.CodeOverCapacity || told.RetryAfter == 0 {
		t.Errorf("got %v after %v, want over_capacity and when to come back", told, told.RetryAfter)
	}
}
