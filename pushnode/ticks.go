package pushnode

import (
	"context"
	"time"
)

// every calls do again and again, an interval apart, until ctx ends. What takes longer than that leaves the next call out.
func every(ctx context.Context, interval time.Duration, do func(now time.Time)) {
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticks.C:
			do(now)
		}
	}
}
