package channel_test

import (
	"fmt"
	"testing"

	"halley/pushnode/channel"
)

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

// BenchmarkApplyPublish applies one publish an entry, and moves the clock so that ids and publications expire at the same rate.
func BenchmarkApplyPublish(b *testing.B) {
	b.ReportAllocs()
	commands := publishes(1 << 17)
	s := channel.NewState(1)
	now := int64(1_000_000)
	i := 0
	for b.Loop() {
		now += 3 // 40,000 ids at a time
		s.Apply(now, commands[i&(len(commands)-1):][:1])
		i++
	}
}

func BenchmarkDecodeBatch(b *testing.B) {
	for _, size := range []int{1, 64} {
		b.Run(fmt.Sprintf("publishes=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			batch := channel.Batch{Proposer: 1 << 60, Ticket: 77, Now: 1_795_000_000_000, Commands: publishes(size)}
			entry := channel.AppendBatch(nil, batch)
			b.SetBytes(int64(len(entry)))
			for b.Loop() {
				if _, err := channel.DecodeBatch(entry); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendBatch(b *testing.B) {
	b.ReportAllocs()
	batch := channel.Batch{Proposer: 1 << 60, Ticket: 77, Now: 1_795_000_000_000, Commands: publishes(1)}
	for b.Loop() {
		channel.AppendBatch(nil, batch)
	}
}

func BenchmarkBacklog(b *testing.B) {
	b.ReportAllocs()
	s := channel.NewState(1)
	id := channel.ID{App: "app", Name: "room"}
	for i := range 100 {
		s.Apply(1, []channel.Command{channel.Publish{Channel: id, ID: fmt.Sprint(i), Retention: channel.DefaultRetention}})
	}
	info, _ := s.Info(id)
	since := channel.Position{Epoch: info.Position.Epoch, Offset: 90}
	for b.Loop() {
		s.Backlog(id, channel.Start{Since: &since}, 100)
	}
}

func BenchmarkSnapshot(b *testing.B) {
	b.ReportAllocs()
	s := channel.NewState(1)
	s.Apply(1, publishes(5000))
	snapshot := channel.AppendSnapshot(nil, s)
	b.SetBytes(int64(len(snapshot)))
	b.Run("append", func(b *testing.B) {
		for b.Loop() {
			channel.AppendSnapshot(snapshot[:0], s)
		}
	})
	b.Run("restore", func(b *testing.B) {
		for b.Loop() {
			if _, err := channel.RestoreSnapshot(snapshot); err != nil {
				b.Fatal(err)
			}
		}
	})
}
