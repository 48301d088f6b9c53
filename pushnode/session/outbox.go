package session

import (
	"slices"
	"sync"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/wire"
)

// verdict is what an outbox answers to a message.
type verdict uint8

const (
	accepted  verdict = iota
	refused           // no room, and the policy lets nothing go: the subscription falls behind
	replaced          // policy latest: it took the place of older ones
	displaced         // policy lossy: messages were let go of, and are counted
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
	maxBytes    int    // immutable
	maxMessages int    // immutable
	writer      writer // immutable: told that there may be something to do

	mu sync.Mutex
	// guarded by mu
	items   []item        // nil where nothing waits
	first   [1]item       // the memory of items where that is one
	weight  int           // of items
	bytes   int           // of items
	writing int           // bytes that were taken and not yet written
	order   uint64        // of the last item
	behind  []hunger      // the subscriptions that the writer must feed, each once
	closing *wire.Error   // why the connection ends; what waits is still written
	room    chan struct{} // closed when something was written; nil: nobody waits for that
	due     bool          // something was put in that somebody is to flush, and nothing has been taken since
	closed  bool          // nothing is taken any more
	retired bool          // nor written
}

// writer takes things out of an outbox. Its methods never wait.
type writer interface {
	// wake says that there may be something to do. It is called under the outbox's lock.
	wake()
	// prefetch has what writeDirect needs fetched into the processor's cache. It takes no lock.
	prefetch()
	// writeDirect writes what waits on the goroutine of who calls. It is false where that cannot be done, or not to the end.
	writeDirect(count *tally) (done bool)
}

func (o *outbox) init(maxBytes, maxMessages int, writer writer) *outbox {
	o.maxBytes, o.maxMessages, o.writer = maxBytes, maxMessages, writer
	return o
}

// offer puts a message of a subscription in, or does what the policy says where there is no room: lost is how many messages it let go of.
// The writer is not woken: unless it was refused, or noted, flush must follow.
func (o *outbox) offer(message item, policy channel.Policy) (done verdict, when urgency, lost int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return refused, noted, 0
	}
	if o.fitsLocked(message) {
		o.appendLocked(message)
		return accepted, o.urgencyLocked(), 0
	}
	switch policy {
	case channel.PolicyLatest:
		lost = o.replaceLocked(message)
		return replaced, o.urgencyLocked(), lost
	case channel.PolicyLossy:
		lost = o.displaceLocked(message)
		return displaced, o.urgencyLocked(), lost
	default:
		return refused, noted, 0
	}
}

// offerBatch puts messages of a subscription in, if there is room for all. As after offer, flush must follow.
func (o *outbox) offerBatch(messages item) (taken bool, when urgency) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || 2*messages.weight() > o.maxMessages || !o.fitsLocked(messages) {
		return false, noted
	}
	o.appendLocked(messages)
	return true, o.urgencyLocked()
}

func (o *outbox) urgencyLocked() urgency {
	before := o.due
	o.due = true
	switch {
	case 2*o.bytes >= o.maxBytes || 2*o.weight >= o.maxMessages:
		return pressing
	case before:
		return noted
	default:
		return due
	}
}

// flush has what waits written: at once and here, where the socket takes it, else by the writer.
func (o *outbox) flush(count *tally) {
	if !o.writer.writeDirect(count) {
		o.stir()
	}
}

// flushHere has what waits written at once, by who calls. It is false where that cannot be done.
func (o *outbox) flushHere() bool {
	count := tally{now: time.Now()}
	defer count.flush()
	return o.writer.writeDirect(&count)
}

// isBusy reports whether the writer has something to do but to write what waits.
func (o *outbox) isBusy() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.items) > 0 || len(o.behind) > 0 || o.closing != nil
}

// answer is push for somebody who may write: where the socket takes it at once, the writer need not be woken.
func (o *outbox) answer(thing item) {
	o.mu.Lock()
	if !o.closed {
		o.appendLocked(thing)
	}
	o.mu.Unlock()
	if !o.flushHere() {
		o.stir()
	}
}

