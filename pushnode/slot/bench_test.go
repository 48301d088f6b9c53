package slot_test

import (
	"fmt"
	"testing"

	"halley/pushnode/channel"
	"halley/pushnode/slot"
)

// start returns a slot with one voter that leads.
func start(tb testing.TB) *slot.Slot {
	tb.Helper()
	s, err := slot.New(slot.Config{ID: 7, Self: 1, Voters: []uint64{1}, Cluster: 5})
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.Campaign(); err != nil {
		tb.Fatal(err)
	}
	s.Advance()
	return s
}

// BenchmarkPropose is one batch from Propose to its outcome, with one voter.
func BenchmarkPropose(b *testing.B) {
	for _, size := range []int{1, 16} {
		b.Run(fmt.Sprintf("publishes=%d", size), func(b *testing.B) {
			s := start(b)
			commands := make([]channel.Command, size)
			now, serial := int64(1_000_000), 0
			for b.Loop() {
				now++
				for i := range commands {
					serial++
					commands[i] = channel.Publish{
						Channel: channel.ID{App: "app_01", Name: fmt.Sprintf("room:%d", serial%50)},
						ID:      fmt.Sprintf("msg_%022d", serial), Event: "message", Data: make([]byte, 300),
						Retention: channel.DefaultRetention,
					}
				}
				if _, err := s.Propose(now, commands); err != nil {
					b.Fatal(err)
				}
				if out := s.Advance(); len(out.Outcomes) != 1 {
					b.Fatalf("outcomes: %d, want 1", len(out.Outcomes))
				}
			}
		})
	}
}
