package console

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How many mails with a link go to one address. A link lives for half an hour and ends when three newer ones were made, so at this
// pace no stranger can end a link that the owner waits for, nor fill a mailbox.
const (
	mailBurst    = 3
	mailInterval = 30 * time.Minute // one more mail
)

// mailBuckets hold the mails to each address within that pace. The zero value is ready.
type mailBuckets struct {
	mu      sync.Mutex
	buckets map[string]*rate.Limiter // at most maxThrottled
}

// Take reports whether one more mail of a kind may go to an address. When the map is full of addresses that were written to just
// now, newcomers are not.
func (b *mailBuckets) Take(kind, email string) bool {
	now, key := time.Now(), kind+" "+email
	b.mu.Lock()
	defer b.mu.Unlock()
	bucket, found := b.buckets[key]
	if !found {
		if len(b.buckets) >= maxThrottled {
			b.forgetLocked(now)
		}
		if len(b.buckets) >= maxThrottled {
			return false
		}
		if b.buckets == nil {
			b.buckets = make(map[string]*rate.Limiter)
		}
		bucket = rate.NewLimiter(rate.Every(mailInterval), mailBurst)
		b.buckets[key] = bucket
	}
	return bucket.AllowN(now, 1)
}

// forgetLocked makes room: buckets that have filled up again go.
func (b *mailBuckets) forgetLocked(now time.Time) {
	for key, bucket := range b.buckets {
		if bucket.TokensAt(now) >= mailBurst {
			delete(b.buckets, key)
		}
	}
}
