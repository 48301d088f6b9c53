package bench

import (
	"math/bits"
	"time"
)

// Values up to precise are kept as they are; above, each power of two is divided into so many buckets, which makes the error of a
// percentile 1/64 at most.
const (
	preciseBits = 6
	precise     = 1 << preciseBits
)

// histogram counts times in ns. It has one owner at a time. The zero value is empty.
type histogram struct {
	counts [(64 - preciseBits) * precise]uint32
	total  uint64
	most   int64
}

// add counts one value; what is negative counts as 0.
func (h *histogram) add(value int64) {
	value = max(value, 0)
	h.counts[bucket(uint64(value))]++
	h.total++
	h.most = max(h.most, value)
}

// bucket is the index of a value.
func bucket(value uint64) int {
	shift := max(0, bits.Len64(value)-preciseBits-1)
	return shift*precise + int(value>>shift)
}

// ceiling is the greatest value of a bucket.
func ceiling(index int) int64 {
	shift := max(0, index/precise-1)
	return int64(index-shift*precise+1)<<shift - 1
}

// merge adds what another has counted.
func (h *histogram) merge(other *histogram) {
	for i, count := range other.counts {
		h.counts[i] += count
	}
	h.total += other.total
	h.most = max(h.most, other.most)
}

// percentile is the value that a share of all does not exceed: 0.5 is the median. 0 where there is none.
func (h *histogram) percentile(share float64) time.Duration {
	rank := uint64(share * float64(h.total))
	if float64(rank) < share*float64(h.total) || rank == 0 {
		rank++
	}
	var seen uint64
	for i, count := range h.counts {
		if seen += uint64(count); seen >= rank && count > 0 {
			return time.Duration(min(ceiling(i), h.most))
		}
	}
	return 0
}

// Latency is what a histogram says, in milliseconds.
type Latency struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

// latency sums up.
func (h *histogram) latency() Latency {
	return Latency{
		P50: milliseconds(h.percentile(0.5)), P99: milliseconds(h.percentile(0.99)), P999: milliseconds(h.percentile(0.999)),
		Max: milliseconds(time.Duration(h.most)),
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
