package console

import (
	"context"
	"errors"
	"sync"
	"time"

	"halley/auth"
	"halley/tenant"
)

// How many mails of a kind go to one address. A link to set a password lives for half an hour and ends when three newer ones were
// made, so at this pace no stranger can end one that the owner waits for, nor fill a mailbox. A link that confirms an address
// lives for a day, but only who has the password can ask for another.
const (
	mailBurst    = 3
	mailInterval = 30 * time.Minute // one more mail
)

// mailBuckets hold the mails to each address within that pace. The zero value is ready.
type mailBuckets struct {
	mu   sync.Mutex
	full map[string]time.Time // guarded by mu: when each bucket is full again; at most maxThrottled
}

// Take reports whether one more mail of a kind may go to an address. When the map is full of addresses that were written to just
// now, newcomers are not.
func (b *mailBuckets) Take(kind, email string) bool {
	now, key := time.Now(), bucketKey(kind, email)
	b.mu.Lock()
	defer b.mu.Unlock()
	full, found := b.full[key]
	if !found && !b.haveRoomLocked(now) {
		return false
	}
	if full.Before(now) {
		full = now
	}
	if full.Sub(now) > (mailBurst-1)*mailInterval {
		return false
	}
	if b.full == nil {
		b.full = make(map[string]time.Time)
	}
	b.full[key] = full.Add(mailInterval)
	return true
}

// GiveBack undoes a Take: the mail was not sent.
func (b *mailBuckets) GiveBack(kind, email string) {
	key := bucketKey(kind, email)
	b.mu.Lock()
	defer b.mu.Unlock()
	if full, found := b.full[key]; found {
		b.full[key] = full.Add(-mailInterval)
	}
}

func bucketKey(kind, email string) string { return kind + " " + email }

// haveRoomLocked reports whether one more bucket fits in. Those that have filled up again make room.
func (b *mailBuckets) haveRoomLocked(now time.Time) bool {
	if len(b.full) < maxThrottled {
		return true
	}
	for key, full := range b.full {
		if !full.After(now) {
			delete(b.full, key)
		}
	}
	return len(b.full) < maxThrottled
}

// errWithheld is returned for an address that has had as many links as it may. Its owner has them all in the mailbox, and the
// page says what it always says.
var errWithheld = errors.New("this address had enough mails")

// mayMail takes one mail of the address's bucket. Only addresses of users have one: strangers' would fill the memory.
func (s *Server) mayMail(kind, email string) bool {
	if s.mails.Take(kind, email) {
		return true
	}
	s.metrics.withheld.WithLabelValues(kind).Inc()
	s.config.Logger.Debug("mail withheld, the address had enough of the kind", "kind", kind)
	return false
}

// linkDraft writes a mail with a link that holds a token for the user of an address, if the address may have one more.
func (s *Server) linkDraft(
	ctx context.Context, purpose tenant.Purpose, email string, write func(user tenant.User, token auth.Secret) Mail,
) (*draft, error) {
	user, err := s.config.Store.UserByEmail(ctx, email)
	if err != nil {
		return nil, err
	}
	kind := string(purpose)
	if !s.mayMail(kind, user.Email) {
		return nil, errWithheld
	}
	token, err := s.config.Store.IssueToken(ctx, purpose, user)
	if err != nil {
		s.mails.GiveBack(kind, user.Email)
		return nil, err
	}
	// A link that nobody got must not end one that somebody did: after three failures it would.
	unsent := func(ctx context.Context) error {
		s.mails.GiveBack(kind, user.Email)
		return s.config.Store.WithdrawToken(ctx, token)
	}
	return &draft{Mail: write(user, token), unsent: unsent}, nil
}
