package channel

import (
	"crypto/subtle"
	"slices"
	"strings"
	"time"
)

// presenceRepeat is how long after a PresenceDue the next one follows, while the memberships have not been reported as ended.
const presenceRepeat = 5 * time.Second

// sessionState is a session. Its life: attached, detached (grace runs, then the TTL), attached again or ended. An ended one stays
// only until its memberships are cleared, and nobody sees it.
type sessionState struct {
	timer
	record  Session // lists are replaced, never changed in place: results and effects share them
	secret  [32]byte
	attempt uint64 // that made the present generation
	lost    bool   // detached because its node died
	ended   bool

	leaving *leaving // nil: no membership ever fell due, as of most
}

// leaving is memberships that are to be ended.
type leaving struct {
	channels   []string
	generation uint64 // memberships of later generations stay
	repeat     int64  // when to ask again
}

func (s *State) attach(c AttachSession) Result {
	s.digest.text(c.Session)
	s.digest.number(c.Attempt)
	id := ID{App: c.App, Name: c.Session}
	known := s.sessions[id]
	switch {
	case known == nil && c.Create:
		return s.open(c)
	case known == nil || known.ended || known.record.ClientID != c.ClientID:
		return Result{Err: ErrNoSession}
	case subtle.ConstantTimeCompare(known.secret[:], c.SecretHash[:]) == 0:
		return Result{Err: ErrNoSession}
	case c.Attempt != 0 && c.Attempt == known.attempt:
		return Result{Session: known.record, Resumed: known.record.Generation > 1}
	}
	s.takeOver(known, c)
	return Result{Session: known.record, Resumed: true}
}

// takeOver gives the session to another connection.
func (s *State) takeOver(known *sessionState, c AttachSession) {
	from := known.record.Edge
	if known.record.Attached {
		s.edges.remove(from)
	}
	s.edges.add(c.Edge)
	known.attempt = c.Attempt
	known.lost = false
	known.record.Generation++
	known.record.Edge = c.Edge
	known.record.Expires = c.Expires
	known.record.Attached = true
	known.record.Since = s.now
	if from != c.Edge {
		s.emit(SessionMoved{
			App: known.record.App, Session: known.record.ID, Generation: known.record.Generation, From: from, To: c.Edge,
		})
	}
}

func (s *State) open(c AttachSession) Result {
	id := ID{App: c.App, Name: c.Session}.cloned()
	opened := &sessionState{
		timer: timer{id: id, kind: kindSession},
		record: Session{
			App: id.App, ID: id.Name, ClientID: strings.Clone(c.ClientID),
			Generation: 1, Edge: c.Edge, Attached: true, Since: s.now, Expires: c.Expires,
		},
		secret:  c.SecretHash,
		attempt: c.Attempt,
	}
	s.sessions[id] = opened
	s.edges.add(c.Edge)
	s.usage.Sessions++
	return Result{Session: opened.record}
}

// session finds a session for a connection of that generation.
func (s *State) session(app, id string, generation uint64) (*sessionState, error) {
	s.digest.text(id)
	known := s.sessions[ID{App: app, Name: id}]
	switch {
	case known == nil || known.ended:
		return nil, ErrNoSession
	case known.record.Generation != generation:
		return nil, ErrGeneration
	}
	return known, nil
}

func (s *State) update(c UpdateSession) Result {
	known, err := s.session(c.App, c.Session, c.Generation)
	if err != nil {
		return Result{Err: err}
	}
	known.record.Expires = c.Expires
	known.record.Channels = cloneSubscriptions(c.Channels)
	known.record.Presence = cloneTexts(c.Presence)
	s.timers.set(&known.timer, known.deadline())
	return Result{}
}

func (s *State) detach(c DetachSession) Result {
	known, err := s.session(c.App, c.Session, c.Generation)
	if err != nil {
		return Result{Err: err}
	}
	if known.record.Attached {
		s.detached(known)
	}
	return Result{}
}

// detached takes note that an attached session has no connection any more.
func (s *State) detached(known *sessionState) {
	s.edges.remove(known.record.Edge)
	known.record.Attached = false
	known.record.Since = s.now
	s.timers.set(&known.timer, known.deadline())
}

