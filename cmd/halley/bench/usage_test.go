package bench

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"
)

// The process time of this process is what the kernel tells it by another way.
func TestUsageReadsProcesses(t *testing.T) {
	t.Parallel()
	target := &Target{PIDs: []int{os.Getpid()}}
	for ownTime() < 300*time.Millisecond { // something to see
	}
	u, err := target.usage()
	if err != nil {
		t.Fatal(err)
	}
	if difference := (u.server - u.self).Abs(); u.self < 300*time.Millisecond || difference > 50*time.Millisecond {
		t.Errorf("by its number the process has used %v, by itself %v", u.server, u.self)
	}
	if u.rss < 1<<20 || u.pss < 1<<20 || u.pss > u.rss || u.machine < u.self {
		t.Errorf("%+v", u)
	}
	for _, nobody := range []int{0, -1, 1 << 22, 1 << 30} {
		if _, err := (&Target{PIDs: []int{nobody}}).usage(); err == nil {
			t.Errorf("process %d, which is not there, is measured", nobody)
		}
	}
}

func TestForeignIsWhatIsLeft(t *testing.T) {
	t.Parallel()
	before := usage{at: time.Unix(100, 0)}
	after := usage{at: time.Unix(101, 0), machine: 3 * time.Second, server: time.Second, self: time.Second}
	if got := foreign(before, after); got <= 0 || got > 1 {
		t.Errorf("of one second that others had it says %v", got)
	}
	after.self = 2 * time.Second
	if got := foreign(before, after); got != 0 {
		t.Errorf("of nothing it says %v", got)
	}
	after.self = 3 * time.Second // clocks differ by ticks
	if got := foreign(before, after); got != 0 {
		t.Errorf("of less than nothing it says %v", got)
	}
}

func TestGoroutines(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"# HELP x\ngo_goroutines 42\n": 42, "go_threads 7\n": 0} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }))
		defer server.Close()
		got, err := readGoroutines(server.URL)
		if got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}
