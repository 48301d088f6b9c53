package console

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How fast one address may try things that cost or leak: log-ins, sign-ups, resets and step-ups together.
const (
	addressBurst    = 30
	addressInterval = 4 * time.Second // one more try
)

// How one account is guarded, whoever asks. The delay grows from the fifth failure on and is capped, so that a stranger can slow
// an owner down but not lock them out; after a hundred failures in a row only a password reset helps, which no stranger can
// prevent. The store counts the failures of real accounts as well, for ever and for all nodes. Here they are counted for every
// address that is typed, and at least as strictly: otherwise a refusal would say that there is such an account.
const (
	freeFailures   = 5
	maxFailures    = 100
	firstDelay     = time.Second
	longestDelay   = 2 * time.Minute
	forgetFailures = 24 * time.Hour // a row of failures is forgotten after a day without one
)

// maxThrottled bounds each map. When it is full the entries that have recovered go; when none has, newcomers share one bucket:
// under attack strangers wait, memory does not grow.
const maxThrottled = 50_000

// throttle slows guessing down: a bucket for each address, a growing delay for each account.
type throttle struct {
	mu        sync.Mutex
	addresses map[netip.Prefix]*rate.Limiter
	accounts  map[string]failures
	crowd     *rate.Limiter
}

type failures struct {
	count int
	last  time.Time
}

func newThrottle() *throttle {
	return &throttle{
		addresses: make(map[netip.Prefix]*rate.Limiter),
		accounts:  make(map[string]failures),
		crowd:     newAddressBucket(),
	}
}

func newAddressBucket() *rate.Limiter {
	return rate.NewLimiter(rate.Every(addressInterval), addressBurst)
}

// Address takes one try of the address. It returns zero, or how long to wait before the next.
func (t *throttle) Address(address netip.Addr) time.Duration {
	now := time.Now()
	reservation := t.bucket(network(address), now).ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}

// network is what counts as one address: of IPv6 a customer's network, a /64. Addresses that are not known share a bucket.
func network(address netip.Addr) netip.Prefix {
	address = address.Unmap().WithZone("")
	bits := address.BitLen()
	if address.Is6() {
		bits = 64
	}
	prefix, err := address.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}

func (t *throttle) bucket(prefix netip.Prefix, now time.Time) *rate.Limiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	if bucket, found := t.addresses[prefix]; found {
		return bucket
	}
	if len(t.addresses) >= maxThrottled {
		for known, bucket := range t.addresses {
			if bucket.TokensAt(now) >= addressBurst {
				delete(t.addresses, known)
			}
		}
	}
	if len(t.addresses) >= maxThrottled {
		return t.crowd
	}
	bucket := newAddressBucket()
	t.addresses[prefix] = bucket
	return bucket
}

// Account reports whether a password may be checked for the account now: nil, or the refusal. The account is the address that was
// typed, whether or not anybody owns it.
func (t *throttle) Account(account string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	row := t.accounts[account]
	if row.count >= maxFailures && time.Since(row.last) < forgetFailures {
		return &throttled{}
	}
	if wait := time.Until(row.last.Add(delayAfter(row.count))); wait > 0 {
		return &throttled{RetryAfter: wait}
	}
	return nil
}

// Failed counts a wrong password.
func (t *throttle) Failed(account string) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	row, found := t.accounts[account]
	if !found && len(t.accounts) >= maxThrottled {
		t.forgetLocked(now)
	}
	if !found && len(t.accounts) >= maxThrottled {
		return // the store's own count and the address buckets still hold
	}
	if now.Sub(row.last) > forgetFailures {
		row.count = 0
	}
	t.accounts[account] = failures{count: row.count + 1, last: now}
}

// Succeeded forgets an account's failures: the right password was given, or a new one set.
func (t *throttle) Succeeded(account string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.accounts, account)
}

// forgetLocked makes room: rows that delay nobody any more go.
func (t *throttle) forgetLocked(now time.Time) {
	for account, row := range t.accounts {
		quiet := now.Sub(row.last)
		if quiet > forgetFailures || quiet > longestDelay && row.count < maxFailures {
			delete(t.accounts, account)
		}
	}
}

func delayAfter(count int) time.Duration {
	if count < freeFailures {
		return 0
	}
	delay := firstDelay
	for range count - freeFailures {
		if delay *= 2; delay >= longestDelay {
			return longestDelay
		}
	}
	return delay
}

// throttled refuses an attempt. RetryAfter is zero where only a password reset helps.
type throttled struct {
	RetryAfter time.Duration
}

// Error is for logs; people see the page of fail.
func (t *throttled) Error() string { return "too many attempts" }
