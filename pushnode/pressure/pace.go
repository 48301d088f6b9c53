package pressure

import (
	"sync"
	"time"
)

// Pace tells those who are refused when to come back, so that they do not come together: each is given a moment of its own. It is safe for
// concurrent use.
type Pace struct {
	rate        int           // immutable: moments in a second, above 0
	least, most time.Duration // immutable: the shortest and the longest wait

	mu   sync.Mutex
	next time.Time // guarded by mu: the first moment that nobody was given
}

// NewPace returns a pace at which rate a second come back, after least and before most. Where more are refused than there are moments
// until then, the moments are given out once more: the rate then rises with their number, evenly.
func NewPace(rate int, least, most time.Duration) *Pace {
	return &Pace{rate: rate, least: least, most: most}
}

// Wait takes a moment and returns how long it is until then.
func (p *Pace) Wait(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if first := now.Add(p.least); p.next.Before(first) || p.next.After(now.Add(p.most)) {
		p.next = first
	}
	wait := p.next.Sub(now)
	p.next = p.next.Add(time.Second / time.Duration(p.rate))
	return wait
}
