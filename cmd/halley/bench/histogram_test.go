package bench

import (
	"slices"
	"testing"
	"time"
)

// Percentiles are those of the sorted values, at most 1/64 too high.
func TestHistogramPercentiles(t *testing.T) {
	t.Parallel()
	var values []int64
	var h histogram
	for i := range int64(10_000) {
		value := i * i * 37 % 90_000_011 // from ns to a tenth of a second
		values = append(values, value)
		h.add(value)
	}
	slices.Sort(values)
	for _, share := range []float64{0.001, 0.5, 0.9, 0.99, 0.999, 1} {
		exact := values[max(0, int(share*float64(len(values)))-1)]
		if got := int64(h.percentile(share)); got < exact || float64(got) > float64(exact)*(1+1.0/precise) {
			t.Errorf("percentile %v is %d, want %d to %.0f", share, got, exact, float64(exact)*(1+1.0/precise))
		}
	}
	if h.most != values[len(values)-1] {
		t.Errorf("the most is %d, want %d", h.most, values[len(values)-1])
	}
}

func TestHistogramOfFewValues(t *testing.T) {
	t.Parallel()
	var h histogram
	if got := h.latency(); got != (Latency{}) {
		t.Errorf("of nothing it says %+v", got)
	}
	h.add(int64(3 * time.Millisecond))
	if got, want := h.latency(), (Latency{P50: 3, P99: 3, P999: 3, Max: 3}); got != want {
		t.Errorf("of one value it says %+v, want %+v", got, want)
	}
	h.add(-5) // a clock is not that exact
	if got := h.percentile(0.5); got != 0 {
		t.Errorf("a negative value counts as %v, want 0", got)
	}
}

// Each bucket begins where the one before it ends.
func TestHistogramBucketsMeet(t *testing.T) {
	t.Parallel()
	for index := range len(histogram{}.counts) {
		top := ceiling(index)
		if bucket(uint64(top)) != index || index+1 < len(histogram{}.counts) && bucket(uint64(top)+1) != index+1 {
			t.Fatalf("bucket %d ends with %d, which is in %d, and the next value in %d", index, top, bucket(uint64(top)), bucket(uint64(top)+1))
		}
	}
}

func TestHistogramMerge(t *testing.T) {
	t.Parallel()
	var a, b histogram
	a.add(1)
	b.add(2)
	b.add(100)
	a.merge(&b)
	if a.total != 3 || a.most != 100 || a.percentile(0.5) != 2 {
		t.Errorf("merged: total %d, most %d, median %v", a.total, a.most, a.percentile(0.5))
	}
}
