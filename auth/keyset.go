package auth

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// How long the keys of a customer's URL live.
const (
	minKeySetAge  = 5 * time.Minute  // fresh at least so long, whatever the header says
	maxKeySetAge  = 24 * time.Hour   // fresh at most so long; and used so long after the last success if refreshing fails
	refreshPause  = 30 * time.Second // between two fetches while there are keys: an unknown kid causes no more
	firstTryPause = 5 * time.Second  // between two fetches while there are none
	warnPause     = 5 * time.Minute  // between two warnings of one URL
	maxKnownURLs  = 1024             // key sets kept; the one unused for longest makes room
)

// KeySets fetches and keeps the public keys that customers publish at URLs (JWKS). It starts no goroutine: the call that needs a
// set fetches it, one for each URL at a time, and the others wait only if they have nothing to go on with. A fetch that has
// begun goes on for at most 10 s when its caller goes away, so that nobody can keep a set from arriving by hanging up.
type KeySets struct {
	// immutable after New
	client *http.Client
	logger *slog.Logger
	limit  int // of sets

	// guarded by mu
	mu   sync.Mutex
	sets map[string]*keySet
}

// keySet is what is known of one URL. KeySets.mu guards it.
type keySet struct {
	keys      JWKS
	loaded    time.Time     // of the last success; zero: none yet
	fresh     time.Time     // until then the keys need no refresh
	attempted time.Time     // of the last fetch that began
	used      time.Time     // of the last question
	fetching  chan struct{} // closed when the fetch under way has ended; nil: there is none
	failure   error         // of the last fetch; nil: it succeeded
	warned    time.Time     // of the last failure that was logged
}

// NewKeySets makes an empty KeySets that calls what the policy admits, and warns of sets that it cannot fetch.
func NewKeySets(policy DialPolicy, logger *slog.Logger) *KeySets {
	return &KeySets{client: policy.Client(), logger: logger, limit: maxKnownURLs, sets: map[string]*keySet{}}
}

// Key returns the key of that kid from the URL's set; with an empty kid, the only key that it has. It fetches where the set is
// not known, no longer fresh, or has no such key. Errors wrap ErrUnknownKey, ErrUnavailable, ErrTokenRefused or ctx's error.
func (s *KeySets) Key(ctx context.Context, address, kid string, now time.Time) (TokenKey, error) {
	for {
		answer := s.ask(address, kid, now)
		switch {
		case answer.fetch != nil:
			s.fetch(ctx, address, answer.fetch, now)
		case answer.wait != nil:
			select {
			case <-answer.wait:
			case <-ctx.Done():
				return TokenKey{}, fmt.Errorf("wait for a key set: %w", ctx.Err())
			}
		default:
			return answer.key, answer.err
		}
	}
}

// keyAnswer is a key or an error, or what to do first: fetch the set, or wait for whoever does.
type keyAnswer struct {
	key   TokenKey
	err   error
	fetch *keySet
	wait  <-chan struct{}
}

func (s *KeySets) ask(address, kid string, now time.Time) keyAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := s.setLocked(address, now)
	if set == nil {
		return keyAnswer{err: fmt.Errorf("%w: too many key sets are being fetched", ErrUnavailable)}
	}
	key, err := set.find(kid)
	usable := set.usable(now)
	switch {
	case usable && err == nil && (now.Before(set.fresh) || set.fetching != nil || !set.due(now)):
		return keyAnswer{key: key}
	case set.fetching != nil:
		return keyAnswer{wait: set.fetching}
	case set.due(now):
		set.fetching, set.attempted = make(chan struct{}), now
		return keyAnswer{fetch: set}
	case !usable:
		return keyAnswer{err: fmt.Errorf("%w: %w: %w", ErrUnavailable, ErrKeySet, set.failure)}
	default:
		return keyAnswer{err: err}
	}
}

// setLocked finds the URL's set or begins one. It returns nil if there is no room.
func (s *KeySets) setLocked(address string, now time.Time) *keySet {
	set, found := s.sets[address]
	if !found {
		if len(s.sets) >= s.limit && !s.evictLocked() {
			return nil
		}
		set = &keySet{}
		s.sets[address] = set
	}
	set.used = now
	return set
}

// evictLocked forgets the set that was unused for longest and is not being fetched.
func (s *KeySets) evictLocked() bool {
	oldest := ""
	for address, set := range s.sets {
		if set.fetching == nil && (oldest == "" || set.used.Before(s.sets[oldest].used)) {
			oldest = address
		}
	}
	delete(s.sets, oldest)
	return oldest != ""
}

// fetch reads the URL and wakes those who wait, whatever comes of it.
func (s *KeySets) fetch(ctx context.Context, address string, set *keySet, now time.Time) {
	keys, age, err := JWKS{}, time.Duration(0), error(errInterrupted)
	defer func() {
		if s.settle(set, keys, age, err, now) {
			s.logger.Warn("key set not fetched", "url", withoutQuery(address), "err", err)
		}
	}()
	keys, age, err = fetchJWKS(context.WithoutCancel(ctx), s.client, address)
}

// settle notes how a fetch ended and wakes those who wait. It reports whether that is to be logged: a failure that was not just
// now.
func (s *KeySets) settle(set *keySet, keys JWKS, age time.Duration, err error, now time.Time) (warn bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(set.fetching)
	set.fetching = nil
	if set.failure = err; err == nil {
		set.keys, set.loaded, set.fresh = keys, now, now.Add(age)
		return false
	}
	if !set.warned.IsZero() && now.Before(set.warned.Add(warnPause)) {
		return false
	}
	set.warned = now
	return true
}

// due reports whether enough time has passed since the last fetch.
func (k *keySet) due(now time.Time) bool {
	pause := refreshPause
	if !k.usable(now) {
		pause = firstTryPause
	}
	return k.attempted.IsZero() || !now.Before(k.attempted.Add(pause))
}

// usable reports whether the keys are young enough to go on with when they cannot be refreshed.
func (k *keySet) usable(now time.Time) bool {
	return !k.loaded.IsZero() && now.Before(k.loaded.Add(maxKeySetAge))
}

func (k *keySet) find(kid string) (TokenKey, error) {
	if kid == "" && len(k.keys.Keys) == 1 {
		return k.keys.Keys[0], nil
	}
	if kid == "" {
		return TokenKey{}, refuse(ReasonKeyID, "the header has no kid, and the app's key set has %d keys", len(k.keys.Keys))
	}
	for _, key := range k.keys.Keys {
		if key.id == kid {
			return key, nil
		}
	}
	for _, refused := range k.keys.Refused {
		if refused.ID == kid {
			return TokenKey{}, refuse(ReasonWeakKey, "key %.60q of the app's key set: %v", kid, refused.Err)
		}
	}
	return TokenKey{}, fmt.Errorf("%w: token kid %.60q is not in the app's key set", ErrUnknownKey, kid)
}
