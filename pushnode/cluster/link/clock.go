package link

import (
	"encoding/binary"
	"sync"
	"time"
)

// A ping is when it was sent by its sender's Mesh.now, in ns. A pong is the ping, and the wall clock of the one that answers, in ns
// since 1970.
const (
	pingBytes = 8
	pongBytes = 16
)

// samples is how many measurements the best is chosen from (RFC 5905, 10: the clock filter).
const samples = 8

// sample is one measurement of a peer's clock.
type sample struct {
	offset    time.Duration // of its wall clock ahead of ours
	roundTrip time.Duration
}

// clock is what is known of a peer's clock.
type clock struct {
	mu     sync.Mutex
	recent [samples]sample
	added  int
}

func (c *clock) add(s sample) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.recent[c.added%samples] = s
	c.added++
}

// best returns the measurement with the shortest round trip of the last few, for that one can be wrong by the least.
func (c *clock) best() (offset, roundTrip time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.added == 0 {
		return 0, 0, false
	}
	best := c.recent[0]
	for _, s := range c.recent[:min(c.added, samples)] {
		if s.roundTrip < best.roundTrip {
			best = s
		}
	}
	return best.offset, best.roundTrip, true
}

func ping(now time.Duration) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(now))
}

// pong answers a ping.
func pong(ping []byte, wall time.Time) []byte {
	answer := append(make([]byte, 0, pongBytes), ping[:min(len(ping), pingBytes)]...)
	return binary.BigEndian.AppendUint64(answer, uint64(wall.UnixNano()))
}

// measure takes the sample that a pong stands for. False: it makes no sense.
func measure(pong []byte, now time.Duration, wall time.Time) (sample, bool) {
	if len(pong) != pongBytes {
		return sample{}, false
	}
	roundTrip := now - time.Duration(binary.BigEndian.Uint64(pong))
	if roundTrip < 0 || roundTrip > now {
		return sample{}, false
	}
	theirs := time.Unix(0, int64(binary.BigEndian.Uint64(pong[pingBytes:])))
	return sample{offset: theirs.Sub(wall.Add(-roundTrip / 2)), roundTrip: roundTrip}, true
}
