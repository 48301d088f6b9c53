package channel_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"halley/pushnode/channel"
	"halley/test/heap"
)

// BenchmarkMemory is what a slot remembers, in bytes: the table of DESIGN.md. Each command comes in a log entry of its own, as from a
// slot that has little to do.
func BenchmarkMemory(b *testing.B) {
	rows := []struct {
		name  string
		bytes int
		hold  func(tb testing.TB) float64
	}{
		{"session", 352, func(tb testing.TB) float64 { return held(tb, some, opened) }},
		{"session's channel", 56, func(tb testing.TB) float64 { return held(tb, some/each, follows) / each }},
		{"channel", 424, func(tb testing.TB) float64 { return held(tb, some, begun) }},
		{"id", 85, func(tb testing.TB) float64 { return held(tb, some, published(0)) }},
		{"publication", 302, func(tb testing.TB) float64 {
			return held(tb, some, published(some)) - held(tb, some, published(0)) - dataBytes
		}},
		{"member", 184, func(tb testing.TB) float64 { return held(tb, some, entered) }},
		{"departure", 78, func(tb testing.TB) float64 { return held(tb, 3<<10, departed) }},
	}
	for _, row := range rows {
		b.Run(strings.ReplaceAll(row.name, " ", "-"), func(b *testing.B) {
			heap.Check(b, row.name, row.bytes, func() float64 { return row.hold(b) })
		})
	}
}

// some is how many are measured at a time: what doubles its room has a quarter to spare then.
const some = 6 << 10

// each is how many channels a session follows, where that is what is measured.
const each = 10

// dataBytes is how long the data of a publication is.
const dataBytes = 300

// held is how many bytes are held by what each of n has been made by its second commands; what the first ones make is not counted.
func held(tb testing.TB, n int, one func(i int) (before, then []channel.Command)) float64 {
	tb.Helper()
	s := channel.NewState(1)
	apply := func(commands []channel.Command) {
		tb.Helper()
		for i := range commands {
			applyEntry(tb, s, commands[i:][:1])
		}
	}
	for i := range n {
		before, _ := one(i)
		apply(before)
	}
	without := heap.InUse()
	for i := range n {
		_, then := one(i)
		apply(then)
	}
	bytes := heap.InUse() - without
	runtime.KeepAlive(s)
	return float64(bytes) / float64(n)
}

// applyEntry applies commands as those of an entry of the log, which they share the memory of.
func applyEntry(tb testing.TB, s *channel.State, commands []channel.Command) {
	tb.Helper()
	entry := channel.AppendBatch(nil, channel.Batch{Proposer: 1 << 60, Ticket: 77, Now: 1_795_000_000_000, Commands: commands})
	batch, err := channel.DecodeBatch(entry)
	if err != nil {
		tb.Fatal(err)
	}
	if results, _ := s.Apply(batch.Now, batch.Commands); results[0].Err != nil {
		tb.Fatal(results[0].Err)
	}
}

// appID and the names below are as long as they are in a node.
const appID = "app_01jd0000000000000000000000"

func nameOf(i int) channel.ID { return channel.ID{App: appID, Name: fmt.Sprintf("room:%022d", i)} }

func sessionOf(i int) string { return fmt.Sprintf("ses_%026d", i) }

func attached(i int) channel.AttachSession {
	return channel.AttachSession{App: appID, Session: sessionOf(i), Edge: 1 << 60, Attempt: 1, Create: true}
}

// opened opens a session of an anonymous client.
func opened(i int) (before, then []channel.Command) {
	return nil, []channel.Command{attached(i)}
}

// follows has a session follow channels.
func follows(i int) (before, then []channel.Command) {
	update := channel.UpdateSession{App: appID, Session: sessionOf(i), Generation: 1}
	for j := range each {
		update.Channels = append(update.Channels, channel.Subscription{Channel: nameOf(i + j).Name})
	}
	return []channel.Command{attached(i)}, []channel.Command{update}
}

// begun begins a channel and leaves nothing in it: a member comes and goes.
func begun(i int) (before, then []channel.Command) {
	return nil, []channel.Command{
		channel.EnterPresence{Channel: nameOf(i), Session: sessionOf(i), Generation: 1},
		channel.LeavePresence{Channel: nameOf(i), Session: sessionOf(i), Generation: 1},
	}
}

// published publishes to one channel, which keeps so many.
func published(keep int) func(i int) (before, then []channel.Command) {
	return func(i int) (before, then []channel.Command) {
		keep := channel.Retention{Messages: keep, Bytes: 1 << 30, Age: channel.DefaultRetention.Age}
		return nil, []channel.Command{channel.Publish{
			Channel: nameOf(0), ID: fmt.Sprintf("msg_%026d", i), Event: "message", Data: make([]byte, dataBytes), Retention: keep,
		}}
	}
}

// entered makes a member without data, in channels that have 100 each.
func entered(i int) (before, then []channel.Command) {
	return nil, []channel.Command{channel.EnterPresence{
		Channel: nameOf(i / 100), ClientID: fmt.Sprintf("user:%022d", i), Session: sessionOf(i), Generation: 1, Attempt: 1,
	}}
}

// departed takes a member out for good.
func departed(i int) (before, then []channel.Command) {
	return nil, []channel.Command{channel.LeavePresence{
		Channel: nameOf(0), ClientID: fmt.Sprintf("user:%022d", i), Session: sessionOf(i), Generation: 1, Final: true,
	}}
}
