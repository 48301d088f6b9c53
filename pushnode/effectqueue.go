package pushnode

import (
	"sync"
	"sync/atomic"

	"halley/pushnode/channel"
)

// What one delivery queue may hold. At either bound the node takes no more publications to its own slots: the publishers are faster than
// the fan-out. What other leaders have committed comes all the same, for this node follows their slots: beyond a bound it is folded.
const (
	maxPendingEffects = 1 << 16
	maxPendingBytes   = 64 << 20 // of what publications and members bring along
	// maxPendingFates bounds the effects, of all kinds, beyond which the fates of sessions are not queued one by one either.
	maxPendingFates = 2 * maxPendingEffects
)

// effectQueue is the work of one delivery goroutine. A slot always uses the same queue.
//
// Where it is full, what happens in a channel is folded: one behind tells, in the place of all that was left out, where the channel
// stands. Its subscribers then read history for what they missed, and the set of members where that changed. So the queue holds no more
// than its bounds and one behind for each channel, however long the fan-out takes, and nobody misses anything in silence.
type effectQueue struct {
	depth   atomic.Int64  // things pending, and those being handled; read without mu by publishers
	bytes   atomic.Int64  // of these
	handled atomic.Int64  // how many have been, ever; read without mu by awaitHandled
	folded  atomic.Int64  // effects that were left out, ever
	wake    chan struct{} // one token: there may be something
	mu      sync.Mutex
	// guarded by mu
	pending []any                  // a channel.Effect or a *behind
	folds   map[channel.ID]*behind // of pending, those that may still take something in
}

// behind says where a channel stands, for those who may have missed something.
type behind struct {
	id       channel.ID
	messages bool // position is told
	position channel.Position
	presence bool // version is told
	version  uint64
}

func (q *effectQueue) init() {
	q.wake, q.folds = make(chan struct{}, 1), make(map[channel.ID]*behind)
}

func (q *effectQueue) full() bool {
	return q.depth.Load() >= maxPendingEffects || q.bytes.Load() >= maxPendingBytes
}

// push puts effects in line, or folds them. false: there are fates of sessions among them for which there is no room.
func (q *effectQueue) push(effects []channel.Effect) (whole bool) {
	whole = true
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, effect := range effects {
		switch told := effect.(type) {
		case channel.Published:
			q.addOrFoldLocked(told.Channel, effect)
		case channel.PresenceChanged:
			q.addOrFoldLocked(told.Channel, effect)
		case channel.PresenceDue: // the leader's host sees to that
		default:
			if q.depth.Load() < maxPendingFates {
				q.addLocked(effect)
			} else {
				whole = false
			}
		}
	}
	return whole
}

// tell puts where a channel stands in line.
func (q *effectQueue) tell(told behind) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.addOrFoldLocked(told.id, &told)
}

func (q *effectQueue) addOrFoldLocked(id channel.ID, thing any) {
	if !q.full() {
		delete(q.folds, id) // what is folded from now on comes after this
		q.addLocked(thing)
		return
	}
	q.folded.Add(1)
	instead := behindOf(thing)
	if known := q.folds[id]; known != nil {
		known.takeIn(instead)
		return
	}
	q.folds[id] = instead
	q.addLocked(instead)
}

// behindOf is what stands in the place of something of a channel that is left out.
func behindOf(thing any) *behind {
	switch left := thing.(type) {
	case channel.Published:
		return &behind{
			id: left.Channel, messages: true, position: channel.Position{Epoch: left.Epoch, Offset: left.Publication.Offset},
		}
	case channel.PresenceChanged:
		return &behind{id: left.Channel, presence: true, version: left.Version}
	default:
		return thing.(*behind)
	}
}

func (q *effectQueue) addLocked(thing any) {
	q.depth.Add(1)
	q.bytes.Add(bytesOf(thing))
	q.pending = append(q.pending, thing)
}

// takeIn makes one of two, of which other came later.
func (b *behind) takeIn(other *behind) {
	if other.messages && (!b.messages || other.position.Epoch != b.position.Epoch || other.position.Offset > b.position.Offset) {
		b.messages, b.position = true, other.position
	}
	if other.presence {
		b.presence, b.version = true, other.version
	}
}

// stir has what is pending handled.
func (q *effectQueue) stir() {
	select {
	case q.wake <- struct{}{}:
	default: // it has been told already
	}
}

// take returns what is pending; empty is memory to use again.
func (q *effectQueue) take(empty []any) (batch []any) {
	q.mu.Lock()
	defer q.mu.Unlock()
	batch, q.pending = q.pending, empty
	clear(q.folds) // what is being handled takes nothing in any more
	return batch
}

// done takes note that so many things, of so many bytes, were handled.
func (q *effectQueue) done(count int, bytes int64) {
	q.handled.Add(int64(count))
	q.bytes.Add(-bytes)
	q.depth.Add(-int64(count))
}

// bytesOf is about what a thing keeps in memory beside its own size.
func bytesOf(thing any) int64 {
	switch effect := thing.(type) {
	case channel.Published:
		return int64(len(effect.Publication.Data) + len(effect.Publication.Event) + len(effect.Publication.ID))
	case channel.PresenceChanged:
		return int64(len(effect.Member.Data) + len(effect.Member.ClientID) + len(effect.Member.Session))
	default:
		return 0
	}
}
