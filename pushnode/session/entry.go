package session

import (
	"slices"
	"sync"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/prefetch"
	"halley/pushnode/wire"
)

// entry is one channel's fan-out on this node: who follows it, and how far it was delivered. Lock order: entry.mu, then the mu of
// an outbox.
type entry struct {
	id          channel.ID   // immutable
	metrics     *metrics     // immutable
	congestions *congestions // immutable

	gathered *gathered // what is to be queued next; owned by who delivers

	mu sync.Mutex
	// guarded by mu
	subs      []*subscription
	attached  int              // subs that have a connection
	behind    int              // subs that are fed from history
	head      channel.Position // of the last publication that was delivered here; zero before the first
	version   uint64           // of presence, as it was last delivered here; 0 before the first change
	changes   *changes         // of presence, for who reads the set; nil: nobody does
	rule      channel.Rule     // of the channel
	congested bool             // congestions were told that a subscriber cannot take more
	forgotten bool             // the hub has let it go: who wants to join must look it up again
}

// connections is how many of those who follow the channel are connected.
func (e *entry) connections() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.attached
}

// queueBatch puts messages into the outboxes of all who follow the channel and have room for all of them, which by sees to. It reports
// whether nobody is left, for queue to be called with each message. It never waits for a socket. It must not be called by two
// goroutines at a time.
func (e *entry) queueBatch(messages []outgoing, by *Delivery) (all bool) {
	first, last := messages[0].position, messages[len(messages)-1].position
	e.mu.Lock()
	defer e.mu.Unlock()
	if comparePositions(first, e.head) <= 0 {
		return false // some are known
	}
	all = true
	var together *batch
	for i, sub := range e.subs {
		e.prefetchLocked(i)
		if sub.mode != live {
			continue
		}
		if !follows(sub.last, first) {
			all = false
			continue
		}
		if together == nil {
			together = batchOf(messages)
		}
		taken, urgency := sub.outbox.offerBatch(item{batch: together, sub: sub})
		if !taken {
			all = false
			continue
		}
		sub.last = last
		by.note(sub.outbox, urgency)
	}
	if all {
		e.head = last
	}
	return all
}

func batchOf(messages []outgoing) *batch {
	together := &batch{messages: make([]*wire.Shared, len(messages))}
	for i := range messages {
		together.messages[i] = messages[i].shared()
		together.frames = append(together.frames, messages[i].shared().Frame()...)
	}
	return together
}

// queue puts a message into the outboxes of all who follow the channel, which by sees to. It never waits for a socket. It must not be
// called by two goroutines at a time.
//
// A live subscription gets what follows its last position and nothing else: what is not later is known already, and a hole sends
// it back to history. So nothing falls between the backlog that a subscriber begins with and what is delivered here.
func (e *entry) queue(message outgoing, by *Delivery) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if comparePositions(message.position, e.head) <= 0 {
		return
	}
	e.head = message.position
	exclude := message.publication.Exclude
	for i, sub := range e.subs {
		e.prefetchLocked(i)
		if sub.mode != live || comparePositions(message.position, sub.last) <= 0 {
			continue
		}
		if !follows(sub.last, message.position) {
			e.metrics.holes.Inc()
			e.fallBehindLocked(sub)
			continue
		}
		if exclude != "" && exclude == sub.session.id {
			sub.pass(message.position)
			continue
		}
		e.queueLocked(sub, message.position, item{shared: message.shared(), sub: sub}, by)
	}
}

// prefetchLocked has what the next subscriptions need fetched into the processor's cache, when those before i have had their turn.
func (e *entry) prefetchLocked(i int) {
	if i%prefetch.Ahead != 0 {
		return
	}
	for _, next := range e.subs[i:min(i+prefetch.Ahead, len(e.subs))] {
		prefetch.Of(next)
		prefetch.Of(next.outbox)
	}
}

func (e *entry) queueLocked(sub *subscription, position channel.Position, message item, by *Delivery) {
	verdict, urgency, lost := sub.outbox.offer(message, e.rule.Policy)
	switch verdict {
	case refused:
		e.metrics.overflows.Inc()
		sub.stalled = true
		e.fallBehindLocked(sub)
		return
	case replaced:
		e.metrics.dropped(channel.PolicyLatest, lost)
	case displaced:
		e.metrics.dropped(channel.PolicyLossy, lost)
	}
	sub.last = position
	by.note(sub.outbox, urgency)
}

// fallBehindLocked leaves the subscription to the connection's writer.
func (e *entry) fallBehindLocked(sub *subscription) {
	e.setModeLocked(sub, behind)
	e.suspectLocked(sub)
	sub.outbox.hungry(sub, time.Time{})
}

// lapse sends all who are live back to history: it is not known any more what they were given.
func (e *entry) lapse() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, sub := range e.subs {
		if sub.mode == live {
			e.fallBehindLocked(sub)
		}
	}
}

