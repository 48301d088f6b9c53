// Package heap measures what things hold in memory, and fails a benchmark when that is not what the table of a DESIGN.md says.
//
// It counts bytes of the heap, in the size classes in which they are given out. It does not count the stacks of goroutines, nor what the
// kernel holds. Start at Check.
package heap

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"
)

// Check fails a benchmark when something holds a tenth more or less than bytes, which is what the row of that name says in the table of
// the package's DESIGN.md. Less is a fault of the table: it would let as much be lost again. Hold measures the bytes of one. On other
// systems than those of the tables what it measures is said, and not judged.
func Check(b *testing.B, row string, bytes int, hold func() float64) {
	b.Helper()
	if err := accounted("DESIGN.md", row, bytes); err != nil {
		b.Error(err)
	}
	var held float64
	for b.Loop() {
		held = hold()
	}
	b.ReportMetric(held, "B/one")
	switch reason := unfit(); {
	case reason != "":
		b.Logf("not judged: %s", reason)
	case off(held, bytes):
		b.Errorf("%s: holds %.0f bytes, %d are accounted for: say in DESIGN.md what it holds now, and why", row, held, bytes)
	}
}

// off reports whether what is held is a tenth more or less than what is accounted for.
func off(held float64, bytes int) bool { return math.Abs(held-float64(bytes)) > float64(bytes)/10 }

// unfit says why this process cannot tell the sizes of the tables; empty: it can.
func unfit() string {
	switch {
	case raced:
		return "the race detector changes sizes"
	case runtime.GOOS != "linux" || runtime.GOARCH != "amd64":
		return "the tables say what things hold on linux/amd64"
	default:
		return ""
	}
}

// accounted reports whether a file has a row of a table that begins with that name and those bytes.
func accounted(file, row string, bytes int) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if want := fmt.Sprintf("\n| %s | %d |", row, bytes); !strings.Contains(string(text), want) {
		return fmt.Errorf("%s has no row that begins with %q", file, strings.TrimSpace(want))
	}
	return nil
}

// maxCollections bounds how often InUse collects garbage: what finalizers hold goes one link of a chain at a time.
const maxCollections = 10

// InUse is how many bytes of the heap are in use when nothing is left to be collected, what pools keep included.
func InUse() int {
	collect() // what pools keep goes with the second collection
	held := collect()
	for range maxCollections {
		before := held
		if held = collect(); held >= before {
			break
		}
	}
	return held
}

func collect() (held int) {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}
