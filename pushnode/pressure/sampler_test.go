package pressure_test

import (
	"math"
	"runtime"
	"sync"
	"testing"
	"time"

	"halley/pushnode/pressure"
)

func TestQuantile(t *testing.T) {
	t.Parallel()
	bounds := []float64{math.Inf(-1), 0, 1, 2, math.Inf(1)}
	for name, test := range map[string]struct {
		before, after []uint64
		want          float64
	}{
		"nothing":          {[]uint64{0, 5, 0, 0}, []uint64{0, 5, 0, 0}, 0},
		"all quick":        {[]uint64{0, 5, 0, 0}, []uint64{0, 9, 0, 0}, 0},
		"a tenth slow":     {[]uint64{0, 0, 0, 7}, []uint64{0, 9, 0, 8}, 0},
		"a fifth slow":     {[]uint64{0, 0, 0, 7}, []uint64{0, 8, 0, 9}, 2},
		"only what is new": {[]uint64{0, 0, 90, 0}, []uint64{0, 1, 90, 0}, 0},
		"below all bounds": {[]uint64{0, 0, 0, 0}, []uint64{1, 0, 0, 0}, 0},
		"most in between":  {[]uint64{0, 0, 0, 0}, []uint64{0, 1, 9, 0}, 1},
	} {
		if got := pressure.Quantile(test.before, test.after, bounds, 0.9); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// TestSamplerSeesWhatIsHeld: what is in use is seen without anybody asking for a collection, and that it is gone as well. It does not run
// beside others, whose memory would count.
func TestSamplerSeesWhatIsHeld(t *testing.T) {
	const held = 64 << 20
	now := time.Now()
	runtime.GC()
	before := pressure.NewSampler(0).Read(now).Memory
	s := pressure.NewSampler(before + held/2)
	data := make([]byte, held)
	if got := s.Read(now).Memory - before; got < held/2 {
		t.Errorf("%d bytes are seen of %d that are held", got, held)
	}
	runtime.KeepAlive(data)
	data = nil
	if got := s.Read(now.Add(time.Minute)).Memory - before; got > held/2 {
		t.Errorf("%d bytes are seen when they are gone", got)
	}
}

// TestSamplerSeesLackOfProcessors has many more goroutines that compute than there are processors for them.
func TestSamplerSeesLackOfProcessors(t *testing.T) {
	s := pressure.NewSampler(0)
	s.Read(time.Now())
	var computing sync.WaitGroup
	end := time.Now().Add(500 * time.Millisecond)
	for range 64 * runtime.GOMAXPROCS(0) {
		computing.Go(func() {
			for time.Now().Before(end) {
				runtime.Gosched()
			}
		})
	}
	computing.Wait()
	busy := s.Read(time.Now())
	if busy.Delay == 0 {
		t.Error("no delay is seen while all compute")
	}
}
