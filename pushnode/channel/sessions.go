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
	record  record
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
	case known == nil || known.ended || known.record.clientID != c.ClientID:
		return Result{Err: ErrNoSession}
	case subtle.ConstantTimeCompare(known.secret[:], c.SecretHash[:]) == 0:
		return Result{Err: ErrNoSession}
	case c.Attempt != 0 && c.Attempt == known.attempt:
		return Result{Session: known.session(), Resumed: known.record.generation > 1}
	}
	s.takeOver(known, c)
	return Result{Session: known.session(), Resumed: true}
}

// takeOver gives the session to another connection.
func (s *State) takeOver(known *sessionState, c AttachSession) {
	from := known.record.edge
	if known.record.attached {
		s.edges.remove(from)
	}
	s.edges.add(c.Edge)
	known.attempt = c.Attempt
	known.lost = false
	known.record.generation++
	known.record.edge = c.Edge
	known.record.expires = c.Expires
	known.record.attached = true
	known.record.since = s.now
	if from != c.Edge {
		s.emit(SessionMoved{
			App: known.id.App, Session: known.id.Name, Generation: known.record.generation, From: from, To: c.Edge,
		})
	}
}

func (s *State) open(c AttachSession) Result {
	id := ID{App: c.App, Name: c.Session}.cloned()
	opened := &sessionState{
		timer: timer{id: id, kind: kindSession},
		record: record{
			clientID: strings.Clone(c.ClientID), generation: 1, edge: c.Edge, attached: true, since: s.now, expires: c.Expires,
		},
		secret:  c.SecretHash,
		attempt: c.Attempt,
	}
	s.sessions[id] = opened
	s.edges.add(c.Edge)
	s.usage.Sessions++
	return Result{Session: opened.session()}
}

// session finds a session for a connection of that generation.
func (s *State) session(app, id string, generation uint64) (*sessionState, error) {
	s.digest.text(id)
	known := s.sessions[ID{App: app, Name: id}]
	switch {
	case known == nil || known.ended:
		return nil, ErrNoSession
	case known.record.generation != generation:
		return nil, ErrGeneration
	}
	return known, nil
}

func (s *State) update(c UpdateSession) Result {
	known, err := s.session(c.App, c.Session, c.Generation)
	if err != nil {
		return Result{Err: err}
	}
	known.record.expires = c.Expires
	known.record.channels = cloneSubscriptions(c.Channels)
	known.record.presence = cloneTexts(c.Presence)
	s.timers.set(&known.timer, known.deadline())
	return Result{}
}

func (s *State) detach(c DetachSession) Result {
	known, err := s.session(c.App, c.Session, c.Generation)
	if err != nil {
		return Result{Err: err}
	}
	if known.record.attached {
		s.detached(known)
	}
	return Result{}
}

// detached takes note that an attached session has no connection any more.
func (s *State) detached(known *sessionState) {
	s.edges.remove(known.record.edge)
	known.record.attached = false
	known.record.since = s.now
	s.timers.set(&known.timer, known.deadline())
}

func (s *State) end(c EndSession) Result {
	generation := c.Generation
	if known := s.sessions[ID{App: c.App, Name: c.Session}]; generation == 0 && known != nil {
		generation = known.record.generation
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
	if known.record.attached {
		s.edges.remove(known.record.edge)
		known.record.attached = false
	}
	s.emit(SessionEnded{App: known.id.App, Session: known.id.Name, Edge: known.record.edge})
	s.settle(known)
}

// collect takes the memberships out of what a later connection would find: they are to be ended.
func (k *sessionState) collect() {
	if len(k.record.presence) == 0 {
		return
	}
	if k.leaving == nil {
		k.leaving = new(leaving)
	}
	channels := slices.Concat(k.leaving.channels, k.record.presence)
	slices.Sort(channels)
	k.leaving.channels = slices.Compact(channels)
	k.leaving.generation = k.record.generation
	k.record.presence = nil
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
		App: known.id.App, Session: known.id.Name, ClientID: known.record.clientID,
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
	return k.record.since + grace.Milliseconds()
}

func (k *sessionState) deadline() int64 {
	at := int64(never)
	if k.isLeaving() {
		at = k.leaving.repeat
	}
	if k.record.attached || k.ended {
		return at
	}
	if len(k.record.presence) > 0 {
		at = min(at, k.graceEnd())
	}
	return min(at, k.record.since+SessionTTL.Milliseconds())
}

func (k *sessionState) expire(s *State) {
	away := !k.record.attached && !k.ended
	switch {
	case away && s.now >= k.record.since+SessionTTL.Milliseconds():
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
