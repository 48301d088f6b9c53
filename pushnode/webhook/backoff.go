package webhook

import (
	"math/rand/v2"
	"time"
)

// Pusher tries for five minutes. Attempts come after 0, 1, 3, 7, 15, 31, 63, 123, 183, 243 and 303 seconds, each wait up to a quarter longer,
// so that endpoints which failed together are not asked together again.
const (
	firstWait   = time.Second
	longestWait = time.Minute
	// tryFor is how long after the first attempt a failure is not the last.
	tryFor = 5 * time.Minute
)

// wait is how long to wait after so many attempts that failed, from 1.
func wait(attempts int) time.Duration {
	base := longestWait
	if shift := attempts - 1; shift < 6 {
		base = min(firstWait<<shift, longestWait)
	}
	return base + rand.N(base/4)
}
