package session

import (
	"slices"
	"sync"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/wire"
)

// item is one thing that waits to be written: a push, encoded once for all its receivers, or bytes for this connection alone.
type item struct {
	shared  *wire.Shared
	frame   []byte        // where shared is nil: a WebSocket frame (answers, control)
	sub     *subscription // of a message or a marker; nil: of no subscription
	message *wire.Message // of a message
	dropped uint64        // a marker of policy lossy: so many messages were let go of at this place
	left    string        // a marker: from here on the client does not follow this channel any more
	order   uint64        // given by the outbox; rises
}

func (i *item) size() int {
	if i.shared != nil {
		return len(i.shared.Frame())
	}
	return len(i.frame)
}

// push is the push that waits; nil where it is something else.
func (i *item) push() wire.Push {
	if i.shared == nil {
		return nil
	}
	return i.shared.Push()
}

// verdict is what an outbox answers to a message.
type verdict uint8

const (
	accepted  verdict = iota
	refused           // no room, and the policy lets nothing go: the subscription falls behind
	replaced          // policy latest: it took the place of older ones
	displaced         // policy lossy: one message was let go of, and is counted
)

// urgency is what an outbox answers as to when it wants to be flushed.
type urgency uint8

const (
	noted    urgency = iota // somebody sees to it already
	due                     // when whoever asks has put in what it has
	pressing                // now: it is half full, and what comes next is not to find it full
)

// hunger is a subscription that is to be fed from history.
type hunger struct {
	sub     *subscription
	barrier uint64    // the order up to which the queue must be written first: its own messages are there
	after   time.Time // not before
}

// outbox is what waits for one connection. Fan-out and readers put things in and never wait; the connection's one writer takes
// them out. It is bounded in bytes and count: what is being written counts until it has been.
type outbox struct {
	maxBytes    int           // immutable
	maxMessages int           // immutable
	direct      func() bool   // immutable: writes what waits, without waiting; false: the writer must. nil: only the writer writes
	wake        chan struct{} // one token: there may be something for the writer
	room        chan struct{} // one token: something was written

	mu sync.Mutex
	// guarded by mu
	items   []item
	bytes   int         // of items
	writing int         // bytes that were taken and not yet written
	due     bool        // something was put in that somebody is to flush, and nothing has been taken since
	order   uint64      // of the last item
	behind  []hunger    // the subscriptions that the writer must feed, each once
	closing *wire.Error // why the connection ends; what waits is still written
	closed  bool        // nothing is taken any more
}

func newOutbox(maxBytes, maxMessages int) *outbox {
	return &outbox{
		maxBytes: maxBytes, maxMessages: maxMessages,
		wake: make(chan struct{}, 1), room: make(chan struct{}, 1),
	}
}

// offer puts a message of a subscription in, or does what the policy says where there is no room. The writer is not woken: unless it was
// refused, or noted, flush must follow.
func (o *outbox) offer(message item, policy channel.Policy) (verdict, urgency) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return refused, noted
	}
	if o.fitsLocked(message.size()) {
		o.appendLocked(message)
		return accepted, o.urgencyLocked()
	}
	switch policy {
	case channel.PolicyLatest:
		o.replaceLocked(message)
		return replaced, o.urgencyLocked()
	case channel.PolicyLossy:
		o.displaceLocked(message)
		return displaced, o.urgencyLocked()
	default:
		return refused, noted
	}
}

func (o *outbox) urgencyLocked() urgency {
	before := o.due
	o.due = true
	switch {
	case 2*o.bytes >= o.maxBytes || 2*len(o.items) >= o.maxMessages:
		return pressing
	case before:
		return noted
	default:
		return due
	}
}

// flush has what waits written: at once and here, where the socket takes it, else by the writer.
func (o *outbox) flush() {
	if o.direct == nil || !o.direct() {
		o.stir()
	}
}

// tryPush puts something in if there is room, and wakes the writer.
func (o *outbox) tryPush(thing item) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || !o.fitsLocked(thing.size()) {
		return false
	}
	o.appendLocked(thing)
	o.wakeLocked()
	return true
}

// push puts in what must not be lost, room or not: answers, and pushes that something else bounds (one for each subscription, one
// for each command that the reader lets through).
func (o *outbox) push(thing item) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.appendLocked(thing)
		o.wakeLocked()
	}
}

// fitsLocked: a thing larger than the whole queue fits where nothing waits.
func (o *outbox) fitsLocked(size int) bool {
	waiting := o.bytes + o.writing
	return waiting == 0 || waiting+size <= o.maxBytes && len(o.items) < o.maxMessages
}

func (o *outbox) appendLocked(thing item) {
	o.order++
	thing.order = o.order
	o.items = append(o.items, thing)
	o.bytes += thing.size()
}

func (o *outbox) wakeLocked() {
	select {
	case o.wake <- struct{}{}:
	default: // it has been told already
	}
}

// replaceLocked keeps of a subscription nothing but the newest message.
func (o *outbox) replaceLocked(newest item) {
	o.items = slices.DeleteFunc(o.items, func(waiting item) bool {
		if waiting.sub != newest.sub {
			return false
		}
		o.bytes -= waiting.size()
		return true
	})
	o.appendLocked(newest)
}

