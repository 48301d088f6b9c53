// Package host is the slots of one node and the ways to those of the others: it takes commands and queries for any slot to the slot's
// leader, keeps this node's copies, has them elect leaders, moves copies to where they belong, and hands what happens in
// channels to the nodes whose clients follow them.
//
// It does no I/O, reads no clock, takes no chances and starts no goroutine: frames, evidence, views and ticks come in with the time as
// an argument; frames and callbacks go out through Surroundings. So whole clusters run in one goroutine, repeatably, under a seed
// (simulation_test.go). It knows no connections and no customers, and how a slot agrees is package slot's.
//
// Start reading at Host.Propose (request.go), then serve.go, seat.go and follow.go: the way of a publication. election.go is what
// happens when a leader goes, move.go where copies belong. DESIGN.md says why.
package host

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"halley/pushnode/channel"
	"halley/pushnode/slot"
)

// Config is what a host is made of.
type Config struct {
	Self    uint64 // instance id of this process: random at each start, from 1 to MaxInstance
	Cluster uint64 // id of the cluster, part of every epoch
	Slots   int    // fixed for the life of a cluster
	Copies  int    // wanted of each slot: its voters
	Seed    uint64 // of the jitter of elections: different on every node
	// TwoNodes says what the survivor of a cluster of two does without proof that the other node is dead.
	TwoNodes TwoNodes
	Legacy   *Legacy // of another cluster that this process was in; nil: of none
	Logger   *slog.Logger
}

// MaxInstance is the highest instance id.
const MaxInstance = slot.MaxInstance

// Surroundings is the process around a host. Its methods are called while a slot is locked: they must not block, nor call the host.
type Surroundings interface {
	// Send puts a frame in line for a node. It must not be changed any more. false: it was not taken. Frames of one class arrive in
	// order and without holes until PeerDown.
	Send(to uint64, class Class, frame []byte) bool
	// Queued is how many bytes wait for a node in a class.
	Queued(to uint64, class Class) int
	// Deliver hands on what happened in a slot, in the order of its log, to those who follow its channels here. leads: this node
	// leads the slot, so that what concerns the cluster once is done here.
	Deliver(slot int, effects []channel.Effect, leads bool)
	// Behind says where a followed channel stands, because deliveries may have been missed: whoever has not got that far must ask.
	Behind(id channel.ID, position channel.Position, version uint64)
	// Missed says that the fate of sessions in this slot may have been told to this node, and not heard.
	Missed(slot int)
	// Called hands over a question of another node, to be answered by Host.Answer with its number.
	Called(from, id uint64, question []byte)
	// Watched reports whether an app wants to be told who comes and goes.
	Watched(app string) bool
	// Hooked hands over what apps are to be told, on the node that leads the slot, in order, and returns how many of them it takes: the
	// others are handed over again. What has been told wants to be proposed as Announced. After a change of lead, hooks come again.
	Hooked(slot int, hooks []channel.Hook) (taken int)
	// Counted tells, on the node that leads the slot, how many subscribers a channel of an app that is watched has now.
	Counted(id channel.ID, count int)
	// Overloaded reports whether what happened in the slot is delivered too slowly to take more.
	Overloaded(slot int) bool
}

// Host is the slots of one node. Its methods may be called by any goroutine.
//
// Lock order: a seat's mu, then Host.mu; of two seats, neither within the other.
type Host struct {
	// immutable after New
	config  Config
	outside Surroundings
	seats   []seat

	view       atomic.Pointer[view]   // read by all, replaced under mu
	deaths     atomic.Pointer[deaths] // likewise
	requests   atomic.Uint64          // the latest request's id
	doubted    atomic.Int64           // moment at which a slot last went on without a majority: sessions may be lost
	shyUntil   atomic.Int64           // moment up to which this node should rather not lead
	waiting    atomic.Int64           // requests without an outcome
	clearing   atomic.Int64           // sessions whose presence is being cleared
	shipping   atomic.Int64           // bytes of states that are encoded and not sent yet
	learning   atomic.Int64           // learners that the slots led here bring level
	inheriting atomic.Int64           // estates that are being handed over
	forced     forced                 // recoveries by force that are not logged yet
	fallen     atomic.Int64           // copies that were broken, ever

	mu sync.Mutex
	// guarded by mu
	damping  damping
	sleep    sleep
	missing  map[uint64]int64 // instances that are expected and no members, by since when
	chance   *rand.Rand
	calls    map[uint64]call // by number, until they are answered
	lastCall uint64
}

