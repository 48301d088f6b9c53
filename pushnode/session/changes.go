package session

import (
	"halley/pushnode/wire"
)

// changes is the changes of a channel's presence that were delivered while somebody reads the set: what came since the version that was read
// can then be told as it came, instead of the whole set once more. It is guarded by the mu of its entry.
type changes struct {
	readers int            // subscriptions that read the set
	list    []*wire.Shared // each a *wire.Presence, in the order of their versions
}

// maxChanges bounds what is kept for who reads a set. Beyond it they read it once more.
const maxChanges = 256

// readSet notes that a subscription is about to read the channel's presence set, until it watches or leaves, and returns the version that was
// delivered last.
func (e *entry) readSet(sub *subscription) (delivered uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.changes == nil {
		e.changes = new(changes)
	}
	if !sub.watch.reads {
		sub.watch.reads = true
		e.changes.readers++
	}
	return e.version
}

// readNot says that the set could not be read.
func (e *entry) readNot(sub *subscription) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.setReadLocked(sub)
}

// setReadLocked says that a subscription does not wait for the set any more, if it did.
func (e *entry) setReadLocked(sub *subscription) {
	if !sub.watch.reads {
		return
	}
	sub.watch.reads = false
	if e.changes.readers--; e.changes.readers == 0 {
		e.changes = nil
	}
}

// keepChangeLocked keeps a change for who reads the set, if anybody does.
func (e *entry) keepChangeLocked(change *wire.Shared) {
	if len(e.changes.list) == maxChanges {
		e.changes.list = nil
	}
	e.changes.list = append(e.changes.list, change)
}

// changesLocked is the changes after a version up to the last that was delivered. It is false where not all of them were kept.
func (e *entry) changesLocked(version uint64) (since []*wire.Shared, all bool) {
	if e.version <= version {
		return nil, true
	}
	if e.changes == nil {
		return nil, false
	}
	next := version + 1
	for _, change := range e.changes.list {
		switch at := change.Push().(*wire.Presence).Version; {
		case at == next:
			since = append(since, change)
			next++
		case at > next:
			return nil, false
		}
	}
	return since, next == e.version+1
}
