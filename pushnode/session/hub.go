package session

import (
	"hash/maphash"
	"iter"
	"strings"
	"sync"

	"halley/pushnode/channel"
)

// stripeCount divides the hub's lock. A publication takes one stripe's lock, to find its entry.
const stripeCount = 64

// hub finds the entry of a channel. An entry exists while the channel has subscriptions here.
type hub struct {
	seed    maphash.Seed                           // immutable
	metrics *metrics                               // immutable
	follow  func(id channel.ID, subscriptions int) // immutable
	stripes [stripeCount]stripe

	congestions *congestions // immutable
}

// stripe holds the entries of some channels: app, then name. Lock order: stripe.mu, then entry.mu.
type stripe struct {
	mu   sync.RWMutex
	apps map[string]map[string]*entry // guarded by mu
}

func newHub(metrics *metrics, follow, congested func(channel.ID, int)) *hub {
	h := &hub{seed: maphash.MakeSeed(), metrics: metrics, follow: follow, congestions: newCongestions(congested)}
	for i := range h.stripes {
		h.stripes[i].apps = make(map[string]map[string]*entry)
	}
	return h
}

func (h *hub) stripe(id channel.ID) *stripe {
	return &h.stripes[maphash.Comparable(h.seed, id)%stripeCount]
}

// find returns the channel's entry, or nil where nobody follows it here.
func (h *hub) find(id channel.ID) *entry {
	s := h.stripe(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.apps[id.App][id.Name]
}

// join makes a new subscription of a session, whose position is not known yet.
func (h *hub) join(id channel.ID, session *Session, outbox *outbox, rule channel.Rule) *subscription {
	for {
		e := h.findOrMake(id)
		e.mu.Lock()
		if e.forgotten { // it was let go between the two locks
			e.mu.Unlock()
			continue
		}
		e.rule = rule
		sub := &subscription{entry: e, session: session, outbox: outbox}
		e.addLocked(sub)
		h.follow(e.id, len(e.subs))
		e.mu.Unlock()
		return sub
	}
}

func (h *hub) findOrMake(id channel.ID) *entry {
	if found := h.find(id); found != nil {
		return found
	}
	s := h.stripe(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.apps[id.App][id.Name]; found != nil {
		return found
	}
	if s.apps[id.App] == nil {
		s.apps[id.App] = make(map[string]*entry)
	}
	id.Name = strings.Clone(id.Name) // which may keep a request in memory
	made := &entry{id: id, metrics: h.metrics, congestions: h.congestions}
	s.apps[id.App][id.Name] = made
	return made
}

// leave ends a subscription, and lets the entry go with its last one. It may be called twice.
func (h *hub) leave(sub *subscription) {
	e := sub.entry
	e.mu.Lock()
	if e.removeLocked(sub) {
		h.follow(e.id, len(e.subs))
	}
	empty := len(e.subs) == 0
	e.mu.Unlock()
	if empty {
		h.forget(e)
	}
}

func (h *hub) forget(e *entry) {
	s := h.stripe(e.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.subs) > 0 || s.apps[e.id.App][e.id.Name] != e {
		return
	}
	e.forgotten = true
	delete(s.apps[e.id.App], e.id.Name)
	if len(s.apps[e.id.App]) == 0 {
		delete(s.apps, e.id.App)
	}
}

// entries iterates over the channels of an app that somebody follows here, in no order.
func (h *hub) entries(app string) iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		for i := range h.stripes {
			for _, e := range h.stripes[i].entries(app) {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// all iterates over the channels of all apps that somebody follows here, in no order.
func (h *hub) all() iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		for i := range h.stripes {
			for _, e := range h.stripes[i].all() {
				if !yield(e) {
					return
				}
			}
		}
	}
}

func (s *stripe) all() (list []*entry) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, entries := range s.apps {
		for _, e := range entries {
			list = append(list, e)
		}
	}
	return list
}

func (s *stripe) entries(app string) []*entry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := make([]*entry, 0, len(s.apps[app]))
	for _, e := range s.apps[app] {
		list = append(list, e)
	}
	return list
}
