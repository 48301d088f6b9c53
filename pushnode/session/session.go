package session

import (
	"crypto/sha256"
	"slices"
	"sync"
	"time"

	"halley/auth"
	"halley/pushnode/channel"
	"halley/pushnode/wire"
)

// Session is one client over its connections. At most one connection is attached; without one the session is parked.
//
// Whoever changes a session takes its turn first (take, release): commands, attaching and parking follow one another. mu only
// guards what others look at meanwhile. No lock is held while the backend is asked.
type Session struct {
	// immutable
	id       string // public: publishers name it to exclude it
	app      string
	clientID string            // of the grant that opened it; empty: anonymous
	secret   [sha256.Size]byte // of the resume token

	turn

	mu sync.Mutex
	// guarded by mu
	grant      *auth.Grant
	credential string // what the grant was made from: it is verified again when the app or its keys change
	generation uint64 // of the record
	movedTo    uint64 // generation in which the record was attached elsewhere
	conn       *connection
	parkedAt   moment      // 0 while a connection is attached
	farewell   *wire.Error // why it was ended, where no connection could tell its client: it is told when it comes back
	warned     int64       // the expiry of the token that long polls were warned of, Unix ms

	recordGone bool // there is none any more
	ended      bool // nothing can be done with it any more
	over       bool // it ended because nobody came back to it: its record ends by itself, and a later one may have its id
	polls      bool // the last connection was a long poll
	dirty      bool // the record does not show what the session follows
	recorded   bool // it has a record
	lasting    bool // immutable, and here where it takes no room: it has had a record from the beginning, and outlives its connection

	// owned by who has the turn
	left map[string]struct{} // channels that it has left since its last connection: an older cursor does not bring them back

	// guarded by mu, and changed only by who has the turn
	subs     subscriptionSet
	presence []string // channels that it is a member of, each once: as few as an app lets a connection follow
}

// memberID is the client id under which the session is a member of a presence set.
func (s *Session) memberID() string {
	if s.clientID != "" {
		return s.clientID
	}
	return s.id
}

// hasRecord reports whether there is a record of the session, as far as it knows.
func (s *Session) hasRecord() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recorded
}

func (s *Session) channelID(name string) channel.ID { return channel.ID{App: s.app, Name: name} }

func (s *Session) connection() *connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn
}

func (s *Session) currentGrant() *auth.Grant {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.grant
}

func (s *Session) subscription(name string) *subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.subs.get(name)
}

func (s *Session) setSubscription(name string, sub *subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subs.set(name, sub)
}

// subscriptions is a copy of the session's subscriptions.
func (s *Session) subscriptions() []*subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.subs.list)
}

func (s *Session) counts() (subscriptions, memberships int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.subs.list), len(s.presence)
}

func (s *Session) currentGeneration() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.generation
}

// firstWarning notes that the client is warned of the end of its token, and reports whether that is new.
func (s *Session) firstWarning(expires int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.warned == expires
	s.warned = expires
	return !known
}

func (s *Session) isEnded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// parkedSince reports whether the session has been without a connection since then.
func (s *Session) parkedSince(since time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn == nil && s.parkedAt == momentOf(since)
}

// endIfParked ends the session if it has been without a connection since then.
func (s *Session) endIfParked(since time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil || s.parkedAt != momentOf(since) {
		return false
	}
	s.ended, s.over = true, true
	return true
}

// isDirty reports whether the record does not show what the session follows.
func (s *Session) isDirty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dirty
}

// maxLeft bounds how many channels a session remembers to have left. Beyond it an old cursor may bring one back.
const maxLeft = 1000

// noteLeft remembers a channel that was left: the client may come back with a cursor from before.
func (s *Session) noteLeft(name string) {
	if s.left == nil || len(s.left) == maxLeft {
		s.left = make(map[string]struct{})
	}
	s.left[name] = struct{}{}
}

// end ends a session, and returns the connection that has to tell its client why; nil: none. A client without one is told when it
// comes back, and one that polls as well: its connection may have answered already, and nobody knows whether an answer arrives.
func (s *Session) end(reason *wire.Error) *connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if s.conn == nil || s.polls {
		s.farewell = reason
	}
	return s.conn
}

// ending is what the client of a session that was ended is still to be told; nil: nothing.
func (s *Session) ending() *wire.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.farewell
}

// isOver reports whether the session ended because nobody came back.
func (s *Session) isOver() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}

// expires is when the credential ends, in Unix milliseconds; 0: never.
func expires(grant *auth.Grant) int64 {
	if grant.ExpiresAt.IsZero() {
		return 0
	}
	return grant.ExpiresAt.UnixMilli()
}
