package link_test

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"halley/pushnode/cluster/link"
)

// From Send to Receive over the loopback interface, as fast as the queue allows: what a node pair carries in one class.
func BenchmarkSendReceive(b *testing.B) {
	for mode, change := range map[string]func(*link.Config){"plain": func(*link.Config) {}, "tls": with(b, ours)} {
		for _, size := range []int{100, 1000, 64 << 10} {
			b.Run(fmt.Sprintf("%s/%dB", mode, size), func(b *testing.B) { sendReceive(b, change, size) })
		}
	}
}

func sendReceive(b *testing.B, change func(*link.Config), size int) {
	var received atomic.Int64
	sender := start(b, 2, change)
	receiver := start(b, 1, change, func(c *link.Config) {
		c.Receive = func(uint64, link.Class, []byte) { received.Add(1) }
	})
	join(sender, 2, receiver, 1)
	frame := make([]byte, size)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	var sent int64
	for b.Loop() {
		for sender.Queued(1, link.Data) > 1<<20 { // as the host does: hold back instead of overflowing
			runtime.Gosched()
		}
		if !sender.Send(1, link.Data, frame) {
			b.Fatalf("not queued: %s", sender.all())
		}
		sent++
	}
	for received.Load() < sent {
		runtime.Gosched()
	}
	b.ReportMetric(float64(sent)/b.Elapsed().Seconds(), "frames/s")
}