// tryPush puts something in if there is room, and wakes the writer.
func (o *outbox) tryPush(thing item) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || !o.fitsLocked(thing) {
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
func (o *outbox) fitsLocked(thing item) bool {
	waiting := o.bytes + o.writing
	return waiting == 0 || waiting+thing.size() <= o.maxBytes && o.weight+thing.weight() <= o.maxMessages
}

func (o *outbox) appendLocked(thing item) {
	o.order++
	thing.order = o.order
	switch {
	case o.items == nil:
		o.items = o.first[:0]
	case o.inFirstLocked():
		o.items = append(spareQueue(), o.items...)
		o.first[0] = item{}
	}
	o.items = append(o.items, thing)
	o.bytes += thing.size()
	o.weight += thing.weight()
}

// inFirstLocked reports whether the only item is where the first one has its place.
func (o *outbox) inFirstLocked() bool { return len(o.items) == 1 && &o.items[0] == &o.first[0] }

// lessLocked takes note of an item that does not wait any more.
func (o *outbox) lessLocked(thing *item) {
	o.bytes -= thing.size()
	o.weight -= thing.weight()
}

func (o *outbox) wakeLocked() { o.writer.wake() }

// replaceLocked keeps of a subscription nothing but the newest message.
func (o *outbox) replaceLocked(newest item) (lost int) {
	o.items = slices.DeleteFunc(o.items, func(waiting item) bool {
		if waiting.sub != newest.sub {
			return false
		}
		o.lessLocked(&waiting)
		lost += waiting.weight()
		return true
	})
	o.appendLocked(newest)
	return lost
}

// displaceLocked lets go of the oldest messages of the subscription until the newest fits. Where none of its own waits, the newest
// itself goes. What went is counted by a marker at its place.
func (o *outbox) displaceLocked(newest item) (lost int) {
	for !o.fitsLocked(newest) {
		dropped := o.dropOldestLocked(newest.sub)
		if dropped == 0 {
			o.countDropLocked(newest.sub)
			return lost + 1
		}
		lost += dropped
	}
	o.appendLocked(newest)
	return lost
}

// dropOldestLocked lets go of the first messages of the subscription that wait together: mostly one. Their place is taken by a marker, or
// counted in the one before it.
func (o *outbox) dropOldestLocked(sub *subscription) (dropped int) {
	marker := -1
	for i := range o.items {
		waiting := &o.items[i]
		switch {
		case waiting.sub != sub:
		case waiting.dropped > 0:
			marker = i
		case marker >= 0:
			dropped = waiting.weight()
			o.items[marker].dropped += uint64(dropped)
			o.lessLocked(waiting)
			o.items = slices.Delete(o.items, i, i+1)
			return dropped
		default:
			dropped = waiting.weight()
			o.lessLocked(waiting)
			*waiting = item{sub: sub, dropped: uint64(dropped), order: waiting.order}
			o.weight++ // the marker
			return dropped
		}
	}
	return 0
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

// take moves what waits into a queue of the writer's, at most about limit bytes of it. The writer must call wrote when it is written, and
// may let go of the queue then.
func (o *outbox) take(limit int) []item {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.due = false
	if o.bytes <= limit {
		all := o.items
		if o.inFirstLocked() {
			all = append(spareQueue(), all...)
			o.first[0] = item{}
		}
		o.writing += o.bytes
		o.items, o.bytes, o.weight = nil, 0, 0
		return all
	}
	taken, size := 0, 0
	for taken < len(o.items) && (taken == 0 || size+o.items[taken].size() <= limit) {
		size += o.items[taken].size()
		o.weight -= o.items[taken].weight()
		taken++
	}
	part := append(spareQueue(), o.items[:taken]...)
	o.bytes -= size
	o.writing += size
	o.items = slices.Delete(o.items, 0, taken)
	return part
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
		o.weight += items[i].weight()
	}
}

// wrote says that everything taken has been written, and reports whether nothing waits any more.
func (o *outbox) wrote() (empty bool) {
	o.mu.Lock()
	o.writing = 0
	empty = len(o.items) == 0
	o.roomLocked()
	o.mu.Unlock()
	return empty
}

// roomLocked tells those who wait for room to look.
func (o *outbox) roomLocked() {
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
}

// awaitRoom keeps a client from asking for more than it takes: while the queue is full, its next command is not read.
func (o *outbox) awaitRoom() {
	for {
		o.mu.Lock()
		if o.closed || o.retired || !o.fullLocked() {
			o.mu.Unlock()
			return
		}
		if o.room == nil {
			o.room = make(chan struct{})
		}
		room := o.room
		o.mu.Unlock()
		<-room // a writer that cannot write ends
	}
}

// retire says that there is no writer any more. What waits was not sent.
func (o *outbox) retire() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.retired = true
	o.roomLocked()
}

// fullLocked reports whether there is no room for anything.
func (o *outbox) fullLocked() bool {
	return o.bytes+o.writing >= o.maxBytes || o.weight >= o.maxMessages
}

// queued is how many things and bytes wait.
func (o *outbox) queued() (count, bytes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.weight, o.bytes + o.writing
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
			if o.behind = slices.Delete(o.behind, i, i+1); len(o.behind) == 0 {
				o.behind = nil // most are fed once, when they come
			}
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
	o.items, o.behind, o.bytes, o.weight, o.closed = nil, nil, 0, 0, true
	o.wakeLocked()
	o.roomLocked()
	return left
}
