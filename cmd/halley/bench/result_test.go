package bench

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// measured is a result with something in every field.
func measured() *Result {
	r := &Result{
		Mode: Idle, Transport: WebSocket, URL: "http://127.0.0.1:8080", Bytes: 128, Rate: 25, Connections: 10, Published: 1, Delivered: 10,
		WireBytes: 302, Lost: 1, Duplicated: 2, Disordered: 3, Delivery: Latency{1, 2, 3, 4}, Acknowledgement: Latency{5, 6, 7, 8},
		Connect: Latency{9, 10, 11, 12},
	}
	before := usage{at: time.Unix(100, 0), rss: 1 << 20, pss: 1 << 19, server: time.Second, goroutines: 30}
	after := usage{at: time.Unix(102, 0), rss: 2 << 20, pss: 2 << 19, server: 3 * time.Second, self: time.Second, goroutines: 50}
	r.spend(before, after, 10)
	r.hold(before, after)
	return r
}

// What is printed is pinned: programs read the one, people the other.
func TestResultIsWritten(t *testing.T) {
	t.Parallel()
	var text, object bytes.Buffer
	if err := Write(&text, measured()); err != nil {
		t.Fatal(err)
	}
	if err := WriteJSON(&object, measured()); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{"result.txt": text.Bytes(), "result.json": object.Bytes()} {
		golden := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s has changed (go test -update rewrites it):\n%s", golden, got)
		}
	}
}

// A server whose processes are not known has no cost.
func TestResultWithoutProcesses(t *testing.T) {
	t.Parallel()
	r := &Result{Mode: Fanout, Delivered: 10}
	r.spend(usage{at: time.Unix(1, 0)}, usage{at: time.Unix(2, 0)}, 10)
	r.hold(usage{}, usage{})
	if r.Server != nil || r.DeliveriesPerSecond != 10 {
		t.Errorf("%+v", r)
	}
}