// New returns a host without any copy of a slot. It serves nobody until it has heard of others' slots, or Found was called.
func New(config Config, outside Surroundings) *Host {
	h := &Host{
		config: config, outside: outside, seats: make([]seat, config.Slots), missing: make(map[uint64]int64),
		calls:  make(map[uint64]call),
		chance: rand.New(rand.NewPCG(config.Seed, config.Self)),
	}
	h.deaths.Store(newDeaths())
	h.view.Store(&view{linked: map[uint64]bool{}, target: make(placement, config.Slots)})
	for i := range h.seats {
		h.seats[i].init(h, i)
	}
	h.inherit(config.Legacy)
	return h
}

// Found makes this node the only voter of every slot: a new cluster.
func (h *Host) Found(now int64) error {
	for i := range h.seats {
		s := &h.seats[i]
		s.enter(now)
		err := s.found()
		s.leave()
		if err != nil {
			return err
		}
	}
	return nil
}

// Tick tells that it is now (milliseconds). It wants to be called every 50 ms.
func (h *Host) Tick(now int64) {
	h.wake(now)
	h.forced.log(h.config.Logger)
	h.endCalls(func(_ uint64, one call) bool { return now >= one.deadline })
	out := &pulses{frames: make(map[uint64][]byte)}
	for i := range h.seats {
		s := &h.seats[i]
		if s.wake.Load() > now {
			continue
		}
		s.enter(now)
		s.tick(out)
		s.leave()
	}
	out.send(h)
}

// Receive takes in a frame of a peer. It may share the frame's memory from then on. An error says that the frame was of no use.
func (h *Host) Receive(now int64, from uint64, frame []byte) error {
	r := readFrame(frame)
	what := kind(r.Byte())
	switch what {
	case kindRoutes, kindDead, kindCall, kindAnswer, kindPulse, kindPulsed:
		if err := h.receive(now, from, what, r); err != nil {
			return fmt.Errorf("frame of kind %d from %x: %w", what, from, err)
		}
		return nil
	}
	index := r.Number()
	if index >= uint64(len(h.seats)) {
		return fmt.Errorf("frame of kind %d from %x: %w: slot %d", what, from, ErrFrame, index)
	}
	if err := h.seats[index].receiveAt(now, from, what, r); err != nil {
		return fmt.Errorf("frame of kind %d from %x for slot %d: %w", what, from, index, err)
	}
	return nil
}

// receive takes in what is of no single slot.
func (h *Host) receive(now int64, from uint64, what kind, r *frameReader) error {
	switch what {
	case kindRoutes:
		led := r.routes()
		if err := r.End(); err != nil {
			return err
		}
		h.learnRoutes(now, led)
	case kindDead:
		crowded, dead := r.Number(), r.Fixeds()
		if err := r.End(); err != nil {
			return err
		}
		h.learnCrowd(now, crowded)
		h.learnDeaths(now, dead)
	case kindPulse, kindPulsed:
		list := r.pulses()
		if err := r.End(); err != nil {
			return err
		}
		if what == kindPulse {
			h.heedPulses(now, from, list)
		} else {
			h.heedPulsed(now, from, list)
		}
	default:
		return h.called(from, what, r)
	}
	return nil
}

// PeerUp tells that frames to a peer, and from it, arrive from now on.
func (h *Host) PeerUp(now int64, instance uint64) {
	h.linkTold(now, instance, true)
	h.link(instance, true)
	h.outside.Send(instance, Control, appendDead(sortedKeys(h.deaths.Load().buried), h.crowdedFor(now)))
	var led []slotRoute
	for i := range h.seats {
		s := &h.seats[i]
		s.enter(now)
		s.peerUp(instance)
		if s.status.Settled {
			led = append(led, slotRoute{slot: i, route: s.route})
		}
		s.leave()
	}
	if len(led) > 0 {
		h.outside.Send(instance, Control, appendRoutes(led))
	}
}

// PeerDown tells that the link to a peer broke: what was on its way is lost, or not. gone: there is evidence that the process itself is
// no more, or does not get any time.
func (h *Host) PeerDown(now int64, instance uint64, gone bool) {
	h.linkTold(now, instance, false)
	h.link(instance, false)
	h.endCalls(func(_ uint64, one call) bool { return one.to == instance })
	for i := range h.seats {
		s := &h.seats[i]
		s.enter(now)
		s.peerDown(instance, gone)
		s.leave()
	}
}

// between draws a number from low to high.
func (h *Host) between(low, high int64) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return low + h.chance.Int64N(high-low+1)
}

// SlotOf places an app's channel, or session, in its slot.
func (h *Host) SlotOf(app, name string) int { return SlotOf(app, name, len(h.seats)) }

// SlotOf is the slot, of so many, of an app's channel or session.
func SlotOf(app, name string, slots int) int {
	var buffer [256]byte
	key := append(buffer[:0], app...)
	key = append(key, 0)
	key = append(key, name...)
	return int(xxhash.Sum64(key) % uint64(slots))
}
