package session

import (
	"sync"
	"time"

	"halley/pushnode/channel"
)

// registry knows every session of this node, and which of them are parked since when.
type registry struct {
	mu sync.Mutex
	// guarded by mu
	apps   map[string]map[string]*Session // by app and session id
	graces waits                          // of parked sessions: they still count as subscribers
	lives  waits                          // of parked sessions: they are still known
}

// wait is a session that was parked at a time. Whether it still is, the session knows.
type wait struct {
	session *Session
	since   time.Time
}

// waits are in the order of their beginning.
type waits []wait

// due takes out those that began at or before a time.
func (w *waits) due(before time.Time) []wait {
	n := 0
	for n < len(*w) && !(*w)[n].since.After(before) {
		n++
	}
	due := (*w)[:n:n]
	*w = (*w)[n:]
	return due
}

func newRegistry() *registry { return &registry{apps: make(map[string]map[string]*Session)} }

func (r *registry) find(id channel.ID) *Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.apps[id.App][id.Name]
}

// findOrAdd returns the session of that id, which is made where it is not known.
func (r *registry) findOrAdd(id channel.ID, make func() *Session) *Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.apps[id.App][id.Name]; known != nil {
		return known
	}
	if r.apps[id.App] == nil {
		r.apps[id.App] = map[string]*Session{}
	}
	made := make()
	r.apps[id.App][made.id] = made // not id.Name, which may keep a request in memory
	return made
}

func (r *registry) remove(session *Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.apps[session.app][session.id] != session {
		return
	}
	delete(r.apps[session.app], session.id)
	if len(r.apps[session.app]) == 0 {
		delete(r.apps, session.app)
	}
}

// of is a copy of the sessions of an app.
func (r *registry) of(app string) []*Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]*Session, 0, len(r.apps[app]))
	for _, session := range r.apps[app] {
		list = append(list, session)
	}
	return list
}

// all is a copy of the sessions of all apps.
func (r *registry) all() []*Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []*Session
	for _, sessions := range r.apps {
		for _, session := range sessions {
			list = append(list, session)
		}
	}
	return list
}

// matching is the sessions of all apps that are wanted.
func (r *registry) matching(wanted func(app, session string) bool) (list []*Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, sessions := range r.apps {
		for _, session := range sessions {
			if wanted(session.app, session.id) {
				list = append(list, session)
			}
		}
	}
	return list
}

// await takes note that a session was parked.
func (r *registry) await(session *Session, since time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.graces = append(r.graces, wait{session: session, since: since})
	r.lives = append(r.lives, wait{session: session, since: since})
}

// awaitAgain puts back a session whose end could not be dealt with, where it was: in front.
func (r *registry) awaitAgain(list *waits, one wait) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*list = append(waits{one}, *list...)
}

// graceOver takes out the sessions that were parked at or before a time, for the end of their grace.
func (r *registry) graceOver(before time.Time) []wait {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.graces.due(before)
}

// lifeOver takes out the sessions that were parked at or before a time, for the end of their life.
func (r *registry) lifeOver(before time.Time) []wait {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lives.due(before)
}

// sessionQueue is sessions that wait for a goroutine of the server. Each stands in it at most once, so it is as bounded as they are.
type sessionQueue struct {
	wake chan struct{} // one token: there may be some

	mu sync.Mutex
	// guarded by mu
	waiting map[*Session]struct{}
}

func newSessionQueue() *sessionQueue {
	return &sessionQueue{wake: make(chan struct{}, 1), waiting: make(map[*Session]struct{})}
}

func (q *sessionQueue) add(session *Session) {
	q.mu.Lock()
	q.waiting[session] = struct{}{}
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default: // it has been told already
	}
}

func (q *sessionQueue) takeAll() []*Session {
	q.mu.Lock()
	defer q.mu.Unlock()
	list := make([]*Session, 0, len(q.waiting))
	for session := range q.waiting {
		list = append(list, session)
	}
	clear(q.waiting)
	return list
}
