package channel

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// How many hooks a slot keeps until they are told, and for how long: longer than it is tried to tell one (package webhook).
const (
	MaxHooks      = 512 // about 250 bytes each; above it the oldest are let go of untold
	MaxHooksOfApp = 128 // so that nobody's crowd pushes out what another app waits for
	HookTTL       = 10 * time.Minute
)

// Hook is one thing that an app wants to be told: somebody came to be there, or is there no more.
type Hook struct {
	Generation uint32 // of the slot; numbers begin anew only under a later one
	Number     uint64 // of the slot's hooks: from 1, without holes
	Channel    ID
	ClientID   string // of the member that came or went; "": the channel came to be occupied, or was vacated
	Present    bool
	Time       int64 // Unix milliseconds
}

// hooks is who is there, as apps were or will be told, and what they have not been told yet. It is empty where no app wants to be told.
type hooks struct {
	present map[attendance]bool // who is there: the value is always true
	head    uint64              // number of the latest hook
	waiting []Hook              // ascending by number
	lost    uint64              // hooks that were let go of untold
}

// attendance is somebody in a channel: a member's client, or, without one, anybody who follows it.
type attendance struct {
	id       ID
	clientID string
}

func (a attendance) compare(b attendance) int {
	return cmp.Or(a.id.Compare(b.id), strings.Compare(a.clientID, b.clientID))
}

// occupy takes note of somebody who came or went, and keeps that to be told. What is so already is no news.
func (s *State) occupy(c Occupy) Result {
	s.digest.text(c.Channel.Name)
	s.digest.text(c.ClientID)
	h, who := &s.hooks, attendance{c.Channel, c.ClientID}
	if h.present[who] == c.Present {
		return Result{}
	}
	who = attendance{c.Channel.cloned(), strings.Clone(c.ClientID)}
	if c.Present {
		h.enter(who)
	} else {
		h.leave(who)
	}
	h.head++
	h.add(Hook{
		Generation: s.generation, Number: h.head, Channel: who.id, ClientID: who.clientID, Present: c.Present, Time: s.now,
	})
	s.digest.number(h.head)
	return Result{}
}

func (h *hooks) enter(who attendance) {
	if h.present == nil {
		h.present = make(map[attendance]bool)
	}
	h.present[who] = true
}

func (h *hooks) leave(who attendance) {
	delete(h.present, who)
	if len(h.present) == 0 {
		h.present = nil // a map does not shrink by itself
	}
}

// add keeps a hook. Where there are too many, of its app or of all, the oldest goes.
func (h *hooks) add(one Hook) {
	first, count := -1, 0
	for i := range h.waiting {
		if h.waiting[i].Channel.App == one.Channel.App {
			if count++; first < 0 {
				first = i
			}
		}
	}
	if count < MaxHooksOfApp {
		first = 0
	}
	if count >= MaxHooksOfApp || len(h.waiting) >= MaxHooks {
		h.waiting = slices.Delete(h.waiting, first, first+1)
		h.lost++
	}
	h.waiting = append(h.waiting, one)
}

// announced lets go of hooks that need not be told any more.
func (s *State) announced(c Announced) Result {
	for _, number := range c.Hooks {
		s.digest.number(number)
		if i, found := s.hooks.find(number); found {
			s.hooks.waiting = slices.Delete(s.hooks.waiting, i, i+1)
		}
	}
	s.hooks.shrink()
	return Result{}
}

func (h *hooks) find(number uint64) (place int, found bool) {
	return slices.BinarySearchFunc(h.waiting, number, func(one Hook, number uint64) int { return cmp.Compare(one.Number, number) })
}

// trim lets go of hooks from before cutoff: nobody managed to tell them in time.
func (h *hooks) trim(cutoff int64) {
	late := 0
	for late < len(h.waiting) && h.waiting[late].Time <= cutoff {
		late++
	}
	if late > 0 {
		h.waiting = slices.Delete(h.waiting, 0, late)
		h.lost += uint64(late)
		h.shrink()
	}
}

func (h *hooks) shrink() {
	if len(h.waiting) == 0 {
		h.waiting = nil
	}
}

// HookHead is the number of the slot's latest hook. It costs nothing.
func (s *State) HookHead() uint64 { return s.hooks.head }

// HooksAfter is the hooks behind a number that have not been announced, at most limit of them, in order.
func (s *State) HooksAfter(number uint64, limit int) []Hook {
	from, _ := s.hooks.find(number + 1)
	rest := s.hooks.waiting[from:]
	return slices.Clone(rest[:min(len(rest), limit)])
}

// HookWaits reports whether a hook has not been announced.
func (s *State) HookWaits(number uint64) bool {
	_, found := s.hooks.find(number)
	return found
}

// WaitingHooks is how many hooks wait to be told, and how many were ever let go of untold.
func (s *State) WaitingHooks() (waiting int, lost uint64) { return len(s.hooks.waiting), s.hooks.lost }

// Present reports whether, as far as its app was or will be told, a client is in a channel; without one: whether anybody is.
func (s *State) Present(id ID, clientID string) bool {
	return s.hooks.present[attendance{id, clientID}]
}

// EachPresent calls do for everybody of whom Present is true, in order.
func (s *State) EachPresent(do func(id ID, clientID string)) {
	for _, who := range s.hooks.sorted() {
		do(who.id, who.clientID)
	}
}

func (h *hooks) sorted() []attendance {
	return slices.SortedFunc(maps.Keys(h.present), attendance.compare)
}

// IsMember reports whether a client is in a channel's presence set, by whatever session.
func (s *State) IsMember(id ID, clientID string) bool {
	held := s.channels[id]
	return held != nil && held.members != nil && held.members.clients[clientID] != nil
}

// hooks writes nothing where there has never been a hook, so that nodes of an earlier version understand the snapshot.
func (w *writer) hooks(h *hooks) {
	if h.head == 0 {
		return
	}
	w.Number(h.head)
	w.Number(h.lost)
	w.Count(len(h.present))
	for _, who := range h.sorted() {
		w.id(who.id)
		w.Text(who.clientID)
	}
	w.Count(len(h.waiting))
	each(h.waiting, func(one Hook) {
		w.Number(uint64(one.Generation))
		w.Number(one.Number)
		w.id(one.Channel)
		w.Text(one.ClientID)
		w.Bool(one.Present)
		w.Signed(one.Time)
	})
}

func (r *reader) hooks(h *hooks) {
	if r.Err() != nil || r.Left() == 0 {
		return
	}
	if h.head = r.Number(); h.head == 0 {
		r.Fail("hooks without any")
	}
	h.lost = r.Number()
	for range r.Count(3) {
		h.enter(attendance{r.id().cloned(), r.ownText()})
	}
	for range r.Count(7) {
		h.waiting = append(h.waiting, Hook{
			Generation: r.Number32(), Number: r.Number(), Channel: r.id().cloned(), ClientID: r.ownText(), Present: r.Bool(), Time: r.Signed(),
		})
	}
}