func (s *State) end(c EndSession) Result {
	generation := c.Generation
	if known := s.sessions[ID{App: c.App, Name: c.Session}]; generation == 0 && known != nil {
		generation = known.record.Generation
	}
	known, err := s.session(c.App, c.Session, generation)
	if err != nil {
		return Result{Err: err}
	}
	s.endSession(known)
	return Result{}
}

// endSession makes the session invisible, and forgets it where nothing is left to be cleared.
func (s *State) endSession(known *sessionState) {
	known.collect()
	s.ask(known)
	known.ended = true
	if known.record.Attached {
		s.edges.remove(known.record.Edge)
		known.record.Attached = false
	}
	s.emit(SessionEnded{App: known.record.App, Session: known.record.ID, Edge: known.record.Edge})
	s.settle(known)
}

// collect takes the memberships out of what a later connection would find: they are to be ended.
func (k *sessionState) collect() {
	if len(k.record.Presence) == 0 {
		return
	}
	if k.leaving == nil {
		k.leaving = new(leaving)
	}
	channels := slices.Concat(k.leaving.channels, k.record.Presence)
	slices.Sort(channels)
	k.leaving.channels = slices.Compact(channels)
	k.leaving.generation = k.record.Generation
	k.record.Presence = nil
}

// isLeaving reports whether there are memberships to be ended.
func (k *sessionState) isLeaving() bool { return k.leaving != nil && len(k.leaving.channels) > 0 }

// ask says which memberships are to be ended, and sets when to say it again.
func (s *State) ask(known *sessionState) {
	if !known.isLeaving() {
		return
	}
	known.leaving.repeat = s.now + presenceRepeat.Milliseconds()
	s.emit(PresenceDue{
		App: known.record.App, Session: known.record.ID, ClientID: known.record.ClientID,
		Generation: known.leaving.generation, Channels: known.leaving.channels,
	})
}

// cleared takes note that memberships ended. A report about an earlier PresenceDue than the latest does not count, for the
// session may have entered again in between.
func (s *State) cleared(c PresenceCleared) Result {
	s.digest.text(c.Session)
	known := s.sessions[ID{App: c.App, Name: c.Session}]
	if known == nil || known.leaving == nil || c.Generation != 0 && c.Generation < known.leaving.generation {
		return Result{}
	}
	var left []string
	for _, name := range known.leaving.channels {
		if !slices.Contains(c.Channels, name) {
			left = append(left, name)
		}
	}
	known.leaving.channels = left
	s.settle(known)
	return Result{}
}

// settle forgets the session if it has nothing left to do, and else sets its timer.
func (s *State) settle(known *sessionState) {
	if known.ended && !known.isLeaving() {
		s.timers.remove(&known.timer)
		delete(s.sessions, known.id)
		s.usage.Sessions--
		return
	}
	s.timers.set(&known.timer, known.deadline())
}

// graceEnd is when the presence of a detached session falls due.
func (k *sessionState) graceEnd() int64 {
	grace := PresenceGrace
	if k.lost {
		grace = LostGrace
	}
	return k.record.Since + grace.Milliseconds()
}

func (k *sessionState) deadline() int64 {
	at := int64(never)
	if k.isLeaving() {
		at = k.leaving.repeat
	}
	if k.record.Attached || k.ended {
		return at
	}
	if len(k.record.Presence) > 0 {
		at = min(at, k.graceEnd())
	}
	return min(at, k.record.Since+SessionTTL.Milliseconds())
}

func (k *sessionState) expire(s *State) {
	away := !k.record.Attached && !k.ended
	switch {
	case away && s.now >= k.record.Since+SessionTTL.Milliseconds():
		s.endSession(k)
		return
	case away && s.now >= k.graceEnd():
		k.collect()
		s.ask(k)
	default:
		s.ask(k)
	}
	s.timers.reset(&k.timer, k.deadline())
}

func cloneTexts(texts []string) []string {
	if len(texts) == 0 {
		return nil
	}
	cloned := make([]string, len(texts))
	for i, text := range texts {
		cloned[i] = strings.Clone(text)
	}
	return cloned
}

func cloneSubscriptions(list []Subscription) []Subscription {
	if len(list) == 0 {
		return nil
	}
	cloned := make([]Subscription, len(list))
	for i, subscription := range list {
		cloned[i] = Subscription{Channel: strings.Clone(subscription.Channel), Presence: subscription.Presence}
	}
	return cloned
}
