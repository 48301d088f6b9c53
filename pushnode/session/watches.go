package session

import (
	"context"
	"sync"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/pusher"
)

const (
	// watchReads is how many users are read at a time: one whose slot has no leader gets no answer for CommandTimeout, and must not keep
	// those of other slots waiting.
	watchReads = 64
	// watchRetry is how long after it failed a read is tried again.
	watchRetry = time.Second
)

// watches is which users are watched by connections of this node, and whether they are online: whether pusher.OnlineChannel has a member.
//
// That channel's presence is followed from the first who watches to the last. Its changes come in the order of the slot's log; where
// nothing is known yet, or one was missed, it is read.
type watches struct {
	// immutable
	follow   func(id channel.ID, subscriptions int)
	read     func(ctx context.Context, id channel.ID) (clients int, version uint64, err error)
	patience time.Duration // for one read
	wake     chan struct{} // one token: there may be somebody to read

	mu sync.Mutex
	// guarded by mu
	users  map[channel.ID]*watched
	unread map[*watched]struct{} // to be read now
	failed map[*watched]struct{} // to be read again after watchRetry
}

// watched is one user. It is guarded by watches.mu.
type watched struct {
	id      channel.ID
	userID  string
	by      map[*watchlist]struct{}
	tried   bool   // it was read, or could not be: until more is known it is offline
	known   bool   // clients is what the set has at version; else it is to be read
	version uint64 // of the set, the latest that was heard of
	clients int    // different ones in the set: the user is online where there is one
}

// watchlist is the users that one connection watches. tell is called under a lock, with what is shared by all who are told: it must not block,
// nor call the server.
type watchlist struct {
	tell func(event item) // immutable

	// guarded by watches.mu
	users   []*watched
	untried int  // of users
	told    bool // who of them is online: only what changes is still to be told
}

func newWatches(patience time.Duration, backend Channels) *watches {
	return &watches{
		follow: backend.Follow, read: backend.Present, patience: patience, wake: make(chan struct{}, 1),
		users: make(map[channel.ID]*watched), unread: make(map[*watched]struct{}), failed: make(map[*watched]struct{}),
	}
}

// watch tells who of the users is online, all in one event as soon as it is known, and every change from then on, until unwatch.
func (w *watches) watch(app string, userIDs []string, tell func(event item)) *watchlist {
	list := &watchlist{tell: tell}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, userID := range userIDs {
		one := w.findOrFollowLocked(channel.ID{App: app, Name: pusher.OnlineChannel(userID)}, userID)
		one.by[list] = struct{}{}
		list.users = append(list.users, one)
		if !one.tried {
			list.untried++
		}
	}
	list.tellAllLocked()
	return list
}

func (w *watches) findOrFollowLocked(id channel.ID, userID string) *watched {
	if known := w.users[id]; known != nil {
		return known
	}
	made := &watched{id: id, userID: userID, by: make(map[*watchlist]struct{})}
	w.users[id] = made
	w.follow(id, 1)
	w.readLocked(made)
	return made
}

// unwatch ends a list. It may be called twice.
func (w *watches) unwatch(list *watchlist) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range list.users {
		delete(one.by, list)
		if len(one.by) == 0 && w.users[one.id] == one {
			delete(w.users, one.id)
			delete(w.unread, one)
			delete(w.failed, one)
			w.follow(one.id, 0)
		}
	}
	list.users = nil
}

// deliver takes in a change of presence, if it is one of a user who is watched.
func (w *watches) deliver(changed channel.PresenceChanged) {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.users[changed.Channel]
	switch {
	case one == nil:
	case one.known && changed.Version == one.version+1:
		one.version = changed.Version
		one.turnLocked(one.clients + difference(changed))
	case one.known && changed.Version <= one.version && changed.Version > 1: // it was known when the set was read
	default: // versions begin again at 1 when the channel was forgotten
		w.doubtLocked(one, changed.Version)
	}
}

