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

// publishes returns n publishes that go round 50 channels.
func publishes(n int) []channel.Command {
	commands := make([]channel.Command, n)
	for i := range commands {
		commands[i] = channel.Publish{
			Channel: channel.ID{App: "app_01jd0000000000000000000000", Name: fmt.Sprintf("room:%d", i%50)},
			ID:      fmt.Sprintf("msg_%026d", i), Event: "message", Data: make([]byte, 300),
			Retention: channel.DefaultRetention,
		}
	}
	return commands
}

// BenchmarkPropose is one batch from Propose to its outcome, with one voter.
func BenchmarkPropose(b *testing.B) {
	all := publishes(1 << 17)
	for _, size := range []int{1, 16} {
		b.Run(fmt.Sprintf("publishes=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			s := start(b)
			now, next := int64(1_000_000), 0
			for b.Loop() {
				now += int64(3 * size) // 40,000 ids at a time
				batch := all[next&(len(all)-1):][:size]
				next += size
				if _, err := s.Propose(now, batch); err != nil {
					b.Fatal(err)
				}
				if out := s.Advance(); len(out.Outcomes) != 1 {
					b.Fatalf("outcomes: %d, want 1", len(out.Outcomes))
				}
			}
		})
	}
}

// BenchmarkMessage is what an append of a batch costs on its way between two copies, short of the link.
func BenchmarkMessage(b *testing.B) {
	n := newNetwork(b, 2, nil)
	n.lead(1)
	if _, err := n.at(1).Propose(1000, publishes(16)); err != nil {
		b.Fatal(err)
	}
	message := n.at(1).Advance().Messages[0]
	data := message.Append(nil)
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			data = message.Append(data[:0])
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := slot.DecodeMessage(7, data); err != nil {
				b.Fatal(err)
			}
		}
	})
}