// deliverPresence hands a change of presence to those who watch. Versions rise by one; who missed one is told the whole set. They
// begin again at 1 when the channel was forgotten, which an empty set has been through version 2 to be.
func (e *entry) deliverPresence(changed channel.PresenceChanged) {
	e.mu.Lock()
	defer e.mu.Unlock()
	begun := changed.Version == 1 && e.version >= 2 // else it is late, and known to who has read the set since
	e.version = changed.Version
	var shared *wire.Shared
	if e.changes != nil {
		shared = wire.Share(presenceOf(e.id.Name, changed))
		e.keepChangeLocked(shared)
	}
	for _, sub := range e.subs {
		restarted := begun && sub.watch.version >= 2
		if !sub.watch.wanted || sub.watch.stale || sub.mode == parked || changed.Version <= sub.watch.version && !restarted {
			continue
		}
		if shared == nil {
			shared = wire.Share(presenceOf(e.id.Name, changed))
		}
		if changed.Version == sub.watch.version+1 && sub.outbox.tryPush(item{shared: shared}) {
			sub.watch.version = changed.Version
			continue
		}
		sub.watch.stale = true
		sub.outbox.hungry(sub, time.Time{})
	}
}

// addLocked makes sub one of the channel's subscriptions.
func (e *entry) addLocked(sub *subscription) {
	sub.index = len(e.subs)
	e.subs = append(e.subs, sub)
	if sub.outbox != nil {
		e.attached++
	}
}

// removeLocked takes sub out, and reports whether it was in.
func (e *entry) removeLocked(sub *subscription) bool {
	if sub.mode == gone {
		return false
	}
	e.setModeLocked(sub, gone)
	e.setReadLocked(sub)
	if sub.outbox != nil {
		e.attached--
	}
	last := e.subs[len(e.subs)-1]
	last.index = sub.index
	e.subs[sub.index] = last
	e.subs[len(e.subs)-1] = nil
	e.subs = e.subs[:len(e.subs)-1]
	if cap(e.subs) > 64 && len(e.subs) < cap(e.subs)/4 {
		e.subs = slices.Clip(slices.Clone(e.subs))
	}
	return true
}

// setModeLocked changes how a subscription gets its messages. Who is not behind is not stalled.
func (e *entry) setModeLocked(sub *subscription, to mode) {
	if sub.mode == behind {
		e.behind--
	}
	if to == behind {
		e.behind++
	} else {
		sub.stalled = false
	}
	sub.mode = to
}

// congestion says whether a subscriber could lose messages if more were published: its queue was full and is not made good yet, or
// it has as much to catch up with as half of what history keeps, up to head; or that much was not even delivered here yet. queued
// is how much waits for the one that has most.
func (e *entry) congestion(head channel.Position) (queued int, full bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.congestionLocked(head)
}

func (e *entry) congestionLocked(head channel.Position) (queued int, full bool) {
	if undelivered := distance(e.head, head); e.attached > 0 && 2*undelivered > e.rule.Retention.Messages {
		queued, full = undelivered, true
	}
	if e.behind == 0 {
		return queued, full
	}
	for _, sub := range e.subs {
		if sub.mode != behind || !sub.begun {
			continue
		}
		missed := distance(sub.last, head)
		if sub.stalled || 2*missed > e.rule.Retention.Messages {
			waiting, _ := sub.outbox.queued()
			queued, full = max(queued, waiting+missed), true
		}
	}
	return queued, full
}

// start begins the stream of a joining subscription with a backlog that was read for it. Where that is empty and nothing came
// since, the subscription is live at once; else the connection's writer feeds it, the page first.
func (e *entry) start(sub *subscription, backlog channel.Backlog, first *page) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if sub.mode != joining {
		return
	}
	sub.begun, sub.last, sub.told, sub.uncertain = true, backlog.From, backlog.From, backlog.Gap != nil
	switch {
	case sub.outbox == nil:
		e.setModeLocked(sub, parked)
	case backlog.Gap == nil && len(backlog.Publications) == 0 && e.caughtUpLocked(sub, backlog.Head):
		e.setModeLocked(sub, live)
	default:
		sub.page = first // not in the writer's hands yet
		e.fallBehindLocked(sub)
	}
}

// resume begins the stream of a joining subscription where its session remembers to be or its client says. The connection's writer
// reads what was missed.
func (e *entry) resume(sub *subscription, at followed) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if sub.mode != joining {
		return
	}
	sub.place, sub.watch, sub.doubted = at.place, at.watch, at.doubted
	if sub.outbox == nil {
		e.setModeLocked(sub, parked)
		return
	}
	e.fallBehindLocked(sub)
}

// caughtUpLocked reports whether the subscription has everything: up to the channel's head when its history was read, and all that
// was delivered here since.
func (e *entry) caughtUpLocked(sub *subscription, head channel.Position) bool {
	return comparePositions(sub.last, head) >= 0 && comparePositions(sub.last, e.head) >= 0
}