// behind takes in which version the presence of a channel has.
func (w *watches) behind(id channel.ID, version uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if one := w.users[id]; one != nil && !one.isLocked(version) {
		w.doubtLocked(one, version)
	}
}

// isLocked reports whether it is known what the set is at a version. Of one that was empty it is not: channels without members are forgotten
// in time, and versions begin again.
func (u *watched) isLocked(version uint64) bool {
	return u.known && u.version == version && (u.clients > 0 || version == 0)
}

func (w *watches) doubtLocked(one *watched, version uint64) {
	one.known, one.version = false, version
	w.readLocked(one)
}

func (w *watches) readLocked(one *watched) {
	w.unread[one] = struct{}{}
	w.wakeUp()
}

func (w *watches) wakeUp() {
	select {
	case w.wake <- struct{}{}:
	default: // it has been told already
	}
}

// run reads who is to be read, until ctx ends.
func (w *watches) run(ctx context.Context) {
	var reading sync.WaitGroup
	defer reading.Wait()
	room := make(chan struct{}, watchReads)
	retry := time.NewTicker(watchRetry)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		case <-retry.C:
			w.retryFailed()
		}
		for _, one := range w.takeUnread() {
			room <- struct{}{}
			reading.Go(func() {
				defer func() { <-room }()
				w.look(ctx, one)
			})
		}
	}
}

func (w *watches) retryFailed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for one := range w.failed {
		w.unread[one] = struct{}{}
	}
	clear(w.failed)
}

func (w *watches) takeUnread() []*watched {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := make([]*watched, 0, len(w.unread))
	for one := range w.unread {
		list = append(list, one)
	}
	clear(w.unread)
	return list
}

// look reads whether a user is online.
func (w *watches) look(ctx context.Context, one *watched) {
	ctx, cancel := context.WithTimeout(ctx, w.patience)
	defer cancel()
	before := w.heard(one)
	clients, version, err := w.read(ctx, one.id)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.users[one.id] != one: // nobody watches any more
		return
	case err != nil:
		w.failed[one] = struct{}{}
	case one.version != before && version < one.version: // what came meanwhile was not read
		w.readLocked(one)
		return
	default:
		one.known, one.version = true, version
		one.turnLocked(clients)
	}
	one.triedLocked()
}

// heard is the version of a user's set that was heard of last.
func (w *watches) heard(one *watched) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return one.version
}

// difference is how many more clients there are in a set after a change.
func difference(changed channel.PresenceChanged) int {
	switch {
	case changed.Only && changed.Action == channel.ActionEnter:
		return 1
	case changed.Only && changed.Action == channel.ActionLeave:
		return -1
	default:
		return 0
	}
}

// turnLocked takes note of how many clients there are, and tells those who do not know if the user is online now, or is no more.
func (u *watched) turnLocked(clients int) {
	before, online := u.clients > 0, clients > 0
	if u.clients = clients; online == before {
		return
	}
	event := watchEvent([]string{u.userID}, nil)
	if !online {
		event = watchEvent(nil, []string{u.userID})
	}
	for list := range u.by {
		if list.told {
			list.tell(event)
		}
	}
}

// triedLocked says that no list need wait for this user any longer.
func (u *watched) triedLocked() {
	if u.tried {
		return
	}
	u.tried = true
	for list := range u.by {
		list.untried--
		list.tellAllLocked()
	}
}

// tellAllLocked tells the whole list, once, when all of it is known.
func (l *watchlist) tellAllLocked() {
	if l.told || l.untried > 0 {
		return
	}
	l.told = true
	var online, offline []string
	for _, one := range l.users {
		if one.clients > 0 {
			online = append(online, one.userID)
		} else {
			offline = append(offline, one.userID)
		}
	}
	l.tell(watchEvent(online, offline))
}

func watchEvent(online, offline []string) item {
	return frameItem(textFrame(pusher.AppendWatchlist(nil, online, offline)))
}