// displaceLocked lets go of the oldest messages of the subscription until the newest fits. Where none of its own waits, the newest
// itself goes. What went is counted by a marker at its place.
func (o *outbox) displaceLocked(newest item) {
	for !o.fitsLocked(newest.size()) {
		if !o.dropOldestLocked(newest.sub) {
			o.countDropLocked(newest.sub)
			return
		}
	}
	o.appendLocked(newest)
}

// dropOldestLocked lets go of one message of the subscription. Its place is taken by a marker, or counted in the one before it.
func (o *outbox) dropOldestLocked(sub *subscription) bool {
	marker := -1
	for i := range o.items {
		waiting := &o.items[i]
		switch {
		case waiting.sub != sub:
		case waiting.dropped > 0:
			marker = i
		case marker >= 0:
			o.items[marker].dropped++
			o.bytes -= waiting.size()
			o.items = slices.Delete(o.items, i, i+1)
			return true
		default:
			o.bytes -= waiting.size()
			*waiting = item{sub: sub, dropped: 1, order: waiting.order}
			return true
		}
	}
	return false
}

// countDropLocked counts a message that never got in. The subscription has nothing in the queue but, perhaps, a marker.
func (o *outbox) countDropLocked(sub *subscription) {
	for i := range o.items {
		if o.items[i].sub == sub {
			o.items[i].dropped++
			return
		}
	}
	o.appendLocked(item{sub: sub, dropped: 1})
}

// take moves what waits to dst, at most about limit bytes of it. The writer must call wrote when it is written.
func (o *outbox) take(dst []item, limit int) []item {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.due = false
	taken, size := 0, 0
	for taken < len(o.items) && (taken == 0 || size+o.items[taken].size() <= limit) {
		size += o.items[taken].size()
		taken++
	}
	dst = append(dst, o.items[:taken]...)
	o.bytes -= size
	o.writing += size
	if o.items = slices.Delete(o.items, 0, taken); len(o.items) == 0 && cap(o.items) > spareItems {
		o.items = nil
	}
	return dst
}

// putBack returns what was taken and not written: whoever takes the session over finds it unsent.
func (o *outbox) putBack(items []item) {
	if len(items) == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	o.items = slices.Insert(o.items, 0, items...)
	for i := range items {
		o.bytes += items[i].size()
	}
}

// spareItems is how large a queue an idle connection may keep.
const spareItems = 16

// wrote says that everything taken has been written, and reports whether nothing waits any more.
func (o *outbox) wrote() (empty bool) {
	o.mu.Lock()
	o.writing = 0
	empty = len(o.items) == 0
	o.mu.Unlock()
	select {
	case o.room <- struct{}{}:
	default: // nobody has looked since the last time
	}
	return empty
}

// full reports whether there is no room for anything.
func (o *outbox) full() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.closed && (o.bytes+o.writing >= o.maxBytes || len(o.items) >= o.maxMessages)
}

// queued is how many things and bytes wait.
func (o *outbox) queued() (count, bytes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.items), o.bytes + o.writing
}

// hungry asks the writer to feed a subscription, when everything that waits now has been written and after has come.
func (o *outbox) hungry(sub *subscription, after time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	o.wakeLocked()
	request := hunger{sub: sub, barrier: o.order, after: after}
	for i := range o.behind {
		if o.behind[i].sub == sub {
			o.behind[i] = request
			return
		}
	}
	o.behind = append(o.behind, request)
}

// nextBehind takes the next subscription that is to be fed. Where there is none yet, it says when to look again: zero for when
// something was written, or never.
func (o *outbox) nextBehind(now time.Time) (sub *subscription, again time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	written := o.order
	if len(o.items) > 0 {
		written = o.items[0].order - 1
	}
	for i, request := range o.behind {
		switch {
		case request.barrier > written:
		case request.after.After(now):
			if again.IsZero() || request.after.Before(again) {
				again = request.after
			}
		default:
			o.behind = slices.Delete(o.behind, i, i+1)
			return request.sub, time.Time{}
		}
	}
	return nil, again
}

// starving reports whether there are subscriptions to be fed.
func (o *outbox) starving() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.behind) > 0
}

// stir makes the writer look at what waits and at the clock.
func (o *outbox) stir() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.wakeLocked()
}

// close asks the writer to write what waits and to end the connection. The first reason stays.
func (o *outbox) close(reason *wire.Error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closing == nil {
		o.closing = reason
	}
	o.wakeLocked()
}

// ending is why the connection ends; nil while it lives.
func (o *outbox) ending() *wire.Error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closing
}

// abandon shuts the outbox and returns what was never taken out. It may be called twice.
func (o *outbox) abandon() []item {
	o.mu.Lock()
	defer o.mu.Unlock()
	left := o.items
	o.items, o.behind, o.bytes, o.closed = nil, nil, 0, true
	o.wakeLocked()
	select {
	case o.room <- struct{}{}:
	default:
	}
	return left
}
