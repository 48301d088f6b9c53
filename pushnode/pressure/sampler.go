package pressure

import (
	"runtime"
	"runtime/metrics"
	"slices"
	"time"
)

// What is read of the runtime. All of it is kept by the runtime anyway: to read it costs some microseconds.
const (
	liveHeap = "/gc/heap/live:bytes"                // what the last collection left
	heap     = "/memory/classes/heap/objects:bytes" // the same, with what came since and what is dead by now
	delays   = "/sched/latencies:seconds"
)

// beside is the memory that no collection gives back and that is not part of the heap.
var beside = []string{
	"/memory/classes/heap/stacks:bytes", "/memory/classes/os-stacks:bytes", "/memory/classes/other:bytes",
	"/memory/classes/metadata/mcache/inuse:bytes", "/memory/classes/metadata/mspan/inuse:bytes",
	"/memory/classes/metadata/other:bytes", "/memory/classes/profiling/buckets:bytes",
}

const (
	// delayShare is the share of goroutines that waited no longer than Reading.Delay.
	delayShare = 0.9
	// collectInterval is how long after a collection another one may be asked for, at the earliest.
	collectInterval = 10 * time.Second
	// collectPart bounds the time spent on such collections: one part in so many.
	collectPart = 10
)

// Sampler reads what this process uses. It is for one goroutine.
type Sampler struct {
	memory int64 // immutable: the limit; 0: none

	samples []metrics.Sample
	before  []uint64  // the counts of delays at the last reading
	again   time.Time // when the next collection may be asked for
}

// NewSampler returns a sampler for a process that may use so many bytes.
func NewSampler(memory int64) *Sampler {
	s := &Sampler{memory: memory}
	for _, name := range append([]string{liveHeap, heap, delays}, beside...) {
		s.samples = append(s.samples, metrics.Sample{Name: name})
	}
	return s
}

// Read measures. The heap that lives is known as of the last garbage collection: where the heap as a whole is near the first mark it is
// collected, so that neither is a storm seen too late nor its end, after which nothing is allocated that would cause a collection.
func (s *Sampler) Read(now time.Time) Reading {
	metrics.Read(s.samples)
	if s.memory > 0 && s.inUse(heap) >= s.memory/100*(marks[Crowded]-margin) && !now.Before(s.again) {
		begin := time.Now()
		runtime.GC()
		s.again = now.Add(max(collectInterval, collectPart*time.Since(begin)))
		metrics.Read(s.samples)
	}
	return Reading{Memory: s.inUse(liveHeap), Delay: s.delay()}
}

// inUse is the heap by one of its two names, and what is beside it.
func (s *Sampler) inUse(heap string) int64 {
	sum := int64(0)
	for _, sample := range s.samples {
		if sample.Name == heap || slices.Contains(beside, sample.Name) {
			sum += int64(sample.Value.Uint64())
		}
	}
	return sum
}

// delay is how long nine of ten goroutines at most waited since the last reading; 0 where none waited, or there was none.
func (s *Sampler) delay() time.Duration {
	i := slices.IndexFunc(s.samples, func(sample metrics.Sample) bool { return sample.Name == delays })
	histogram := s.samples[i].Value.Float64Histogram()
	before := s.before
	s.before = slices.Clone(histogram.Counts)
	if before == nil {
		return 0
	}
	return time.Duration(quantile(before, histogram.Counts, histogram.Buckets, delayShare) * float64(time.Second))
}

// quantile is the lower bound of the bucket that a share of what was counted between two readings lies in or below. Bucket i reaches from
// bounds[i] to bounds[i+1]; the first bound may be -Inf.
func quantile(before, after []uint64, bounds []float64, share float64) float64 {
	total := uint64(0)
	for i := range after {
		total += after[i] - before[i]
	}
	below, want := uint64(0), share*float64(total)
	for i := range after {
		if below += after[i] - before[i]; total > 0 && float64(below) >= want {
			return max(0, bounds[i])
		}
	}
	return 0
}
