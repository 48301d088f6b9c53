package link

import (
	"testing"

	"pgregory.net/rapid"
)

// The outbox against a model that counts.
func TestOutboxBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit = 1000
		out := newOutbox(limit)
		var batch []byte
		waiting, writing, closed := 0, 0, false
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				size := rapid.IntRange(0, 1500).Draw(t, "size")
				fits := waiting+writing == 0 || waiting+writing+headerBytes+size <= limit
				if got, want := out.put(payloadKind, make([]byte, size)), fits && !closed; got != want {
					t.Fatalf("put is %v, want %v", got, want)
				} else if got {
					waiting += headerBytes + size
				}
			},
			"ping": func(t *rapid.T) {
				if out.put(pingKind, ping(0)) == closed {
					t.Fatalf("ping after bye %v", closed)
				} else if !closed {
					waiting += headerBytes + pingBytes
				}
			},
			"bye": func(t *rapid.T) {
				if !closed && rapid.IntRange(0, 9).Draw(t, "chance") == 0 {
					closed = out.put(byeKind, []byte{byte(Left)})
					waiting += headerBytes + 1
				}
			},
			"take": func(t *rapid.T) {
				var last bool
				if batch, last = out.take(batch); len(batch) != waiting || last != closed {
					t.Fatalf("took %d bytes, the last %v; want %d, %v", len(batch), last, waiting, closed)
				}
				waiting, writing = 0, waiting
			},
			"": func(t *rapid.T) {
				if got := out.queued(); got != waiting+writing {
					t.Fatalf("%d bytes are queued, want %d", got, waiting+writing)
				}
				if ready := len(out.ready) == 1; waiting > 0 && !ready {
					t.Fatal("nobody is woken")
				}
			},
		})
	})
}
