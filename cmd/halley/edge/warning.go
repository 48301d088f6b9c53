package edge

import (
	"sync"
	"time"
)

// warnInterval keeps what strangers cause from filling the log.
const warnInterval = time.Minute

// warning says whether it is time to repeat one line of the log. The zero value is ready.
type warning struct {
	mu   sync.Mutex
	last time.Time
}

// due reports whether the line was not written for a while, and counts it as written now.
func (w *warning) due() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if now.Sub(w.last) < warnInterval {
		return false
	}
	w.last = now
	return true
}