// leave stops all delivery to a subscription whose connection ends, and returns where it stands; what was being written counts as
// sent. It still counts as a subscriber until another takes its place or the hub lets it go.
func (e *entry) leave(sub *subscription) followed {
	e.mu.Lock()
	defer e.mu.Unlock()
	if sub.mode != gone {
		e.setModeLocked(sub, parked)
	}
	e.setReadLocked(sub)
	left := followed{place: sub.place, watch: sub.watch, doubted: sub.suspended || sub.doubted}
	if sub.begun && comparePositions(sub.sending, sub.last) > 0 {
		left.last = sub.sending
	}
	left.watch.stale = left.watch.wanted
	return left
}

// look returns where the subscription stands, and whether it is to be fed.
func (e *entry) look(sub *subscription) (at place, hungry bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return sub.place, sub.mode == behind
}

// begin says that what follows from is in the writer's hands; doubt, that the client has to be told of a gap before. It reports whether
// the client waits to be told that the stream goes on.
func (e *entry) begin(sub *subscription, from channel.Position, doubt bool) (goesOn bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	goesOn = sub.suspended || sub.doubted
	sub.suspended, sub.doubted, sub.announce = false, false, false
	if sub.mode == behind && !sub.begun {
		sub.place = place{begun: true, last: from, told: from, stalled: sub.stalled, uncertain: doubt}
	}
	return goesOn
}

// writing says that the writer is about to write everything up to position. From then on nobody knows whether it arrives. It
// reports whether the subscription is still the writer's to feed.
func (e *entry) writing(sub *subscription, position channel.Position) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if sub.mode == behind {
		sub.sending = position
	}
	return sub.mode == behind
}

// written says that this has been written, and with it the gap that was to be told.
func (e *entry) written(sub *subscription) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if sub.mode == behind {
		sub.last, sub.uncertain = sub.sending, false
	}
}

// catchUp makes the subscription live if it has everything. Otherwise it is still to be fed.
func (e *entry) catchUp(sub *subscription, head channel.Position) (done bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if sub.mode != behind {
		return true
	}
	if !e.caughtUpLocked(sub, head) {
		return false
	}
	e.setModeLocked(sub, live)
	return true
}

// watchFrom follows the presence of the channel from a version that the client is told; before is what had been delivered when it
// was read. It reports whether every later change will reach it.
func (e *entry) watchFrom(sub *subscription, version, before uint64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.forgetVersionLocked(version, before)
	return e.watchFromLocked(sub, version)
}

// watchFromLocked has a subscription told what came since a version, as far as that is known.
func (e *entry) watchFromLocked(sub *subscription, version uint64) bool {
	since, all := e.changesLocked(version)
	e.setReadLocked(sub)
	sub.watch = watch{wanted: true, known: true, version: version, stale: !all}
	for _, change := range since {
		if sub.outbox == nil || !all || !sub.outbox.tryPush(item{shared: change}) {
			sub.watch.stale = true
			break
		}
		sub.watch.version++
	}
	return !sub.watch.stale
}

// forgetVersionLocked takes note of a set whose version is below what had been delivered before it was read: versions have begun
// again, because the channel was forgotten.
func (e *entry) forgetVersionLocked(version, before uint64) {
	if version < before && e.version == before {
		e.version = version
	}
}

// delivered is the version of presence that was delivered last.
func (e *entry) delivered() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.version
}

// tellPresence queues the whole set for a subscription that still wants it, and goes on from its version as watchFrom does. told is
// nil where the client knows that version.
func (e *entry) tellPresence(sub *subscription, version, before uint64, told *wire.Shared) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.forgetVersionLocked(version, before)
	if !sub.watch.wanted {
		return true
	}
	if told != nil {
		sub.outbox.push(item{shared: told})
	}
	return e.watchFromLocked(sub, version)
}

// watchWanted reports whether the subscription follows the presence of the channel, parked or not.
func (e *entry) watchWanted(sub *subscription) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return sub.watch.wanted
}

// watchNot stops following the presence of the channel.
func (e *entry) watchNot(sub *subscription) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.setReadLocked(sub)
	sub.watch = watch{}
}

// setRule changes what happens where a queue is full.
func (e *entry) setRule(rule channel.Rule) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rule = rule
	if e.behind > 0 || e.congested {
		e.congestions.add(e)
	}
}

// watching returns how the subscription follows the presence of the channel; not at all where it has left.
func (e *entry) watching(sub *subscription) watch {
	e.mu.Lock()
	defer e.mu.Unlock()
	if sub.mode == gone || sub.mode == parked {
		return watch{}
	}
	return sub.watch
}

func messageOf(name, epoch string, publication *channel.Publication) *wire.Message {
	message := wire.MessageOf(name, epoch, publication)
	return &message
}

func presenceOf(name string, changed channel.PresenceChanged) *wire.Presence {
	return &wire.Presence{
		Channel: name, Action: string(changed.Action), Member: memberOf(changed.Member), Version: changed.Version,
		Only: changed.Only,
	}
}

func memberOf(member channel.Member) wire.Member {
	return wire.Member{ClientID: member.ClientID, Session: member.Session, Data: member.Data}
}

func membersOf(members []channel.Member) []wire.Member {
	list := make([]wire.Member, len(members))
	for i, member := range members {
		list[i] = memberOf(member)
	}
	return list
}
